"""Exact search by FAISS: every vector is compared, and the vectors stay mapped from disk."""

from dataclasses import dataclass
from typing import Any

import faiss
import numpy as np

from index.arrays import Floats, Ints, Ranges
from index.vectors.store_protocol import ranked

# Its stubs describe C++; the Python classes take arrays.
_faiss: Any = faiss


@dataclass(frozen=True, eq=False)
class FlatStore:
    """A store with exact search. vectors: float32 (rows, dimension), contiguous."""

    vectors: Floats

    def search(
        self, vector: Floats, count: int, within: Ranges | None = None
    ) -> tuple[Floats, Ints]:
        """Return the scores and rows of the nearest vectors; see Store."""
        size = len(self.vectors) if within is None else int((within[:, 1] - within[:, 0]).sum())
        most = min(count, size)
        # One more than wanted tells whether rows of the last score were left out.
        asked = most + 1
        while True:
            scores, rows = self._nearest(vector, min(asked, size), within)
            if asked >= size or most == 0 or scores[-1] < scores[most - 1]:
                return ranked(scores, rows, most)
            asked *= 2

    def _nearest(self, vector: Floats, count: int, within: Ranges | None) -> tuple[Floats, Ranges]:
        scores = np.empty(count, np.float32)
        rows = np.empty(count, np.int64)
        if not count:
            return scores, rows
        asked = np.ascontiguousarray(vector, np.float32)
        # As faiss.knn does, which takes no selector. An empty index has no address to give.
        pointer: Any = faiss.swig_ptr
        faiss.knn_inner_product(
            pointer(asked),
            pointer(self.vectors),
            self.vectors.shape[1],
            1,
            len(self.vectors),
            count,
            pointer(scores),
            pointer(rows),
            selector(within, len(self.vectors)) if within is not None else None,
        )
        return scores, rows


def selector(within: Ranges, size: int) -> Any:
    """Return a FAISS selector that allows the rows in the ranges; size: the number of all rows."""
    if len(within) == 1:
        return faiss.IDSelectorRange(int(within[0, 0]), int(within[0, 1]))
    steps = np.zeros(size + 1, np.int8)
    steps[within[:, 0]] += 1
    steps[within[:, 1]] -= 1
    bits = np.packbits(np.cumsum(steps[:size], dtype=np.int8).view(np.bool_), bitorder="little")
    return _faiss.IDSelectorBitmap(bits)
