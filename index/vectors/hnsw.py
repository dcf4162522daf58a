"""Approximate search by an HNSW graph of FAISS, which compares only some of the vectors.

The graph (Malkov and Yashunin 2016, https://arxiv.org/abs/1603.09320) holds vectors with 8 bits a
component; the vectors that it finds are scored in full precision. A graph is used for several
versions of the index: vectors added since are compared one by one until they are many, and removed
ones are skipped.
"""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import faiss
import numpy as np

from index.arrays import Floats, Ints, Mask, Ranges, rows_of
from index.cpus import usable_cpus
from index.vectors.flat import FlatStore
from index.vectors.plain import products
from index.vectors.store_protocol import Store, ranked

# Its stubs describe C++; the Python classes take arrays and keywords.
_faiss: Any = faiss
# Up to so many vectors all are compared, which takes a few milliseconds.
EXACT = 50_000
RECALL = 0.98
# Of questions that it was not measured by, a graph finds a little less.
_AIMED = 0.99
_RECALL_AT = 10
LINKS = 32
# Near copies of one text crowd out the links that lead elsewhere: with a quarter of it no width
# finds enough of a million vectors.
BREADTH = 400
_WIDTHS = (400, 800, 1600, 3200, 6400)
_TRAINED_ON = 50_000
# 8 bits say of nearly equal vectors the wrong order: at least so many are scored by all bits.
_SCORED = 100
# So many vectors without a node are compared one by one; more get nodes.
_LOOSE = 1_000
# A graph of which more nodes than this share are gone is made anew.
_GONE = 0.2
# Where fewer rows than this share may be found, comparing all of them is no slower.
_FEW = 0.2


@dataclass(frozen=True, eq=False)
class GraphStore:
    """A store with approximate search. vectors: float32 (rows, dimension), mapped from disk.

    graph: the FAISS index of the nodes, mapped from disk. name: a part of its file name. rows:
    int32 (nodes,), the row of each node's vector, -1 if it was removed. width: the number of
    candidates that a search keeps (efSearch).
    """

    vectors: Floats
    graph: Any
    name: str
    rows: Ints
    width: int

    def search(
        self, vector: Floats, count: int, within: Ranges | None = None
    ) -> tuple[Floats, Ints]:
        """Return the scores and rows of the nearest vectors that the graph finds; see Store."""
        size = len(self.vectors) if within is None else int((within[:, 1] - within[:, 0]).sum())
        if within is not None and size <= max(EXACT, _FEW * len(self.vectors)):
            return FlatStore(self.vectors).search(vector, count, within)
        found = self._nearest(vector, min(max(count, _SCORED), size), size, within)
        rows = np.concatenate([found, self._near(self._loose, within)])
        return ranked(products(self.vectors, rows, vector), rows, count)

    def _nearest(self, vector: Floats, count: int, size: int, within: Ranges | None) -> Ints:
        """Return the rows of the nodes that the graph finds; size: the number of allowed rows."""
        # Nodes that may not be found are walked over all the same.
        width = max(self.width, count) * len(self.rows) // max(size, 1)
        chosen = self._bits if within is None else _packed(self._allowed(within)[self.rows])
        selector = None if chosen is None else _faiss.IDSelectorBitmap(chosen)
        parameters = _faiss.SearchParametersHNSW(efSearch=max(width, count), sel=selector)
        _, nodes = self.graph.search(vector[None], count, params=parameters)
        rows: Ints = self.rows[nodes[0][nodes[0] >= 0]]
        return rows

    def _allowed(self, within: Ranges) -> Mask:
        """Return the mask of allowed rows, bool (rows + 1,), the last one for removed nodes."""
        allowed = np.zeros(len(self.vectors) + 1, np.bool_)
        allowed[rows_of(within)] = True
        return allowed

    def _near(self, rows: Ints, within: Ranges | None) -> Ints:
        if within is None or not len(rows):
            return rows
        before = np.searchsorted(within[:, 0], rows, side="right") - 1
        near: Ints = rows[(before >= 0) & (rows < within[before, 1])]
        return near

    @property
    def size(self) -> int:
        """Return the size of the graph in bytes: one byte for each component, and the links."""
        links = self.graph.hnsw.neighbors.size() * np.dtype(np.int32).itemsize
        return int(self.graph.ntotal * self.graph.d + links)

    @cached_property
    def _loose(self) -> Ints:
        """Return the rows that have no node."""
        known = np.zeros(len(self.vectors) + 1, np.bool_)
        known[self.rows] = True
        return np.flatnonzero(~known[:-1]).astype(np.int32)

    @cached_property
    def _bits(self) -> Any:
        """Return the nodes that still have a vector, one bit each, or None if all have one."""
        there = self.rows >= 0
        return None if there.all() else _packed(there)


