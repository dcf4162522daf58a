"""Lexical search: BM25 over the analyzer's words."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import bm25s
import numpy as np

from index.encoder import Floats

# Robertson and Zaragoza 2009, the usual values.
_K1 = 1.2
_B = 0.75
_FILES = {
    "data_name": "scores.npy",
    "indices_name": "rows.npy",
    "indptr_name": "starts.npy",
    "vocab_name": "words.json",
    "params_name": "settings.json",
    "nnoc_name": "absent.npy",
}


@dataclass(frozen=True)
class Lexical:
    """BM25 scores of every word in every text, computed ahead (bm25s). A row is a text's number."""

    scores: bm25s.BM25
    rows: int

    def frequency(self, word: str) -> int:
        """Return how many texts hold the word."""
        row = self.scores.vocab_dict.get(word)
        if row is None:
            return 0
        starts = self.scores.scores["indptr"]
        return int(starts[row + 1] - starts[row])

    def rarity(self, word: str) -> float:
        """Return the word's inverse document frequency, highest for one that no text holds."""
        count = self.frequency(word)
        return float(np.log(1 + (self.rows - count + 0.5) / (count + 0.5)))

    def share(self, words: Sequence[str]) -> Floats:
        """Return float32 (rows,), BM25 over the most that any text could reach, 0 to 1.

        A word that the notes do not have counts as the rarest: a question that shares little with
        the notes, as one in another language does, scores low everywhere.
        """
        known = [word for word in dict.fromkeys(words) if self.frequency(word)]
        most = sum(self.rarity(word) for word in dict.fromkeys(words))
        if not known:
            return np.zeros(self.rows, np.float32)
        found: Floats = self.scores.get_scores(known) / np.float32(most)
        return found


def index_words(texts: Iterable[Sequence[str]]) -> Lexical:
    """Return the lexical index over each text's words."""
    corpus = [list(words) or [""] for words in texts]
    scores = bm25s.BM25(k1=_K1, b=_B, method="lucene")
    scores.index(corpus, create_empty_token=False, show_progress=False)
    return Lexical(scores, len(corpus))


def save(lexical: Lexical, folder: Path, name: str) -> None:
    """Write it into the folder, as files that begin with the name."""
    lexical.scores.save(str(folder), show_progress=False, **_names(name))


def load(folder: Path, name: str, rows: int) -> Lexical:
    """Return what was saved there."""
    return Lexical(bm25s.BM25.load(str(folder), **_names(name)), rows)


def _names(name: str) -> dict[str, str]:
    return {key: f"{name}.{file}" for key, file in _FILES.items()}
