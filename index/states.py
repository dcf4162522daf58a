"""Token states for late interaction: ColBERT's MaxSim over the encoder's own last layer.

Khattab and Zaharia 2020, https://arxiv.org/abs/2004.12832, without any training: the mean token
state is subtracted (the notes' from passages, that of general questions from questions), and what
is left is compared by cosine. Passages keep their principal components in 4 bits each, 128 bytes a
token, which loses less than half as many components in 8 bits.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from importlib.resources import as_file, files
from typing import Any

import numpy as np
import numpy.typing as npt
import regex

from index.encoder import Encoding, Floats, Ints, normalise
from index.notes import Line

COMPONENTS = 256
HEADING = -1
SAMPLE_TOKENS = 60_000
# Sixteen levels half a standard deviation apart, around zero.
_STEP = 0.5
_ZERO = np.float32(7.5)
# Of a question's components, above and below zero.
_LEVELS = 127
# What multiplies both, as `index.model.products` writes it.
PRODUCTS = files("index.data") / "products.onnx"

_WORD = regex.compile(r"[\p{L}\p{N}]")

Bytes = npt.NDArray[np.uint8]
Int16s = npt.NDArray[np.int16]
Int64s = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Projection:
    """From a token's state to what is compared.

    mean: float32 (dimension,), the mean token state of the notes.
    components: float32 (dimension, COMPONENTS), orthonormal columns.
    deviations: float32 (COMPONENTS,), how far the notes' tokens spread along each.
    learned_from: from how many tokens, SAMPLE_TOKENS or a little more at most.
    """

    mean: Floats
    components: Floats
    deviations: Floats
    learned_from: int = 0

    def __call__(self, states: Floats, mean: Floats) -> Floats:
        """Return float32 (tokens, COMPONENTS), unit length: mean subtracted, then projected."""
        return _unit((states - mean) @ self.components)


@dataclass(frozen=True, eq=False)
class Segment:
    """The projected states of the passages that one build encoded, mapped from disk.

    packed: uint8 (tokens, COMPONENTS / 2), a component in each half byte, the first in the low one.
    lines: int16 (tokens,), the line of its passage that a token stands in, HEADING for its path.
    """

    name: str
    packed: Bytes
    lines: Int16s


@dataclass(frozen=True, eq=False)
class TokenStates:
    """The projected states of all passages' tokens.

    places: int64 (passages, 3), the segment of each passage's tokens, the first one and how many.
    projection: what all of them were projected by.
    """

    segments: tuple[Segment, ...]
    places: Int64s
    projection: Projection

    def of(self, passages: Ints | Int64s) -> tuple[Bytes, Int16s]:
        """Return packed states and lines of some passages' tokens, one passage after another."""
        found = [
            (self.segments[number], slice(start, start + count))
            for number, start, count in self.places[passages].tolist()
        ]
        # A slice of what is mapped costs many times that of a plain array.
        packed = np.concatenate([np.asarray(segment.packed)[rows] for segment, rows in found])
        return packed, np.concatenate([np.asarray(segment.lines)[rows] for segment, rows in found])

    def compare(self, question: Floats, passages: Ints) -> "Alignment":
        """Return how well each of the question's projected tokens is met in these passages."""
        packed, lines = self.of(passages)
        products, unit, level = _products(packed, question * self.projection.deviations)
        counts = self.places[passages, 2]
        owners = np.repeat(np.arange(len(passages)), counts)
        new = np.flatnonzero((np.diff(lines) != 0) | (np.diff(owners) != 0)) + 1
        edges = np.concatenate([[0], new])
        best = np.maximum.reduceat(products, edges, axis=0).astype(np.float32)
        return Alignment(
            (best - level) * unit,
            owners[edges].astype(np.int32),
            lines[edges].astype(np.int32),
        )


@dataclass(frozen=True)
class Alignment:
    """How well each token of a question is met in each line of some passages.

    best: float32 (lines, question tokens), the highest cosine in [-1, 1] within the line.
    owners: int32 (lines,), which of the passages asked for; ascending.
    lines: int32 (lines,), the line's position in its passage, or HEADING.
    """

    best: Floats
    owners: Ints
    lines: Ints

    def passages(self) -> Floats:
        """Return float32 (passages, question tokens), the highest cosine within each passage."""
        edges = np.flatnonzero(np.diff(self.owners, prepend=-1))
        best: Floats = np.maximum.reduceat(self.best, edges, axis=0)
        return best


