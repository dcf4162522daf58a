"""Exact search by NumPy alone: the reference for tests of the other stores."""

from dataclasses import dataclass

import numpy as np

from index.arrays import Floats, Ints, Ranges, rows_of
from index.vectors.store_protocol import ranked


@dataclass(frozen=True, eq=False)
class PlainStore:
    """A store with exact search. vectors: float32 (rows, dimension)."""

    vectors: Floats

    def search(
        self, vector: Floats, count: int, within: Ranges | None = None
    ) -> tuple[Floats, Ints]:
        """Return the scores and rows of the nearest vectors; see Store."""
        rows = np.arange(len(self.vectors)) if within is None else rows_of(within)
        return ranked(products(self.vectors, rows, vector), rows, count)


def products(vectors: Floats, rows: Ranges | Ints, vector: Floats) -> Floats:
    """Return the inner product of each of these rows with the vector, float32 (rows,).

    Equal vectors get equal scores in every row; a matrix product does not promise that.
    """
    found: Floats = np.einsum("rd,d->r", vectors[rows], vector)
    return found
