"""How people ask in general: a bank of questions about anything, as a background."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files

import numpy as np

from index.encoder import Encoding, Floats
from index.language import Language

LANGUAGES: tuple[Language, ...] = ("ko", "en")


@dataclass(frozen=True)
class General:
    """What general questions have in common, for one encoder.

    vectors: by language, float32 (questions, dimension), unit length.
    token_means: by language, float32 (dimension,), the mean token state.
    """

    vectors: Mapping[Language, Floats]
    token_means: Mapping[Language, Floats]


def questions(language: Language) -> list[str]:
    """Return the bank's questions in a language."""
    return files("index.data").joinpath(f"questions.{language}.txt").read_text("utf-8").splitlines()


def summarise(encodings: Mapping[Language, Sequence[Encoding]]) -> General:
    """Return what the encoded bank has in common."""
    return General(
        {key: np.stack([item.vector for item in found]) for key, found in encodings.items()},
        {
            key: np.concatenate([e.states[e.offsets[:, 0] >= 0] for e in found]).mean(axis=0)
            for key, found in encodings.items()
        },
    )
