"""Background questions: a bank of general questions, which shows how people usually ask."""

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
    """The encoded bank of questions, whose common part can be subtracted from a question.

    All fields are by language.
    vectors: float32 (questions, dimension), unit length, the bank's questions.
    sentence_embeddings: float32 (questions, SENTENCE_COMPONENTS), the same questions.
    vector_means: float32 (dimension,), the bank's mean, moved half of the way to the mean of the
    notes' own lines, which are encoded as if they were questions; every language moves by the same
    vector. The part that all questions about these notes share does not distinguish them.
    """

    vectors: Mapping[Language, Floats]
    sentence_embeddings: Mapping[Language, Floats]
    vector_means: Mapping[Language, Floats]

    @cached_property
    def centred(self) -> Mapping[Language, Floats]:
        """Return the bank's vectors after the mean is subtracted, unit length, by language."""
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
    """Return the background of an encoded bank and of some of the notes' own lines.

    bank: the encoded questions by language. own: lines of the notes, encoded as questions.
    """
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
