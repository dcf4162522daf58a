"""Versions of the index whose vectors Milvus searches."""

import hashlib
import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from index.arrays import Floats
from index.milvus.milvus_store import Milvus, MilvusStore
from index.storage import Manifest, Snapshot
from index.vectors import EXACT, RECALL, graph_recall

_OWNER = "milvus.id"


def attached(snapshot: Snapshot, milvus: Milvus) -> Snapshot:
    """Return a version whose vectors are searched by Milvus from now on."""
    vectors = snapshot.contents.vectors
    data_dir = snapshot.folder.parent.parent
    store = MilvusStore(vectors.matrix, milvus, collection(snapshot.manifest, data_dir))
    contents = replace(snapshot.contents, vectors=replace(vectors, store=store))
    return replace(snapshot, contents=contents)


def announce(
    manifest: Manifest,
    vectors: Floats,
    questions: Floats,
    milvus: Milvus,
    data_dir: Path,
    report: Callable[[str], None],
) -> None:
    """Write the vectors of a version into a collection of its own, and let the alias name it.

    questions: float32 (n, dimension), about the notes, to measure an approximate search by. Raises
    StoreAway.
    """
    milvus = milvus.patient()
    name = collection(manifest, data_dir)
    report(f"Writing {len(vectors)} vectors to Milvus ...")
    approximate = len(vectors) > EXACT
    milvus.upload(name, vectors, exact=not approximate)
    if approximate:
        found = graph_recall(MilvusStore(vectors, milvus, name), vectors, questions)
        report(f"Milvus finds {found:.3f} of the ten nearest vectors by a graph.")
        if found < RECALL:
            report(f"{RECALL} is wanted: it compares all of them from now on.")
            milvus.compare_all(name)
    milvus.point(alias(manifest), name)
    milvus.close()


def follow(manifest: Manifest, kept: Sequence[Manifest], milvus: Milvus, data_dir: Path) -> None:
    """Let the alias name the current version, drop the collections of versions that are gone, and
    release those of old ones. Raises StoreAway.

    kept: the versions that are there, the newest first.
    """
    current = collection(manifest, data_dir)
    milvus.load(current)
    milvus.point(alias(manifest), current)
    names = [collection(each, data_dir) for each in kept]
    milvus.keep(_prefix(manifest, data_dir), names, [*names[:2], current])


def alias(manifest: Manifest) -> str:
    """Return the name of the current version's collection, the same for all data folders."""
    corpora = repr(sorted(manifest.corpora.items()))
    return f"notes_{hashlib.sha256(corpora.encode()).hexdigest()[:8]}"


def collection(manifest: Manifest, data_dir: Path) -> str:
    """Return the name of a version's collection."""
    return f"{_prefix(manifest, data_dir)}_{manifest.version.replace('-', '_')}"


def _prefix(manifest: Manifest, data_dir: Path) -> str:
    """Return what the names of all collections begin with that a data folder's builds write."""
    path = data_dir / _OWNER
    if not path.exists():
        path.write_text(uuid.uuid4().hex[:8])
    return f"{alias(manifest)}_{path.read_text()}"
