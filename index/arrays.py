"""Arrays as the program passes them on, by what they hold."""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float32]
Ints: TypeAlias = npt.NDArray[np.int32]
Halves: TypeAlias = npt.NDArray[np.float16]
# Which rows are meant, one truth value a row; and the same as [start, end) of each stretch.
Mask: TypeAlias = npt.NDArray[np.bool_]
Ranges: TypeAlias = npt.NDArray[np.int64]


def ranges(chosen: Mask) -> Ranges:
    """Return int64 (n, 2), where [start, end) the mask is set, one after another."""
    edges = np.flatnonzero(np.diff(chosen, prepend=False, append=False))
    return edges.reshape(-1, 2).astype(np.int64)


def rows_of(within: Ranges) -> Ranges:
    """Return int64, all rows of such ranges."""
    sizes = within[:, 1] - within[:, 0]
    begins = np.cumsum(sizes) - sizes
    rows: Ranges = np.repeat(within[:, 0] - begins, sizes) + np.arange(sizes.sum())
    return rows
