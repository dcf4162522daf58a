"""The index on disk: immutable versions, and one small file that names the current one.

DATA_DIR/current                     the name of the current version, switched by one rename
DATA_DIR/versions/VERSION/           manifest.json, and the files that it lists
DATA_DIR/versions/VERSION.part-PID/  a version that is being written

Files that two versions share are stored once, by hard links.
"""

import hashlib
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import xxhash
from pydantic import TypeAdapter, ValidationError

from index.encoding import Weights
from index.errors import IndexDamaged, IndexMismatch, IndexMissing, IndexUnusable
from index.storage import contents as contents_files
from index.storage.contents import Contents, Notes

SCHEMA = 7
REBUILD = "Build it anew: notes build"
KEPT = 3
_MANIFEST = "manifest.json"
_EXTRA = "extra."
# Files are hashed part by part, so that several threads share a large one.
_PART = 1 << 24
_BUFFER = 1 << 20
_SHA256 = "sha256:"
_STAMP = "%Y%m%dT%H%M%S%f"
_STAMPED = "20260101T000000000000"


@dataclass(frozen=True)
class File:
    """The size and the hash of one file of the index: the XXH3 of the XXH3 of its parts.

    The hash detects damage but no attack; no hash that is stored beside the file could do that.
    """

    size: int
    digest: str


@dataclass(frozen=True)
class Manifest:
    """The origin and the files of a version, to detect another program, another model or damage.

    corpora: the folder of each corpus by name. sources: the SHA-256 of each document's text by
    "corpus/path", in the order of the documents. reader: the fingerprint of the parser code.
    """

    schema: int
    version: str
    created: str
    weights: Weights
    corpora: dict[str, str]
    sources: dict[str, str]
    reader: str
    counts: dict[str, int]
    files: dict[str, File]


@dataclass(frozen=True)
class Snapshot:
    """One immutable version of the index; a request uses the same one from start to end.

    extras: the extra files that the builder stored beside the contents, by name. folder: the folder
    of the version.
    """

    manifest: Manifest
    contents: Contents
    extras: Mapping[str, bytes]
    folder: Path

    @property
    def notes(self) -> Notes:
        """Return the documents and passages of this version."""
        return self.contents.notes

    @property
    def version(self) -> str:
        """Return the name of this version."""
        return self.manifest.version


_MANIFESTS = TypeAdapter(Manifest)


@contextmanager
def draft(data_dir: Path) -> Iterator[Path]:
    """Yield an empty folder for the files of a new version; it is deleted unless published.

    Raises IndexUnusable if the folder cannot be written; the old version then stays current.
    """
    try:
        versions = data_dir / "versions"
        versions.mkdir(parents=True, exist_ok=True)
        _sweep(data_dir)
        folder = versions / f"{_next_name(versions)}.part-{os.getpid()}"
        folder.mkdir()
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    except OSError as error:
        raise IndexUnusable(
            f"The index cannot be written to {data_dir}: {error.strerror or error}. "
            "The old one is untouched. Free the space, or name another folder in NOTES_DATA_DIR."
        ) from error


def publish(
    data_dir: Path,
    folder: Path,
    contents: Contents,
    weights: Weights,
    corpora: dict[str, str],
    sources: dict[str, str],
    reader: str,
    extras: Mapping[str, bytes],
    shared: Mapping[str, File],
    keep: int = KEPT,
    announce: Callable[[Manifest], None] = lambda manifest: None,
) -> Snapshot:
    """Publish the version drafted in a folder: write its manifest, switch to it and return it.

    contents: the files of the folder, read back. shared: the sizes and hashes of the files that the
    version before has too. keep: the number of versions that stay. announce: called before the
    switch; an error that it raises prevents the switch.
    """
    for name, data in extras.items():
        (folder / f"{_EXTRA}{name}").write_bytes(data)
    stamp = folder.name.partition(".part-")[0]
    digest = hashlib.sha256(repr((SCHEMA, weights, sorted(sources.items()))).encode()).hexdigest()
    version = f"{stamp}-{digest[:8]}"
    manifest = Manifest(
        schema=SCHEMA,
        version=version,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        weights=weights,
        corpora=corpora,
        sources=sources,
        reader=reader,
        counts={
            "documents": len(contents.notes.documents),
            "passages": len(contents.notes.passages),
            "vectors": len(contents.vectors.owners),
            "tokens": int(contents.states.places[:, 2].sum()),
        },
        files=_files(folder, shared),
    )
    announce(manifest)
    (folder / _MANIFEST).write_bytes(_MANIFESTS.dump_json(manifest, indent=2))
    _sync([path for path in folder.iterdir() if path.name not in shared])
    place = data_dir / "versions" / version
    folder.rename(place)
    _sync([place, place.parent])
    _switch(data_dir, version)
    _prune(place.parent, version, keep)
    return Snapshot(manifest, contents, extras, place)