def _products(packed: Bytes, question: Floats) -> tuple[Ints, Floats, Floats]:
    """Return int32 (tokens, question tokens), products in whole numbers, and for each token of the
    question, what one of them is worth, and the product that stands for nothing.

    A question's components are rounded to 8 bits, which costs less than what passages' 4 bits do;
    whole numbers are multiplied four times as fast.
    """
    unit = np.maximum(np.abs(question).max(axis=1), 1e-9) / np.float32(_LEVELS)
    rounded = np.rint(question / unit[:, None]).astype(np.int8)
    products: Ints = _multiplied()(
        {
            "low": packed & 15,
            "high": packed >> 4,
            "even": rounded[:, 0::2].T,
            "odd": rounded[:, 1::2].T,
        }
    )
    return products, unit * np.float32(_STEP), _ZERO * rounded.sum(axis=1, dtype=np.float32)


@cache
def _multiplied() -> Callable[[Mapping[str, npt.NDArray[Any]]], npt.NDArray[Any]]:
    """Return what runs the graph of PRODUCTS."""
    # Commands that ask nothing do without.
    from index.runtime import run, session

    with as_file(PRODUCTS) as path:
        return partial(run, session(path))


def learn(sample: Iterable[Encoding], general: Sequence[Encoding]) -> Projection:
    """Return the projection learned from encoded passages and general questions.

    The questions' tokens are a part of what the components must keep: what no passage says would
    otherwise look like what some passage says.
    """
    notes = _tokens(sample)
    asked = _tokens(general)
    mean = notes.mean(axis=0)
    both = [_unit(notes - mean), _unit(asked - asked.mean(axis=0))]
    covariance = sum(part.T @ part / len(part) for part in both)
    _, vectors = np.linalg.eigh(covariance)
    components = np.ascontiguousarray(vectors[:, ::-1][:, :COMPONENTS], dtype=np.float32)
    deviations = _unit((notes - mean) @ components).std(axis=0)
    return Projection(mean, components, np.maximum(deviations, 1e-6), len(notes))


def spoken(encoding: Encoding, text: str) -> npt.NDArray[np.bool_]:
    """Return bool (tokens,), which of a passage's tokens are compared: those with a letter or
    digit, as in ColBERT; all of the text where it has none."""
    words = np.array(
        [start >= 0 and bool(_WORD.search(text, start, end)) for start, end in encoding.offsets]
    )
    return words if words.any() else encoding.offsets[:, 0] >= 0


def pack(encoding: Encoding, kept_tokens: npt.NDArray[np.bool_], projection: Projection) -> Bytes:
    """Return uint8 (tokens kept, COMPONENTS / 2) for a passage."""
    kept = encoding.states[kept_tokens]
    scaled = projection(kept, projection.mean) / projection.deviations
    levels = np.clip(np.rint(scaled / _STEP + _ZERO), 0, 15).astype(np.uint8)
    packed: Bytes = levels[:, 0::2] | (levels[:, 1::2] << 4)
    return packed


def token_lines(offsets: Ints, heading: int, lines: Sequence[Line]) -> Int16s:
    """Return int16 (tokens,), the line that each of these tokens stands in.

    heading is the length of the path before the lines as the encoder reads it, its line end
    included; each line's plain text stands behind it with one more.
    """
    ends = heading + np.cumsum([len(normalise(line.plain)) + 1 for line in lines])
    # A token may begin with the white space before it: its last character says where it is.
    last = np.maximum(offsets[:, 1] - 1, offsets[:, 0])
    position = np.searchsorted(ends, last, side="right")
    return np.where(last < heading, HEADING, np.minimum(position, len(lines) - 1)).astype(np.int16)


def _tokens(encodings: Iterable[Encoding]) -> Floats:
    return np.concatenate(list(_limited(encodings)))


def _limited(encodings: Iterable[Encoding]) -> Iterator[Floats]:
    total = 0
    for encoding in encodings:
        states = encoding.states[encoding.offsets[:, 0] >= 0]
        total += len(states)
        yield states
        if total > SAMPLE_TOKENS:
            return


def _unit(states: npt.NDArray[np.floating[Any]]) -> Floats:
    unit: Floats = states / np.maximum(np.linalg.norm(states, axis=1, keepdims=True), 1e-9)
    return unit
