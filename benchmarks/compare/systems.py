"""The systems that are compared: what installs each, and the commands that run it.

Each has an environment of its own in the user's cache folder, made when it is first needed and
again when what it is made from changes. All use the same exported model.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from platformdirs import user_cache_path

from benchmarks.compare.results import ROOT
from index.encoding.model.export import ensure

CACHE = user_cache_path("notes-assistant-benchmarks")
_INSTALL = ROOT / "deploy" / "install.sh"
_PEERS = ROOT / "benchmarks" / "peers"
_TORCH = "torch==2.13.0"
_PLAIN = ["sentence-transformers", "faiss-cpu", "fastapi", "uvicorn"]
_TXTAI = "txtai==9.14.0"
_NAMED = ("onnxruntime", "torch", "sentence-transformers", "faiss-cpu", "txtai", "fastapi")

Edition = Literal["light", "full", "plain", "txtai"]
Command = Literal["build", "ask", "serve", "talk"]


@dataclass(frozen=True)
class System:
    """What answers questions. Commands have {notes}, {data}, {question} and {port} to fill in.

    ready, asks: paths over HTTP; chat: the page that people see, or none. installed: every folder
    of the installation. ours: whether it is this program.
    """

    name: str
    title: str
    edition: Edition
    environment: Mapping[str, str]
    commands: Mapping[Command, tuple[str, ...]]
    ready: str
    asks: str
    chat: str
    ours: bool

    @property
    def python(self) -> Path:
        """Return the interpreter of its environment."""
        return folder(self.edition) / "bin" / "python"

    def command(self, which: Command, **values: object) -> list[str]:
        """Return a command with its places filled in."""
        return [str(self.python), *(part.format(**values) for part in self.commands[which])]

    def surroundings(self) -> dict[str, str]:
        """Return the environment variables to run it with, the caller's own settings left out."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("NOTES_")}
        return kept | dict(self.environment)


def systems() -> list[System]:
    """Return all, installed and with their models exported, ours first."""
    models = user_cache_path("notes-assistant")
    for edition in ("light", "full", "plain", "txtai"):
        _install(edition)
    ensure("onnx", models)
    model = str(ensure("torch", models))
    return [
        _ours("notes", "Notes Assistant, light", "light", "onnx"),
        _ours("notes-torch", "Notes Assistant, sentence-transformers", "full", "torch"),
        _peer("plain", "plain script", "plain", "plain.py", model),
        _peer("txtai", "txtai, hybrid", "txtai", "with_txtai.py", model),
    ]


def folder(edition: Edition) -> Path:
    """Return the virtual environment of an edition, made from just what is asked for now."""
    required = _required(edition)
    pins = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    wanted = [*required, *(pin for pin in pins if pin.partition("==")[0] in required)]
    digest = hashlib.sha256("\n".join(wanted).encode()).hexdigest()
    return CACHE / "environments" / f"{edition}-{digest[:12]}"


def versions(all_systems: list[System]) -> dict[str, str]:
    """Return the libraries that decide, with their versions, by the systems' titles."""
    code = (
        "import importlib.metadata as m, json, sys; "
        "have = {d.metadata['Name']: d.version for d in m.distributions()}; "
        "print(json.dumps({n: have[n] for n in sys.argv[1:] if n in have}))"
    )
    found = {}
    for system in all_systems:
        said = subprocess.check_output([system.python, "-c", code, *_NAMED], text=True)
        found[system.title] = ", ".join(f"{n} {v}" for n, v in json.loads(said).items())
    return found


def _ours(name: str, title: str, edition: Edition, engine: str) -> System:
    return System(
        name,
        title,
        edition,
        {"PYTHONPATH": str(ROOT), "NOTES_ENGINE": engine},
        {
            "build": ("-m", "ui", "build", "{notes}", "--data-dir", "{data}"),
            "ask": ("-m", "ui", "ask", "{question}", "--data-dir", "{data}"),
            "serve": ("-m", "ui", "serve", "--data-dir", "{data}", "--port", "{port}"),
            "talk": ("-m", "benchmarks.compare.talk", "{data}"),
        },
        "/health/ready",
        "/api/v1/ask",
        "/",
        True,
    )


def _peer(name: str, title: str, edition: Edition, script: str, model: str) -> System:
    path = str(_PEERS / script)
    return System(
        name,
        title,
        edition,
        # As any would set it who has the model in a folder: nothing is looked up in a hub.
        {"HF_HUB_OFFLINE": "1"},
        {
            "build": (path, "build", model, "{notes}", "{data}"),
            "ask": (path, "ask", model, "{data}", "{question}"),
            "serve": (path, "serve", model, "{data}", "{port}"),
            "talk": (path, "talk", model, "{data}"),
        },
        "/ready",
        "/ask",
        "",
        False,
    )


@cache
def _required(edition: Edition) -> list[str]:
    if edition == "plain":
        return _PLAIN
    if edition == "txtai":
        return [*_PLAIN, _TXTAI]
    return _script("required", edition).splitlines()


def _install(edition: Edition) -> None:
    target = folder(edition)
    complete = target / "complete"
    if complete.exists():
        return
    for old in target.parent.glob(f"{edition}-*"):
        shutil.rmtree(old)
    print(f"Installing {edition} in {target} …", file=sys.stderr, flush=True)
    if edition in ("light", "full"):
        _script("dependencies", edition, str(target))
    else:
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(target)], check=True)
        index = os.environ.get("TORCH_INDEX")
        _script("install", str(target), *(["--index-url", index] if index else []), _TORCH)
        _script("install", str(target), *_required(edition))
    complete.touch()


def _script(*arguments: str) -> str:
    """Run a step of what makes the images, and return what it says."""
    done = subprocess.run(
        [str(_INSTALL), *arguments],
        cwd=ROOT,
        env=os.environ | {"PYTHON": sys.executable},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(arguments)} failed:\n{done.stdout[-2000:]}")
    return done.stdout
