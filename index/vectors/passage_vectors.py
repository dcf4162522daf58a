"""Dense vectors of passages and lines: their owners, their files, and the store to search them."""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import faiss
import numpy as np

from index.arrays import Floats, Ints, Mask, Ranges, ranges, rows_of
from index.vectors import hnsw
from index.vectors.flat import FlatStore
from index.vectors.hnsw import GraphStore
from index.vectors.store_protocol import Store
from index.vectors.token_embeddings import Bytes, Int64s

WHOLE = -1
MATRIX = "vectors.npy"
_GRAPH_ROWS = "graph_rows.npy"
_OWNERS = "owners.npy"
_KEYS = "vector_keys.npy"


@dataclass(frozen=True, eq=False)
class Vectors:
    """Unit vectors, the owner of each, and the store that searches them.

    matrix: float32 (vectors, dimension), mapped from disk. owners: int32 (vectors, 2), the passage
    of each vector, and the line in it or WHOLE; the vector of a whole passage stands before those
    of its lines, and passages stand in order. line_mean: float32 (dimension,), the mean of the
    lines' vectors. keys: uint8 (vectors, 16), a hash of each text, so that no text is encoded
    twice.
    """

    matrix: Floats
    store: Store
    owners: Ints
    line_mean: Floats
    keys: Bytes

    def search(
        self, vector: Floats, count: int, allowed: Mask | None = None
    ) -> tuple[Floats, Ints]:
        """Return the scores of the best vectors and their rows, best first, at most `count`.

        allowed: bool (passages,), the passages to search; None for all. A score is a cosine in
        [-1, 1], higher is better; vectors with equal scores are ordered by row. Raises the errors
        of the store.
        """
        within = None if allowed is None else self._starts[ranges(allowed)]
        return self.store.search(vector, count, within)

    def of(self, passages: Ints) -> tuple[Floats, Ints]:
        """Return all vectors of some passages, float32 (n, dimension), and their rows."""
        rows = rows_of(np.stack([self._starts[passages], self._starts[passages + 1]], axis=1))
        return self.matrix[rows], rows.astype(np.int32)

    @cached_property
    def _starts(self) -> Int64s:
        """Return the first row of each passage, int64 (passages + 1,)."""
        return np.append(np.flatnonzero(self.owners[:, 1] == WHOLE), len(self.owners))


def vectors_of(matrix: Floats, owners: Ints, keys: Bytes) -> Vectors:
    """Return the vectors with exact search. matrix: float32 (n, dimension), unit vectors."""
    lines = matrix[owners[:, 1] != WHOLE]
    mean = lines.mean(axis=0) if len(lines) else matrix.mean(axis=0)
    return Vectors(matrix, FlatStore(matrix), owners, mean, keys)


def with_graph(
    vectors: Vectors,
    questions: Floats,
    before: Vectors | None,
    sources: Ranges,
    folder: Path | None,
    report: Callable[[str], None],
) -> Vectors:
    """Return the vectors with a graph if they are many and its recall is high enough.

    Otherwise the vectors come back unchanged. questions: float32 (n, dimension), to measure the
    recall; they must be about these notes, because for other questions no vector is clearly the
    nearest. before: the vectors of the version in `folder`. sources: int64 (vectors,), the row of
    each vector in that version, or -1.
    """
    count = len(vectors.matrix)
    if count <= hnsw.EXACT:
        return vectors
    old = before.store if before and isinstance(before.store, GraphStore) else None
    path = folder / _file(old) if folder and old else Path()
    report(f"Placing {count} vectors in a graph ..." if not old else "Going on with the graph ...")
    store = hnsw.grown(vectors.matrix, old, sources, path)
    if old and store.graph is old.graph:
        return replace(vectors, store=store)
    measured, recall = hnsw.widened(store, questions)
    if not measured:
        report(
            f"Dense search stays exact: the graph finds {recall:.3f} of the ten nearest vectors, "
            f"and {hnsw.RECALL} is wanted."
        )
        return vectors
    beside = f"{measured.size >> 20} MB beside their {vectors.matrix.nbytes >> 20}"
    report(
        f"Dense search by a graph of {count} vectors, {measured.width} in view, {beside}: it finds "
        f"{recall:.3f} of the ten nearest."
    )
    return replace(vectors, store=measured)


def write(vectors: Vectors, folder: Path, before: Path | None) -> list[str]:
    """Write the files; return the names of those shared with the version in the folder `before`."""
    np.save(folder / MATRIX, vectors.matrix)
    np.save(folder / _OWNERS, vectors.owners)
    np.save(folder / _KEYS, vectors.keys)
    if not isinstance(vectors.store, GraphStore):
        return []
    np.save(folder / _GRAPH_ROWS, vectors.store.rows)
    file = _file(vectors.store)
    if before and linked(before / file, folder / file):
        return [file]
    faiss.write_index(vectors.store.graph, str(folder / file))
    return []


def read(folder: Path, line_mean: Floats, width: int) -> Vectors:
    """Return the vectors that `write` stored, mapped from disk; width: that of a graph, if any."""
    # Questions run side by side, each on one thread; a search by several waits for all of them.
    faiss.omp_set_num_threads(1)
    matrix = _matrix(folder)
    owners, keys = (np.asarray(np.load(folder / n, mmap_mode="r")) for n in (_OWNERS, _KEYS))
    store: Store = FlatStore(matrix)
    for path in folder.glob("graph.*.faiss"):
        name = path.name.split(".")[1]
        store = hnsw.opened(matrix, path, name, np.load(folder / _GRAPH_ROWS), width)
    return Vectors(matrix, store, owners, line_mean, keys)


def width(vectors: Vectors) -> int:
    """Return the width of the graph (see GraphStore), 0 if there is no graph."""
    return vectors.store.width if isinstance(vectors.store, GraphStore) else 0


def linked(old: Path, new: Path) -> bool:
    """Link a new file to an old one and return True; return False if there is no old file.

    The file is copied if the file system does not support hard links.
    """
    if not old.exists():
        return False
    try:
        os.link(old, new)
    except OSError:
        shutil.copyfile(old, new)
    return True


def _file(store: GraphStore) -> str:
    return f"graph.{store.name}.faiss"


def _matrix(folder: Path) -> Floats:
    # Up to schema 4 the vectors stood in an index of FAISS.
    old = folder / "vectors.faiss"
    if old.exists():
        index = faiss.read_index(str(old))
        found: Floats = index.reconstruct_n(0, index.ntotal)
        return found
    return np.asarray(np.load(folder / MATRIX, mmap_mode="r"))
