"""Names for the numpy array types of the program, and helpers for ranges of rows."""

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
    """Return the runs of True in a mask as [start, end), int64 (n, 2), in ascending order."""
    edges = np.flatnonzero(np.diff(chosen, prepend=False, append=False))
    return edges.reshape(-1, 2).astype(np.int64)


def rows_of(within: Ranges) -> Ranges:
    """Return the numbers of all rows in the ranges, int64: `[[1, 3], [7, 8]]` gives `[1, 2, 7]`."""
    sizes = within[:, 1] - within[:, 0]
    begins = np.cumsum(sizes) - sizes
    rows: Ranges = np.repeat(within[:, 0] - begins, sizes) + np.arange(sizes.sum())
    return rows
