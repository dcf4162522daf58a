"""The index on disk: immutable versions, and one small file that names the current one.

DATA_DIR/current                     the version being served, switched by one rename
DATA_DIR/versions/VERSION/           manifest.json, and what it lists
"""

import hashlib
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from index import contents as contents_files
from index.contents import Contents, Notes
from index.encoder import Weights
from index.errors import IndexDamaged, IndexMismatch, IndexMissing, IndexUnusable

SCHEMA = 3
REBUILD = "Build it anew: notes build"
_KEPT = 3
_MANIFEST = "manifest.json"
_EXTRA = "extra."


@dataclass(frozen=True)
class File:
    """Size and SHA-256 of one file of the index."""

    size: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """What an index was made of, so that another program, model or damage is noticed.

    corpora: folder by corpus name; sources: SHA-256 of each document by "corpus/id".
    """

    schema: int
    version: str
    created: str
    weights: Weights
    corpora: dict[str, str]
    sources: dict[str, str]
    counts: dict[str, int]
    files: dict[str, File]


@dataclass(frozen=True)
class Snapshot:
    """One immutable version of the index, held by a request from start to end.

    extras: files that its builder put beside the contents, by name.
    """

    manifest: Manifest
    contents: Contents
    extras: Mapping[str, bytes]

    @property
    def notes(self) -> Notes:
        """Return the documents and passages."""
        return self.contents.notes

    @property
    def version(self) -> str:
        """Return the name of this version."""
        return self.manifest.version


_MANIFESTS = TypeAdapter(Manifest)


def write(
    data_dir: Path,
    contents: Contents,
    weights: Weights,
    corpora: dict[str, str],
    sources: dict[str, str],
    extras: Mapping[str, bytes],
) -> Snapshot:
    """Write a new version beside the old one, read it back, switch to it and return it.

    Raises IndexUnusable when the folder cannot be written; the old version then goes on.
    """
    with _writing(data_dir):
        versions = data_dir / "versions"
        versions.mkdir(parents=True, exist_ok=True)
        _sweep(versions)
        now = datetime.now(UTC)
        digest = hashlib.sha256(
            repr((SCHEMA, weights, sorted(sources.items()))).encode()
        ).hexdigest()
        version = f"{now:%Y%m%dT%H%M%S%f}-{digest[:8]}"
        folder = versions / f"{version}.part-{os.getpid()}"
        folder.mkdir()
        try:
            contents_files.write(contents, folder)
            for name, data in extras.items():
                (folder / f"{_EXTRA}{name}").write_bytes(data)
            manifest = Manifest(
                schema=SCHEMA,
                version=version,
                created=now.isoformat(timespec="seconds"),
                weights=weights,
                corpora=corpora,
                sources=sources,
                counts={
                    "documents": len(contents.notes.documents),
                    "passages": len(contents.notes.passages),
                    "vectors": len(contents.vectors.owners),
                    "tokens": len(contents.states.packed),
                },
                files={path.name: _file(path) for path in sorted(folder.iterdir())},
            )
            (folder / _MANIFEST).write_bytes(_MANIFESTS.dump_json(manifest, indent=2))
            _sync(folder)
            snapshot = _load(folder)
            folder.rename(versions / version)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        _switch(data_dir, version)
        _prune(versions, version)
        return snapshot


def load(data_dir: Path) -> Snapshot:
    """Return the current version, its files checked against the manifest.

    Raises IndexMissing, IndexDamaged or IndexMismatch, each with the way out.
    """
    try:
        version = (data_dir / "current").read_text().strip()
    except FileNotFoundError:
        raise IndexMissing(
            f"There is no index in {data_dir} yet. Build one: notes build FOLDER"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise IndexDamaged(f"{data_dir / 'current'} cannot be read: {error}. {REBUILD}") from error
    return _load(data_dir / "versions" / (version or "unnamed"))


def check_weights(manifest: Manifest, weights: Weights) -> None:
    """Raise IndexMismatch when the encoder would not make the vectors of this index."""
    for field in ("fingerprint", "dimension", "pooling", "query_prompt", "passage_prompt"):
        built, now = getattr(manifest.weights, field), getattr(weights, field)
        if built != now:
            raise IndexMismatch(
                f"The index was built with the model {manifest.weights.name}, "
                f"but {weights.name} is set now: {field} is {built!r} there and {now!r} here. "
                f"{REBUILD}"
            )


@contextmanager
def _writing(data_dir: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise IndexUnusable(
            f"The index cannot be written to {data_dir}: {error.strerror or error}. "
            "The old one is untouched. Free the space, or name another folder in NOTES_DATA_DIR."
        ) from error


def _load(folder: Path) -> Snapshot:
    manifest = _read_manifest(folder)
    for name, expected in manifest.files.items():
        try:
            found = _file(folder / name)
        except OSError as error:
            raise IndexDamaged(f"{folder / name} cannot be read: {error}. {REBUILD}") from error
        if found != expected:
            raise IndexDamaged(
                f"{folder / name} is damaged: {found.size} bytes with SHA-256 {found.sha256[:12]}…,"
                f" the manifest says {expected.size} with {expected.sha256[:12]}…. {REBUILD}"
            )
    names = [name for name in manifest.files if name.startswith(_EXTRA)]
    extras = {name.removeprefix(_EXTRA): (folder / name).read_bytes() for name in names}
    return Snapshot(manifest, contents_files.read(folder), extras)


def _read_manifest(folder: Path) -> Manifest:
    path = folder / _MANIFEST
    try:
        data = path.read_bytes()
        schema = TypeAdapter(dict[str, Any]).validate_json(data).get("schema")
        if schema != SCHEMA:
            raise IndexMismatch(
                f"{path} has schema {schema!r}, this program reads {SCHEMA}. {REBUILD}"
            )
        return _MANIFESTS.validate_json(data)
    except OSError as error:
        raise IndexDamaged(f"{path} cannot be read: {error.strerror}. {REBUILD}") from error
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors()[0]["loc"]) or "its JSON"
        raise IndexDamaged(
            f"{path} is damaged at {where}: {error.errors()[0]['msg']}. {REBUILD}"
        ) from error


def _file(path: Path) -> File:
    with path.open("rb") as stream:
        return File(path.stat().st_size, hashlib.file_digest(stream, "sha256").hexdigest())


def _sync(folder: Path) -> None:
    for path in (*folder.iterdir(), folder):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _switch(data_dir: Path, version: str) -> None:
    pointer = data_dir / f"current.part-{os.getpid()}"
    with pointer.open("w") as stream:
        stream.write(version + "\n")
        stream.flush()
        os.fsync(stream.fileno())
    pointer.replace(data_dir / "current")


def _sweep(versions: Path) -> None:
    """Remove what builds that died left behind."""
    for path in versions.glob("*.part-*"):
        owner = int(path.name.rpartition("-")[2])
        try:
            os.kill(owner, 0)
        except ProcessLookupError:
            shutil.rmtree(path, ignore_errors=True)
        except PermissionError:
            continue


def _prune(versions: Path, current: str) -> None:
    complete: Sequence[Path] = sorted(p for p in versions.iterdir() if ".part-" not in p.name)
    for path in [p for p in complete if p.name != current][: -(_KEPT - 1)]:
        shutil.rmtree(path, ignore_errors=True)
