"""The index on disk: immutable versions, and one small file that names the current one.

DATA_DIR/current                     the version being served, switched by one rename
DATA_DIR/versions/VERSION/           manifest.json, notes.json, vectors.faiss, owners.npy
"""

import hashlib
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from pydantic import TypeAdapter, ValidationError

from index import lexical
from index.encoder import Floats, Ints, Weights
from index.errors import IndexDamaged, IndexMismatch, IndexMissing, IndexUnusable
from index.general import LANGUAGES, General
from index.lexical import Lexical
from index.notes import Document, Passage
from index.states import Int64s, Projection, TokenStates
from index.vocabulary import Vocabulary

SCHEMA = 2
WHOLE = -1
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
class Notes:
    """The documents of an index and their passages."""

    documents: tuple[Document, ...]
    passages: tuple[Passage, ...]


@dataclass(frozen=True)
class Vectors:
    """Unit vectors in FAISS by inner product, and what each stands for.

    owners: int32 (vectors, 2), the passage, and the line in it or WHOLE; a passage's own vector
    stands before its lines', and passages stand in order.
    line_mean: float32 (dimension,), the mean of the lines' vectors.
    A score is a cosine in [-1, 1], higher is better; ties go by row.
    """

    faiss: Any
    owners: Ints
    line_mean: Floats

    def search(self, vector: Floats, count: int) -> tuple[Floats, Ints]:
        """Return the scores of the best vectors and their rows, best first, at most `count`."""
        scores, rows = self.faiss.search(vector[None], min(count, self.faiss.ntotal))
        order = np.lexsort((rows[0], -scores[0]))
        return scores[0][order], rows[0][order].astype(np.int32)

    def of(self, passages: Ints) -> tuple[Floats, Ints]:
        """Return all vectors of some passages, float32 (n, dimension), and their rows."""
        firsts = np.searchsorted(self.owners[:, 0], passages)
        afters = np.searchsorted(self.owners[:, 0], passages, side="right")
        counts = afters - firsts
        begins = np.cumsum(counts) - counts
        rows = np.repeat(firsts - begins, counts) + np.arange(counts.sum())
        found: Floats = self.faiss.reconstruct_batch(rows)
        return found, rows.astype(np.int32)


@dataclass(frozen=True)
class Contents:
    """All that a version holds.

    lexical: over passages. line_lexical: over all lines, passage by passage. vocabulary: the
    notes' words as written.
    """

    notes: Notes
    vectors: Vectors
    states: TokenStates
    lexical: Lexical
    line_lexical: Lexical
    vocabulary: Vocabulary
    general: General

    @cached_property
    def line_starts(self) -> Int64s:
        """Return int64 (passages + 1,), the row of line_lexical where each passage begins."""
        return np.cumsum([0, *(len(p.lines) for p in self.notes.passages)], dtype=np.int64)


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
_NOTES = TypeAdapter(Notes)
_VOCABULARIES = TypeAdapter(Vocabulary)


def vectors_of(vectors: Floats, owners: Ints) -> Vectors:
    """Return an exact inner product index over float32 (n, dimension) unit vectors."""
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    lines = vectors[owners[:, 1] != WHOLE]
    return Vectors(index, owners, lines.mean(axis=0) if len(lines) else vectors.mean(axis=0))


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
    try:
        return _write(data_dir, contents, weights, corpora, sources, extras)
    except OSError as error:
        raise IndexUnusable(
            f"The index cannot be written to {data_dir}: {error.strerror or error}. "
            "The old one is untouched. Free the space, or name another folder in NOTES_DATA_DIR."
        ) from error


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
    for field in ("name", "fingerprint", "dimension", "pooling", "query_prompt", "passage_prompt"):
        built, now = getattr(manifest.weights, field), getattr(weights, field)
        if built != now and field != "name":
            raise IndexMismatch(
                f"The index was built with the model {manifest.weights.name}, "
                f"but {weights.name} is set now: {field} is {built!r} there and {now!r} here. "
                f"{REBUILD}"
            )


def _write(
    data_dir: Path,
    contents: Contents,
    weights: Weights,
    corpora: dict[str, str],
    sources: dict[str, str],
    extras: Mapping[str, bytes],
) -> Snapshot:
    versions = data_dir / "versions"
    versions.mkdir(parents=True, exist_ok=True)
    _sweep(versions)
    now = datetime.now(UTC)
    digest = hashlib.sha256(repr((SCHEMA, weights, sorted(sources.items()))).encode()).hexdigest()
    version = f"{now:%Y%m%dT%H%M%S%f}-{digest[:8]}"
    folder = versions / f"{version}.part-{os.getpid()}"
    folder.mkdir()
    try:
        _write_contents(contents, folder)
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
        _load(folder)
        folder.rename(versions / version)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    _switch(data_dir, version)
    _prune(versions, version)
    return _load(versions / version)


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
    return Snapshot(manifest, _read_contents(folder), extras)


def _write_contents(contents: Contents, folder: Path) -> None:
    (folder / "notes.json").write_bytes(_NOTES.dump_json(contents.notes))
    faiss.write_index(contents.vectors.faiss, str(folder / "vectors.faiss"))
    np.save(folder / "states.npy", contents.states.packed)
    lexical.save(contents.lexical, folder, "passages")
    lexical.save(contents.line_lexical, folder, "lines")
    (folder / "vocabulary.json").write_bytes(_VOCABULARIES.dump_json(contents.vocabulary))
    small = {
        "owners": contents.vectors.owners,
        "line_mean": contents.vectors.line_mean,
        "state_lines": contents.states.lines,
        "state_starts": contents.states.starts,
        "state_mean": contents.states.projection.mean,
        "state_components": contents.states.projection.components,
        "state_deviations": contents.states.projection.deviations,
    }
    for key in LANGUAGES:
        small[f"general_vectors_{key}"] = contents.general.vectors[key]
        small[f"general_vector_mean_{key}"] = contents.general.vector_means[key]
        small[f"general_token_mean_{key}"] = contents.general.token_means[key]
    np.savez(folder / "arrays.npz", **small)  # type: ignore[arg-type]


def _read_contents(folder: Path) -> Contents:
    notes = _NOTES.validate_json((folder / "notes.json").read_bytes())
    with np.load(folder / "arrays.npz") as small:
        vectors = Vectors(
            faiss.read_index(str(folder / "vectors.faiss")), small["owners"], small["line_mean"]
        )
        states = TokenStates(
            np.load(folder / "states.npy", mmap_mode="r"),
            small["state_lines"],
            small["state_starts"],
            Projection(small["state_mean"], small["state_components"], small["state_deviations"]),
        )
        general = General(
            {key: small[f"general_vectors_{key}"] for key in LANGUAGES},
            {key: small[f"general_vector_mean_{key}"] for key in LANGUAGES},
            {key: small[f"general_token_mean_{key}"] for key in LANGUAGES},
        )
    vocabulary = _VOCABULARIES.validate_json((folder / "vocabulary.json").read_bytes())
    passages = lexical.load(folder, "passages", len(notes.passages))
    lines = lexical.load(folder, "lines", sum(len(p.lines) for p in notes.passages))
    return Contents(notes, vectors, states, passages, lines, vocabulary, general)


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
