"""Versions of the index with their vectors in Milvus."""

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
    """Return the version with a store that searches its vectors by Milvus."""
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
    """Write the vectors of a version into a collection of its own, and point the alias to it.

    questions: float32 (n, dimension), about the notes, to measure the recall of approximate search.
    Raises StoreAway.
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
    """Point the alias to the current version and clean up the collections of the others.

    The collections of deleted versions are dropped, those of old versions released from memory.
    kept: the versions that still exist, the newest first. Raises StoreAway.
    """
    current = collection(manifest, data_dir)
    milvus.load(current)
    milvus.point(alias(manifest), current)
    names = [collection(each, data_dir) for each in kept]
    milvus.keep(_prefix(manifest, data_dir), names, [*names[:2], current])


def alias(manifest: Manifest) -> str:
    """Return the alias of the current version's collection; it depends only on the corpora."""
    corpora = repr(sorted(manifest.corpora.items()))
    return f"notes_{hashlib.sha256(corpora.encode()).hexdigest()[:8]}"


def collection(manifest: Manifest, data_dir: Path) -> str:
    """Return the name of a version's collection."""
    return f"{_prefix(manifest, data_dir)}_{manifest.version.replace('-', '_')}"


def _prefix(manifest: Manifest, data_dir: Path) -> str:
    """Return the prefix of the names of all collections of a data folder."""
    path = data_dir / _OWNER
    if not path.exists():
        path.write_text(uuid.uuid4().hex[:8])
    return f"{alias(manifest)}_{path.read_text()}"
