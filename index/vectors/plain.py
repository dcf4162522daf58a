"""Every vector compared, by NumPy alone: what the other stores are measured against."""

from dataclasses import dataclass

import numpy as np

from index.arrays import Floats, Ints, Ranges, rows_of
from index.vectors.store_protocol import ranked


@dataclass(frozen=True, eq=False)
class PlainStore:
    """Exact. vectors: float32 (rows, dimension)."""

    vectors: Floats

    def search(
        self, vector: Floats, count: int, within: Ranges | None = None
    ) -> tuple[Floats, Ints]:
        """Return the nearest of all vectors, or of those within; see Store."""
        rows = np.arange(len(self.vectors)) if within is None else rows_of(within)
        return ranked(products(self.vectors, rows, vector), rows, count)


def products(vectors: Floats, rows: Ranges | Ints, vector: Floats) -> Floats:
    """Return float32 (rows,), the inner product of each with the vector.

    Equal vectors get equal scores wherever they stand, which a matrix product does not promise.
    """
    found: Floats = np.einsum("rd,d->r", vectors[rows], vector)
    return found
