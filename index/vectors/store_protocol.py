"""The protocol of stores of dense vectors, which FAISS and Milvus share.

`plain` compares every vector by NumPy; `flat` does the same by FAISS; `hnsw` uses an HNSW graph;
`index.milvus` asks a server. One test suite checks this protocol for all of them.
"""

from typing import Protocol

import numpy as np

from index.arrays import Floats, Ints, Ranges


class Store(Protocol):
    """A store of unit vectors, numbered by row."""

    def search(
        self, vector: Floats, count: int, within: Ranges | None = None
    ) -> tuple[Floats, Ints]:
        """Return the scores of the nearest vectors and their rows, best first, at most `count`.

        vector: float32 (dimension,). within: int64 (n, 2), the allowed rows as ranges [start, end),
        ascending and disjoint; None allows all. A score is the inner product, for a unit vector the
        cosine in [-1, 1]: higher is better. Vectors with equal scores are ordered by row.
        """


def ranked(scores: Floats, rows: Ranges | Ints, count: int) -> tuple[Floats, Ints]:
    """Return the best scores and their rows, at most `count`, best first, equal ones by row."""
    order = np.lexsort((rows, -scores))[:count]
    return scores[order], rows[order].astype(np.int32)
