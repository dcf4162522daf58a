"""How people ask in general: a bank of questions about anything, as a background."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files

import numpy as np

from index.arrays import Floats
from index.encoding.encoder import Encoding
from index.language import Language

LANGUAGES: tuple[Language, ...] = ("ko", "en")


@dataclass(frozen=True)
class BackgroundQuestions:
    """How questions look to one encoder, so that what they have in common can be subtracted.

    vectors: by language, float32 (questions, dimension), unit length, of the bank;
    sentence_embeddings: float32 (questions, SENTENCE_COMPONENTS).
    vector_means: by language, float32 (dimension,), halfway between the bank's mean and the notes'
    own lines encoded as if they were questions: what every question about these notes has in common
    tells none of them apart.
    """

    vectors: Mapping[Language, Floats]
    sentence_embeddings: Mapping[Language, Floats]
    vector_means: Mapping[Language, Floats]

    @cached_property
    def centred(self) -> Mapping[Language, Floats]:
        """Return the bank's vectors with the mean subtracted, unit length, by language."""
        found = {key: each - self.vector_means[key] for key, each in self.vectors.items()}
        return {
            key: each / np.maximum(np.linalg.norm(each, axis=1, keepdims=True), 1e-9)
            for key, each in found.items()
        }


def questions(language: Language) -> list[str]:
    """Return the bank's questions in a language."""
    return files("index.data").joinpath(f"questions.{language}.txt").read_text("utf-8").splitlines()


def summarise(
    bank: Mapping[Language, Sequence[Encoding]], own: Sequence[Encoding], own_language: Language
) -> BackgroundQuestions:
    """Return the summary of the encoded bank and of some of the notes' lines."""
    vectors = {key: np.stack([item.vector for item in found]) for key, found in bank.items()}
    vector_shift: Floats = (_vector_mean(own) - _vector_mean(bank[own_language])) * np.float32(0.5)
    return BackgroundQuestions(
        vectors,
        {key: np.stack([item.sentence_embedding for item in found]) for key, found in bank.items()},
        {key: _vector_mean(found) + vector_shift for key, found in bank.items()},
    )


def _vector_mean(encodings: Sequence[Encoding]) -> Floats:
    mean: Floats = np.stack([item.vector for item in encodings]).mean(axis=0)
    return mean
