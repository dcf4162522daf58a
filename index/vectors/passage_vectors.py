"""Dense vectors of passages and lines: which stands for what, and where they are searched."""

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
    """Unit vectors, what each stands for, and the store that searches them.

    matrix: float32 (vectors, dimension), mapped from disk. owners: int32 (vectors, 2), the passage,
    and the line in it or WHOLE; a passage's own vector stands before its lines', and passages stand
    in order. line_mean: float32 (dimension,), the mean of the lines' vectors. keys: uint8 (vectors,
    16), what stands for the text of each, so that it is not encoded again.
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

        allowed: bool (passages,), whose vectors are searched; all where it is None. A score is a
        cosine in [-1, 1], higher is better; ties go by row. Raises what the store does.
        """
        within = None if allowed is None else self._starts[ranges(allowed)]
        return self.store.search(vector, count, within)

    def of(self, passages: Ints) -> tuple[Floats, Ints]:
        """Return all vectors of some passages, float32 (n, dimension), and their rows."""
        rows = rows_of(np.stack([self._starts[passages], self._starts[passages + 1]], axis=1))
        return self.matrix[rows], rows.astype(np.int32)

    @cached_property
    def _starts(self) -> Int64s:
        """Return int64 (passages + 1,), the row where each passage begins."""
        return np.append(np.flatnonzero(self.owners[:, 1] == WHOLE), len(self.owners))


def vectors_of(matrix: Floats, owners: Ints, keys: Bytes) -> Vectors:
    """Return float32 (n, dimension) unit vectors, all of them compared in a search."""
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
    """Return the vectors behind a graph, where they are many and it finds enough of the nearest.

    questions: float32 (n, dimension), to measure that by: about these notes, since of others the
    nearest are as good as any. before: the vectors of the version in `folder`; sources: int64
    (vectors,), the row of each there, or -1.
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
    """Write the files; return the names of those shared with the version in the folder before."""
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
    """Return what was written there, mapped from disk; width: that of its graph, if it has one."""
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
    """Return how many nodes of its graph a search keeps in view, 0 where there is none."""
    return vectors.store.width if isinstance(vectors.store, GraphStore) else 0


def linked(old: Path, new: Path) -> bool:
    """Return whether the new file is the old one; a copy where the disk knows no links."""
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