def opened(vectors: Floats, path: Path, name: str, rows: Ints, width: int) -> GraphStore:
    """Return a graph that is mapped from disk, so that several processes share its memory."""
    return GraphStore(
        vectors, faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC), name, rows, width
    )


def grown(vectors: Floats, before: GraphStore | None, sources: Ranges, path: Path) -> GraphStore:
    """Return a graph of the vectors; it extends the graph before if that is still good enough.

    sources: int64 (rows,), the row of each vector in the version before, -1 for a new one. path:
    the file of the graph before. The width is that of the graph before, else the smallest one.
    """
    if before is None:
        return _made(vectors)
    moved = np.full(len(before.vectors) + 1, -1, np.int32)
    kept = np.flatnonzero(sources >= 0)[::-1]
    moved[sources[kept]] = kept
    found = replace(before, vectors=vectors, rows=moved[before.rows])
    if (found.rows < 0).sum() > _GONE * len(found.rows):
        return _made(vectors)
    loose = found._loose
    if len(loose) <= _LOOSE:
        return found
    graph = faiss.read_index(str(path))
    with _threads():
        graph.add(vectors[loose])
    return replace(found, graph=graph, name=_name(), rows=np.concatenate([found.rows, loose]))


def widened(store: GraphStore, questions: Floats) -> tuple[GraphStore | None, float]:
    """Return the graph with the smallest width that is good enough, and its recall.

    The recall is at ten, against exact search. A width is good enough if the recall is a little
    higher than RECALL; if none is, the largest width is taken, and the graph is None if even that
    recall is below RECALL. questions: float32 (n, dimension).
    """
    found, share = store, 0.0
    for width in _WIDTHS:
        found = replace(store, width=width)
        share = graph_recall(found, store.vectors, questions)
        if share >= _AIMED:
            break
    return found if share >= RECALL else None, share


def graph_recall(store: Store, vectors: Floats, questions: Floats) -> float:
    """Return the recall of a store: the share of the ten nearest vectors that it finds, 0 to 1."""
    with _threads():
        _, exact = faiss.knn(questions, vectors, _RECALL_AT, faiss.METRIC_INNER_PRODUCT)
    hits = [
        len(np.intersect1d(store.search(question, _RECALL_AT)[1], best))
        for question, best in zip(questions, exact, strict=True)
    ]
    return sum(hits) / exact.size


def _made(vectors: Floats) -> GraphStore:
    graph = _faiss.IndexHNSWSQ(
        vectors.shape[1], _faiss.ScalarQuantizer.QT_8bit, LINKS, faiss.METRIC_INNER_PRODUCT
    )
    graph.hnsw.efConstruction = BREADTH
    with _threads():
        graph.train(vectors[:: 1 + len(vectors) // _TRAINED_ON])
        graph.add(vectors)
    return GraphStore(vectors, graph, _name(), np.arange(len(vectors), dtype=np.int32), _WIDTHS[0])


def _name() -> str:
    """Return a unique name for the file of a graph, which several versions may share."""
    return uuid.uuid4().hex[:12]


@contextmanager
def _threads() -> Iterator[None]:
    """Let FAISS use all cores for a while, since a graph of many vectors takes minutes."""
    faiss.omp_set_num_threads(usable_cpus())
    try:
        yield
    finally:
        faiss.omp_set_num_threads(1)


def _packed(chosen: Mask) -> Any:
    return np.packbits(chosen, bitorder="little")
