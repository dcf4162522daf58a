"""What an encoder is: text to a unit vector, and to the token states that it is the mean of."""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt
import regex

Floats: TypeAlias = npt.NDArray[np.float32]
Ints: TypeAlias = npt.NDArray[np.int32]
Halves: TypeAlias = npt.NDArray[np.float16]
Kind = Literal["query", "passage"]
# How many components a gist has.
GIST = 512


def _written_otherwise(code: int) -> str:
    """Return how a ligature, or a letter of another width, is written otherwise."""
    parts = unicodedata.decomposition(chr(code)).split()[1:]
    return "".join(chr(int(part, 16)) for part in parts) or chr(code)


# fmt: off
# Soft hyphens, spaces without width, marks of direction: editors and web pages leave them in words.
_UNSEEN = (
    0xAD, 0x34F, 0x61C, 0x180E, 0x200B, 0x200E, 0x200F, *range(0x202A, 0x202F),
    *range(0x2060, 0x2065), *range(0x2066, 0x2070), 0xFEFF,
)
_BLANK = (0xA0, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000, 0x3164, 0xFFA0)
# fmt: on
_USUAL = {
    **{code: _written_otherwise(code) for code in (*range(0xFB00, 0xFB07), *range(0xFF01, 0xFFEF))},
    **dict.fromkeys(_UNSEEN, ""),
    **dict.fromkeys(_BLANK, " "),
}
# Emoji are joined as well.
_JOINER = regex.compile(r"(?<=[\p{Hangul}\p{Latin}\p{Han}\p{N}])[\u200c\u200d]")
_UNUSUAL = regex.compile("[" + "".join(map(chr, _USUAL)) + "\u200c\u200d]")


@dataclass(frozen=True)
class Weights:
    """What vectors depend on. Two engines with equal weights make the same vectors."""

    name: str
    fingerprint: str
    dimension: int
    pooling: str
    query_prompt: str
    passage_prompt: str

    def prompt(self, kind: Kind) -> str:
        """Return the words that stand before every text of this kind."""
        return self.query_prompt if kind == "query" else self.passage_prompt


@dataclass(frozen=True)
class Encoding:
    """One encoded text.

    vector:  float32 (dimension,), unit length.
    states:  float32 (tokens, states), hidden states, not normalised: those of the last layer, of
             which the vector is the mean, in the last `dimension` columns; before them those of a
             middle layer, where the model gives them.
    offsets: int32 (tokens, 2), where each token stands in the normalised text, as characters
             [start, end); (-1, -1) for special tokens and those of the prompt.
    gist:    float32 (GIST,), of a query: what it is about, a unit vector; of passages zeros.
    """

    vector: Floats
    states: Floats
    offsets: Ints
    gist: Floats = field(default_factory=lambda: np.zeros(GIST, np.float32))

    @property
    def own_states(self) -> Floats:
        """Return the states of the text's own tokens, the prompt's and special ones left out."""
        return self.states[self.offsets[:, 0] >= 0]


class Encoder(Protocol):
    """Two engines keep this: ONNX Runtime and sentence-transformers."""

    @property
    def weights(self) -> Weights:
        """Return what the vectors depend on."""

    def encode(self, texts: Sequence[str], kind: Kind) -> Iterator[Encoding]:
        """Yield one encoding a text, in the order given; texts are normalised first.

        Longer texts than the model takes are cut at its limit.
        """

    def gists(self, texts: Sequence[str]) -> Floats:
        """Return what texts are about, float32 (texts, GIST): unit vectors, or zeros where the
        model has no second encoder beside it."""

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return how many tokens each text has, the prompt and special tokens left out."""


def normalise(text: str) -> str:
    """Return text that every engine and the analyzer read alike, of questions and of notes.

    It is composed, letters of full and half width are as otherwise written, blanks of any width
    spaces, and what no one sees is left out: `Ｐｏｒｔ` is `Port`. Raised digits stay raised.
    """
    text = composed(text)
    if not _UNUSUAL.search(text):
        return text
    return unicodedata.normalize("NFC", _JOINER.sub("", text.translate(_USUAL)))


def composed(text: str) -> str:
    """Return text in NFC, no NUL, no lone surrogates: as ids and names are compared.

    Decomposed Hangul, as macOS writes file names, otherwise loses a fifth of its similarity.
    """
    clean = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return unicodedata.normalize("NFC", clean.replace("\x00", " "))
