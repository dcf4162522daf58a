"""The interface of an encoder, which turns text into a unit vector and hidden token states.

The vector is the normalised mean of the last layer's token states.
"""

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
    """The identity of a model: two engines with equal `Weights` make the same vectors."""

    name: str
    fingerprint: str
    dimension: int
    pooling: str
    query_prompt: str
    passage_prompt: str

    def prompt(self, kind: Kind) -> str:
        """Return the prompt that is put before every text of this kind."""
        return self.query_prompt if kind == "query" else self.passage_prompt


@dataclass(frozen=True)
class Encoding:
    """One encoded text.

    vector:  float32 (dimension,), unit length.
    states:  float32 (tokens, states), hidden states, not normalised. The last `dimension` columns
             are the last layer, whose mean is the vector; the columns before them are a middle
             layer, if the model gives one.
    offsets: int32 (tokens, 2), the position of each token in the normalised text, as characters
             [start, end); (-1, -1) for special tokens and tokens of the prompt.
    sentence_embedding: float32 (SENTENCE_COMPONENTS,), the topic of a query as a unit vector;
             zeros for passages.
    """

    vector: Floats
    states: Floats
    offsets: Ints
    sentence_embedding: Floats = field(
        default_factory=lambda: np.zeros(SENTENCE_COMPONENTS, np.float32)
    )

    @property
    def own_states(self) -> Floats:
        """Return the states of the text's own tokens, without special tokens and the prompt."""
        return self.states[self.offsets[:, 0] >= 0]


class Encoder(Protocol):
    """The protocol of both engines: ONNX Runtime and sentence-transformers."""

    @property
    def weights(self) -> Weights:
        """Return the identity of the model that makes the vectors."""

    def encode(self, texts: Sequence[str], kind: Kind) -> Iterator[Encoding]:
        """Yield one encoding for each text, in the given order; texts are normalised first.

        A text that is too long for the model is cut at its limit.
        """

    def sentence_embeddings(self, texts: Sequence[str]) -> Floats:
        """Return the sentence embeddings of texts, float32 (texts, SENTENCE_COMPONENTS).

        They are unit vectors, or zeros if the model has no second encoder beside it.
        """

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return the number of tokens of each text, without the prompt and special tokens."""
