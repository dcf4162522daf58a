"""Runs the real program: `notes` in a process of its own."""

import atexit
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import IO

from index.building import embedding_cache

# The general questions that every build encodes, as the first server of these tests has kept them.
_ENCODED = Path(tempfile.gettempdir()) / f"notes-tests-{os.getpid()}.sqlite"
NOTES = [sys.executable, "-m", "ui"]
ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Server:
    """A server that answers: where, with which process and files, and what it has logged."""

    url: str
    process: subprocess.Popen[str]
    data_dir: Path
    log: list[str]

    @property
    def pid(self) -> int:
        """Return the id of its process."""
        return self.process.pid


def environment(data_dir: Path, settings: Mapping[str, str]) -> dict[str, str]:
    """Return the environment, its own `NOTES_…` left out but for the cache of models."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("NOTES_") or name == "NOTES_CACHE_DIR"
    }
    return kept | {"NOTES_DATA_DIR": str(data_dir)} | dict(settings)


def notes(
    data_dir: Path, *arguments: str, timeout: float = 240, **settings: str
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [*NOTES, *arguments],
        env=environment(data_dir, settings),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as probe:
        # At any address, as a server may that others reach.
        probe.bind(("", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def server(data_dir: Path, *arguments: str, **settings: str) -> Iterator[Server]:
    """Serve until the block ends; enters once the program says that it is ready."""
    port = free_port()
    kept = data_dir / embedding_cache.FILE
    if _ENCODED.exists() and not kept.exists():
        data_dir.mkdir(parents=True, exist_ok=True)
        shutil.copy(_ENCODED, kept)
    process = subprocess.Popen(
        [*NOTES, "serve", "--port", str(port), *arguments],
        env=environment(data_dir, settings),
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        said = []
        assert process.stderr
        for line in process.stderr:
            said.append(line)
            if "is ready" in line:
                break
        else:
            raise AssertionError("The server did not start:\n" + "".join(said))
        if not _ENCODED.exists() and kept.exists():
            shutil.copy(kept, _ENCODED)
            atexit.register(_ENCODED.unlink)
        # What nobody reads fills the pipe in the end, and the server would wait.
        log: list[str] = []
        Thread(target=_read, args=(process.stderr, log), daemon=True).start()
        yield Server(f"http://127.0.0.1:{port}", process, data_dir, log)
    finally:
        process.terminate()
        process.wait(timeout=30)


def _read(stream: IO[str], lines: list[str]) -> None:
    for line in stream:
        lines.append(line)  # noqa: PERF402 - each as it comes
