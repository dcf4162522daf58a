"""The files of the two folders that the default model is exported to, and checks on them.

Both folders hold a tokenizer, `weights.json` (the fields of `Weights`) and `files.json` (the
layout, and the length and SHA-256 of every other file by its name), which is written last.
"""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Literal

from index.encoding.encoder import Weights
from index.encoding.model.container import FILE
from index.errors import ModelError

Engine = Literal["onnx", "torch"]

# Raised when a change of the export changes the vectors.
FORMAT = 1
# Raised when the folders change and the vectors do not. Where sentence embeddings change, so must
# the schema of index.storage.store.
LAYOUT = 5
# The layers whose token states are compared, counted from 1: of the last one a vector is the mean,
# and a middle one knows the words themselves better.
STATE_LAYERS = (8, 12)
MODEL = Weights(
    name="multilingual-e5-small",
    fingerprint=f"{FILE.sha256}:{FORMAT}",
    dimension=384,
    pooling="mean",
    query_prompt="query: ",
    passage_prompt="passage: ",
)

WEIGHTS = "weights.json"
FILES = "files.json"
TOKENIZER = "tokenizer.json"  # in the torch folder
PIECES = "tokenizer.npz"  # in the onnx folder
GRAPH = "model.onnx"
TABLE = "model.onnx.data"
# The second encoder, in both folders.
SENTENCE_GRAPH = "gist.onnx"
SENTENCE_TABLE = "gist.onnx.data"
SENTENCE_PIECES = "gist.npz"


def folder_name(kind: Engine) -> str:
    """Return the name of the exported folder in the cache."""
    return f"{MODEL.name}-{MODEL.fingerprint[:12]}-{kind}"


def describe(folder: Path, weights: Weights) -> None:
    """Write `weights.json` and `files.json`, which make the folder complete."""
    _write(folder / WEIGHTS, asdict(weights))
    written = {
        path.relative_to(folder).as_posix(): path
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    lengths = {name: path.stat().st_size for name, path in written.items()}
    hashes = {name: _sha256(path) for name, path in written.items()}
    _write(folder / FILES, {"layout": LAYOUT, "lengths": lengths, "sha256": hashes})


def read_weights(folder: Path) -> Weights:
    """Return the `Weights` of a folder; raise ModelError if they cannot be read."""
    try:
        return Weights(**json.loads((folder / WEIGHTS).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise ModelError(f"{folder / WEIGHTS} cannot be read ({error}).") from error


def flaw(folder: Path) -> str | None:
    """Return the reason why the folder cannot be used, or None if it is complete.

    Only the presence and length of files are checked; `damage` reads them.
    """
    try:
        stored = json.loads((folder / FILES).read_text(encoding="utf-8"))
        if stored.get("layout") != LAYOUT:
            return "another version of this program wrote it"
        for name, length in stored["lengths"].items():
            found = (folder / name).stat().st_size
            if found != length:
                return f"{name} has {found} bytes and not {length}"
    except FileNotFoundError as error:
        return f"{error.filename} is missing"
    except (OSError, ValueError, AttributeError, KeyError) as error:
        return f"{FILES} or what it names cannot be read ({error})"
    return None


def damage(folder: Path) -> str | None:
    """Return a description of what changed since the export, or None; every file is read."""
    if found := flaw(folder):
        return found
    try:
        hashes = json.loads((folder / FILES).read_text(encoding="utf-8"))["sha256"]
        changed = [name for name, known in hashes.items() if _sha256(folder / name) != known]
    except KeyError:
        return "an earlier release of this program wrote it, without hashes"
    except (OSError, AttributeError) as error:
        return f"{FILES} or what it names cannot be read ({error})"
    return f"{changed[0]} is damaged" if changed else None


def is_current(folder: Path) -> bool:
    """Return whether the folder is complete and holds the model that this program exports."""
    try:
        return flaw(folder) is None and read_weights(folder) == MODEL
    except ModelError:
        return False


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _write(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False), encoding="utf-8")
