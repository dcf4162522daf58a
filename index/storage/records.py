"""Records of documents and passages, each stored on its own and decoded on first use."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache, partial
from itertools import pairwise
from pathlib import Path
from typing import Generic, TypeVar, overload

import numpy as np
import numpy.typing as npt

T = TypeVar("T")
Bytes = npt.NDArray[np.uint8]
Int64s = npt.NDArray[np.int64]

# An answer comes back to its documents several times, and so do the next ones.
_LATEST = 64


class Records(Sequence[T], Generic[T]):
    """A sequence of records that decodes a record on first use."""

    def __init__(
        self, data: Bytes, starts: Int64s, decode: Callable[[int, bytes], T], kept: bool = False
    ) -> None:
        """data: uint8, mapped or in memory. starts: int64 (records + 1,), the start of each record.

        decode gets the number and the bytes of a record. kept: whether all decoded records stay in
        memory, or only the latest ones.
        """
        self.data = data
        self.starts = starts
        # Without the records in it, so that they are freed with their version.
        self._read = lru_cache(None if kept else _LATEST)(partial(_decoded, data, starts, decode))

    def __len__(self) -> int:
        return len(self.starts) - 1

    @overload
    def __getitem__(self, number: int) -> T: ...
    @overload
    def __getitem__(self, number: slice) -> list[T]: ...
    def __getitem__(self, number: int | slice) -> T | list[T]:
        if isinstance(number, slice):
            return [self[position] for position in range(*number.indices(len(self)))]
        position = int(number) + (len(self) if number < 0 else 0)
        if not 0 <= position < len(self):
            raise IndexError(number)
        return self._read(position)

    def __iter__(self) -> Iterator[T]:
        return (self[position] for position in range(len(self)))

    def raw(self, start: int, stop: int) -> list[bytes]:
        """Return the bytes of the records [start, stop)."""
        edges = self.starts[start : stop + 1].tolist()
        return [self.data[begin:end].tobytes() for begin, end in pairwise(edges)]


def _decoded(data: Bytes, starts: Int64s, decode: Callable[[int, bytes], T], position: int) -> T:
    begin, end = starts[position : position + 2].tolist()
    return decode(position, data[begin:end].tobytes())


def joined(records: Iterable[bytes], decode: Callable[[int, bytes], T]) -> Records[T]:
    """Return a sequence of the given records, held in memory."""
    parts = list(records)
    starts = np.cumsum([0, *map(len, parts)], dtype=np.int64)
    return Records(np.frombuffer(b"".join(parts), np.uint8), starts, decode, kept=True)


def write(records: Records[T], folder: Path, name: str) -> None:
    """Write records to files whose names begin with `name`."""
    records.data.tofile(folder / f"{name}.msgpack")
    np.save(folder / f"{name}.starts.npy", records.starts)


def read(
    folder: Path, name: str, decode: Callable[[int, bytes], T], kept: bool = False
) -> Records[T]:
    """Return the records that `write` stored, mapped from disk."""
    data = np.memmap(folder / f"{name}.msgpack", np.uint8, "r")
    return Records(data, np.load(folder / f"{name}.starts.npy"), decode, kept)
