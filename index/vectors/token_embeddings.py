"""Token states for late interaction: ColBERT's MaxSim through a learned projection.

Khattab and Zaharia 2020, https://arxiv.org/abs/2004.12832. The projection maps the states of a
middle layer and of the last layer of the encoder to components; it is learned once for the whole
program from labelled questions (`benchmarks/reading/train.py`). A model without a learned
projection uses the principal components of its states. The components of passages are stored in 4
bits each, 64 bytes a token.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from importlib.resources import as_file, files
from typing import Any

import numpy as np
import numpy.typing as npt
import regex

from index.arrays import Floats, Ints
from index.encoding import Encoding
from index.normalising import normalise

COMPONENTS = 128
HEADING = -1
# Sixteen levels half a standard deviation apart, around zero.
_STEP = 0.5
_ZERO = np.float32(7.5)
# Of a question's components, above and below zero.
_LEVELS = 127
# What multiplies both, as `index.vectors.maxsim_graph` writes it.
PRODUCTS = files("index.data") / "products.onnx"
# What `benchmarks/reading/train.py` writes.
LEARNED = files("index.data") / "projection.npz"
PRINCIPAL = "principal"

_WORD = regex.compile(r"[\p{L}\p{N}]")

Bytes = npt.NDArray[np.uint8]
Int16s = npt.NDArray[np.int16]
Int64s = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Projection:
    """A linear map from the hidden states of tokens to the components that are compared.

    name: identifies the projection. questions, passages: float32 (states, COMPONENTS), the matrix
    for the states of questions and that for passages. question_shift, passage_shift: float32
    (COMPONENTS,), added after the multiplication. deviations: float32 (COMPONENTS,), the standard
    deviation of passages' tokens in each component. weights: float32 (COMPONENTS,), the effect of
    each component on the importance of a question's token.
    """

    name: str
    questions: Floats
    passages: Floats
    question_shift: Floats
    passage_shift: Floats
    deviations: Floats
    weights: Floats

    def question(self, states: Floats) -> Floats:
        """Return the projected states of a question, float32 (tokens, COMPONENTS), unit length."""
        return _unit(states @ self.questions + self.question_shift)

    def passage(self, states: Floats) -> Floats:
        """Return the projected states of a passage, float32 (tokens, COMPONENTS), unit length."""
        return _unit(states @ self.passages + self.passage_shift)

    def shares(self, tokens: Floats) -> Floats:
        """Return the importance of each projected token of a question, float32 (tokens,), sum 1."""
        logits = tokens @ self.weights
        raised = np.exp(logits - logits.max())
        shares: Floats = raised / raised.sum()
        return shares


@dataclass(frozen=True, eq=False)
class Segment:
    """The projected states of the passages that one build encoded, mapped from disk.

    packed: uint8 (tokens, COMPONENTS / 2), a component in each half byte, the first in the low one.
    lines: int16 (tokens,), the line of each token in its passage, HEADING for the heading path.
    """

    name: str
    packed: Bytes
    lines: Int16s


@dataclass(frozen=True, eq=False)
class TokenEmbeddings:
    """The projected states of all passages' tokens.

    places: int64 (passages, 3), for each passage the segment, its first token there, and the number
    of its tokens. projection: the projection of all of them.
    """

    segments: tuple[Segment, ...]
    places: Int64s
    projection: Projection

    def of(self, passages: Ints | Int64s) -> tuple[Bytes, Int16s]:
        """Return the packed states and the lines of the tokens of some passages, concatenated."""
        found = [
            (self.segments[number], slice(start, start + count))
            for number, start, count in self.places[passages].tolist()
        ]
        # A slice of what is mapped costs many times that of a plain array.
        packed = np.concatenate([np.asarray(segment.packed)[rows] for segment, rows in found])
        return packed, np.concatenate([np.asarray(segment.lines)[rows] for segment, rows in found])

    def unpacked(self, passages: Ints) -> tuple[Floats, Int16s]:
        """Return the states and the lines of the tokens of some passages, concatenated.

        The states are float32 (tokens, COMPONENTS), unit length.
        """
        packed, lines = self.of(passages)
        levels = np.stack([packed & 15, packed >> 4], axis=2).reshape(len(packed), -1)
        tokens = (levels - _ZERO) * (self.projection.deviations * np.float32(_STEP))
        return _unit(tokens), lines

    def compare(self, question: Floats, passages: Ints) -> "Alignment":
        """Return the best match of each projected question token in each line of the passages."""
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
    """The best match of each token of a question in each line of some passages.

    best: float32 (lines, question tokens), the highest cosine in [-1, 1] within the line.
    owners: int32 (lines,), the position of the line's passage in the request; ascending.
    lines: int32 (lines,), the line's position in its passage, or HEADING.
    """

    best: Floats
    owners: Ints
    lines: Ints

    def passages(self) -> Floats:
        """Return the highest cosine in each passage, float32 (passages, question tokens)."""
        edges = np.flatnonzero(np.diff(self.owners, prepend=-1))
        best: Floats = np.maximum.reduceat(self.best, edges, axis=0)
        return best


def _products(packed: Bytes, question: Floats) -> tuple[Ints, Floats, Floats]:
    """Return integer products, int32 (tokens, question tokens), and their unit and zero.

    Unit and zero are float32 (question tokens,): the cosine is `(product - zero) * unit`. The
    components of a question are rounded to 8 bits, which loses less than the 4 bits of passages;
    the multiplication of integers is four times as fast.
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
    """Return a function that runs the ONNX graph in PRODUCTS."""
    # Commands that ask nothing do without.
    from index.encoding.runtime import run, session

    with as_file(PRODUCTS) as path:
        return partial(run, session(path))


