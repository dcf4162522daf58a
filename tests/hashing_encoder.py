"""An encoder by hand, without a model: words that share letters are alike, and nothing else is."""

import re
import zlib
from collections.abc import Iterator, Sequence
from functools import cache

import numpy as np

from index.arrays import Floats
from index.encoding import SENTENCE_COMPONENTS, Encoding, Kind, Weights
from index.normalising import normalise

DIMENSION = 64
_WORD = re.compile(r"\w+")


@cache
def _letters(piece: str) -> Floats:
    seed = zlib.crc32(piece.encode())
    return np.random.default_rng(seed).normal(size=DIMENSION).astype(np.float32)


@cache
def _word(word: str) -> Floats:
    pieces = {word[at : at + 2] for at in range(max(1, len(word) - 1))}
    found: Floats = sum(map(_letters, pieces)) / np.sqrt(len(pieces))  # type: ignore[assignment]
    return found


class HashingEncoder:
    """Keeps `index.encoding.Encoder`."""

    weights = Weights("hashing", "by hand", DIMENSION, "mean", "", "")

    def encode(self, texts: Sequence[str], kind: Kind) -> Iterator[Encoding]:
        """Yield the mean of what words' pairs of letters hash to."""
        for text in map(normalise, texts):
            places = [match.span() for match in _WORD.finditer(text)] or [(0, len(text))]
            states = np.stack([_word(text[start:end].lower()) for start, end in places])
            mean = states.mean(axis=0)
            vector = (mean / max(float(np.linalg.norm(mean)), 1e-9)).astype(np.float32)
            yield Encoding(vector, states, np.array(places, np.int32))

    def sentence_embeddings(self, texts: Sequence[str]) -> Floats:
        """Return zeros: there is no second encoder."""
        return np.zeros((len(texts), SENTENCE_COMPONENTS), np.float32)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return how many words each text has."""
        return [len(_WORD.findall(normalise(text))) for text in texts]
