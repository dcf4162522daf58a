"""Stores of dense vectors: what FAISS and Milvus share, and no more.

`plain` compares with every vector, by NumPy; `flat` does, by FAISS; `graph` walks an HNSW graph;
`milvus` asks a server. One suite of tests holds all of them to what is said here.
"""

from typing import Protocol

import numpy as np

from index.arrays import Floats, Ints, Ranges


class Store(Protocol):
    """Unit vectors by row."""

    def search(
        self, vector: Floats, count: int, within: Ranges | None = None
    ) -> tuple[Floats, Ints]:
        """Return the scores of the nearest vectors and their rows, best first, at most `count`.

        vector: float32 (dimension,). within: int64 (n, 2), the rows [start, end) that may be found,
        ascending and apart; all where it is None. A score is the inner product, for a unit vector
        the cosine in [-1, 1]: higher is better. Ties go by row.
        """


def ranked(scores: Floats, rows: Ranges | Ints, count: int) -> tuple[Floats, Ints]:
    """Return the best scores and their rows, best first, ties by row, at most `count`."""
    order = np.lexsort((rows, -scores))[:count]
    return scores[order], rows[order].astype(np.int32)