@cache
def learned_projection() -> Projection:
    """Return the learned projection for the default model, which ships with the program."""
    with LEARNED.open("rb") as stream, np.load(stream) as kept:
        arrays = {name: kept[name].astype(np.float32) for name in kept.files}
    digest = hashlib.sha256(b"".join(arrays[name].tobytes() for name in sorted(arrays)))
    return Projection(digest.hexdigest()[:16], **arrays)


def principal(asked: Sequence[Encoding], read: Sequence[Encoding]) -> Projection:
    """Return a projection to the principal components of a model's states.

    asked: general questions, encoded as questions; read: the same texts, encoded as passages.
    """
    sides = [np.concatenate([each.own_states for each in part]) for part in (asked, read)]
    means = [side.mean(axis=0) for side in sides]
    parts = [_unit(side - mean) for side, mean in zip(sides, means, strict=True)]
    _, vectors = np.linalg.eigh(sum(part.T @ part / len(part) for part in parts))
    components = np.ascontiguousarray(vectors[:, ::-1][:, :COMPONENTS], dtype=np.float32)
    components = np.pad(components, ((0, 0), (0, COMPONENTS - components.shape[1])))
    spread = _unit(parts[1] @ components).std(axis=0)
    return Projection(
        PRINCIPAL,
        components,
        components,
        -means[0] @ components,
        -means[1] @ components,
        np.maximum(spread, 1e-6).astype(np.float32),
        np.zeros(COMPONENTS, np.float32),
    )


def spoken(encoding: Encoding, text: str) -> npt.NDArray[np.bool_]:
    """Return a mask of the passage's tokens that are compared, bool (tokens,).

    They are the tokens with a letter or digit, as in ColBERT, or all tokens of the text if it has
    none of these.
    """
    words = np.array(
        [start >= 0 and bool(_WORD.search(text, start, end)) for start, end in encoding.offsets]
    )
    return words if words.any() else encoding.offsets[:, 0] >= 0


def pack(encoding: Encoding, kept_tokens: npt.NDArray[np.bool_], projection: Projection) -> Bytes:
    """Return the packed states of a passage's kept tokens, uint8 (kept tokens, COMPONENTS / 2)."""
    scaled = projection.passage(encoding.states[kept_tokens]) / projection.deviations
    levels = np.clip(np.rint(scaled / _STEP + _ZERO), 0, 15).astype(np.uint8)
    packed: Bytes = levels[:, 0::2] | (levels[:, 1::2] << 4)
    return packed


def token_lines(offsets: Ints, heading: int, lines: Sequence[str]) -> Int16s:
    """Return the line of each of these tokens, int16 (tokens,), HEADING for the heading path.

    heading: the length of the heading path in the encoded text, including its line end. The plain
    text of each line follows, each with one more character.
    """
    ends = heading + np.cumsum([len(normalise(line)) + 1 for line in lines])
    # A token may begin with the white space before it: its last character says where it is.
    last = np.maximum(offsets[:, 1] - 1, offsets[:, 0])
    position = np.searchsorted(ends, last, side="right")
    return np.where(last < heading, HEADING, np.minimum(position, len(lines) - 1)).astype(np.int16)


def _unit(states: npt.NDArray[np.floating[Any]]) -> Floats:
    unit: Floats = states / np.maximum(np.linalg.norm(states, axis=1, keepdims=True), 1e-9)
    return unit