def current(data_dir: Path) -> str:
    """Return the name of the current version. Raises IndexMissing or IndexDamaged."""
    try:
        return (data_dir / "current").read_text().strip()
    except FileNotFoundError:
        raise IndexMissing(
            f"There is no index in {data_dir} yet. Build one: notes build FOLDER"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise IndexDamaged(f"{data_dir / 'current'} cannot be read: {error}. {REBUILD}") from error


def load(data_dir: Path) -> Snapshot:
    """Return the current version after a check of its files against the manifest.

    Raises IndexMissing, IndexDamaged or IndexMismatch; each message says what to do.
    """
    while True:
        version = current(data_dir)
        try:
            return _load(data_dir / "versions" / (version or "unnamed"))
        except IndexDamaged:
            # Others may have switched meanwhile, and removed what was current.
            if current(data_dir) == version:
                raise


def serviceable(data_dir: Path, report: Callable[[str], None]) -> Snapshot:
    """Return the current version or, if it is damaged, the newest undamaged one.

    Damage is reported. Raises the error of `load` if there is no undamaged version.
    """
    try:
        return load(data_dir)
    except IndexDamaged as error:
        for manifest in versions(data_dir):
            with suppress(IndexUnusable):
                snapshot = _load(data_dir / "versions" / manifest.version)
                report(f"{error} Until then version {manifest.version} answers.")
                return snapshot
        raise


def foundation(data_dir: Path) -> Snapshot | None:
    """Return the version that a build may continue, or None.

    A version of another schema is used as far as it can be read, for its embeddings.
    """
    found: Snapshot | None
    try:
        found = load(data_dir)
    except IndexMismatch:
        found = _salvaged(data_dir / "versions" / current(data_dir))
    except IndexUnusable:
        found = None
    return found


def versions(data_dir: Path) -> list[Manifest]:
    """Return the manifests of the versions that one can switch to, the newest first."""
    found = []
    for folder in sorted((data_dir / "versions").glob("*"), reverse=True):
        with suppress(IndexUnusable):
            found.append(_read_manifest(folder))
    return found


def roll_back(data_dir: Path, version: str = "") -> Snapshot:
    """Switch to a version and return it; without a name, that is the one before the current.

    Raises IndexMissing if there is no such version, and the errors of `load`: a version that cannot
    be served does not become the current one.
    """
    known = [each.version for each in versions(data_dir)]
    older = [each for each in known if each < current(data_dir)]
    name = version or next(iter(older), "")
    if name not in known:
        which = f"no version {version!r}" if version else "no version before the current one"
        raise IndexMissing(f"There is {which} in {data_dir}. See what there is: notes versions")
    snapshot = _load(data_dir / "versions" / name)
    _switch(data_dir, name)
    return snapshot


def check_weights(manifest: Manifest, weights: Weights) -> None:
    """Raise IndexMismatch if the vectors of this index were made with other weights."""
    for field in ("fingerprint", "dimension", "pooling", "query_prompt", "passage_prompt"):
        built, now = getattr(manifest.weights, field), getattr(weights, field)
        if built != now:
            raise IndexMismatch(
                f"The index was built with the model {manifest.weights.name}, "
                f"but {weights.name} is set now: {field} is {built!r} there and {now!r} here. "
                f"{REBUILD}"
            )


def _load(folder: Path) -> Snapshot:
    return _opened(folder, _read_manifest(folder))


def _opened(folder: Path, manifest: Manifest) -> Snapshot:
    with ThreadPoolExecutor() as threads:
        parts = {
            name: _hashed(folder / name, expected, threads)
            for name, expected in manifest.files.items()
        }
    for name, hashed in parts.items():
        _check(folder / name, manifest.files[name], hashed)
    names = [name for name in manifest.files if name.startswith(_EXTRA)]
    extras = {name.removeprefix(_EXTRA): (folder / name).read_bytes() for name in names}
    return Snapshot(manifest, _contents(folder), extras, folder)


def _contents(folder: Path) -> Contents:
    try:
        return contents_files.read(folder)
    except (OSError, KeyError, ValueError, msgspec.MsgspecError) as error:
        raise IndexMismatch(
            f"{folder} is whole, but another version of the program wrote it: {error}. {REBUILD}"
        ) from error


def _check(path: Path, expected: File, parts: Sequence[Future[bytes]]) -> None:
    try:
        found = File(path.stat().st_size, _digest(path, expected, parts))
    except OSError as error:
        raise IndexDamaged(f"{path} cannot be read: {error}. {REBUILD}") from error
    if found != expected:
        raise IndexDamaged(
            f"{path} is damaged: {found.size} bytes with hash {found.digest[:12]}…,"
            f" the manifest says {expected.size} with {expected.digest[:12]}…. {REBUILD}"
        )


def _salvaged(folder: Path) -> Snapshot | None:
    """Return a version of another schema, or None if this program cannot read it.

    Its `reader` is empty, so that all notes are parsed again.
    """
    try:
        kept = TypeAdapter(dict[str, Any]).validate_json((folder / _MANIFEST).read_bytes())
        for file in kept["files"].values():
            if digest := file.pop("sha256", ""):
                file["digest"] = _SHA256 + digest
        return _opened(folder, _MANIFESTS.validate_python({**kept, "reader": ""}))
    except Exception:  # whatever an unknown schema may bring
        return None


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


def _files(folder: Path, shared: Mapping[str, File]) -> dict[str, File]:
    """Return the size and hash of each file by name; `shared` has those that are known already."""
    found = {}
    with ThreadPoolExecutor() as threads:
        for path in sorted(folder.iterdir()):
            known = shared.get(path.name)
            if not known or known.digest.startswith(_SHA256):
                empty = File(path.stat().st_size, "")
                known = File(empty.size, _digest(path, empty, _hashed(path, empty, threads)))
            found[path.name] = known
    return found


def _hashed(path: Path, expected: File, threads: ThreadPoolExecutor) -> list[Future[bytes]]:
    """Return futures of the hashes of the parts of a file."""
    if expected.digest.startswith(_SHA256):
        return []
    return [threads.submit(_part, path, start) for start in range(0, max(expected.size, 1), _PART)]


def _part(path: Path, start: int) -> bytes:
    # Both reading and hashing do without the interpreter's lock.
    buffer = memoryview(bytearray(_BUFFER))
    hashing = xxhash.xxh3_128()
    with path.open("rb", buffering=0) as stream:
        stream.seek(start)
        left = _PART
        while left and (count := stream.readinto(buffer[:left])):
            hashing.update(buffer[:count])
            left -= count
    return hashing.digest()


def _digest(path: Path, expected: File, parts: Sequence[Future[bytes]]) -> str:
    if parts:
        return xxhash.xxh3_128_hexdigest(b"".join([part.result() for part in parts]))
    # Up to schema 4.
    with path.open("rb") as stream:
        return _SHA256 + hashlib.file_digest(stream, "sha256").hexdigest()


def _sync(paths: Iterable[Path]) -> None:
    for path in paths:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _next_name(versions: Path) -> str:
    """Return a time stamp later than any version's, even after the clock was set back."""
    now = datetime.now(UTC)
    for path in versions.iterdir():
        with suppress(ValueError):
            stamp = datetime.strptime(path.name[: len(_STAMPED)], _STAMP).replace(tzinfo=UTC)
            now = max(now, stamp + timedelta(microseconds=1))
    return now.strftime(_STAMP)


def _switch(data_dir: Path, version: str) -> None:
    pointer = data_dir / f"current.part-{os.getpid()}"
    with pointer.open("w") as stream:
        stream.write(version + "\n")
        stream.flush()
        os.fsync(stream.fileno())
    pointer.replace(data_dir / "current")


def _sweep(data_dir: Path) -> None:
    """Remove the leftovers of builds that died; only the holder of the build lock calls this."""
    for path in (data_dir / "versions").glob("*.part-*"):
        shutil.rmtree(path, ignore_errors=True)
    for path in data_dir.glob("current.part-*"):
        path.unlink(missing_ok=True)


def _prune(versions: Path, current: str, keep: int) -> None:
    complete: Sequence[Path] = sorted(p for p in versions.iterdir() if ".part-" not in p.name)
    others = [path for path in complete if path.name != current]
    for path in others[: max(0, len(others) - (keep - 1))]:
        shutil.rmtree(path, ignore_errors=True)
