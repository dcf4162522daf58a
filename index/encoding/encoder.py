"""What an encoder is: text to a unit vector, and to the token states that it is the mean of."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np

from index.arrays import Floats, Ints

Kind = Literal["query", "passage"]
# How many components a sentence embedding has.
SENTENCE_COMPONENTS = 512


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
    sentence_embedding: float32 (SENTENCE_COMPONENTS,), of a query: what it is about, a unit vector;
             of passages zeros.
    """

    vector: Floats
    states: Floats
    offsets: Ints
    sentence_embedding: Floats = field(
        default_factory=lambda: np.zeros(SENTENCE_COMPONENTS, np.float32)
    )

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

    def sentence_embeddings(self, texts: Sequence[str]) -> Floats:
        """Return what texts are about, float32 (texts, SENTENCE_COMPONENTS): unit vectors, or
        zeros where the model has no second encoder beside it."""

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return how many tokens each text has, the prompt and special tokens left out."""
