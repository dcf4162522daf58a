"""Lexical search: BM25 over the analyzer's words."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from index.encoder import Floats, Ints

# Robertson and Zaragoza 2009, the usual values.
_K1 = 1.2
_B = 0.75

Int64s = npt.NDArray[np.int64]
Counts = npt.NDArray[np.uint16]


@dataclass(frozen=True, eq=False)
class Lexical:
    """How often each word stands in each text, by word; a row is a text's number.

    Scores follow from the counts when asked for, so that an edit changes the counts of its own
    texts alone.
    words: each word's number. starts: int64 (words + 1,), where its postings begin. rows: int32
    (postings,), ascending within a word. counts: uint16 (postings,). lengths: int32 (texts,), in
    words.
    """

    words: Mapping[str, int]
    starts: Int64s
    rows: Ints
    counts: Counts
    lengths: Ints

    def frequency(self, word: str) -> int:
        """Return how many texts hold the word."""
        number = self.words.get(word)
        return 0 if number is None else int(self.starts[number + 1] - self.starts[number])

    def rarity(self, word: str) -> float:
        """Return the word's inverse document frequency, highest for one that no text holds."""
        count = self.frequency(word)
        return float(np.log(1 + (len(self.lengths) - count + 0.5) / (count + 0.5)))

    def share(self, words: Sequence[str]) -> Floats:
        """Return float32 (texts,), BM25 over the most that any text could reach, 0 to 1.

        Lucene's variant, without the factor k1 + 1. A word that the notes do not have counts as the
        rarest: a question that shares little with the notes, as one in another language does,
        scores low everywhere.
        """
        rarities = {word: self.rarity(word) for word in words}
        found = np.zeros(len(self.lengths), np.float32)
        for word, rarity in rarities.items():
            if (number := self.words.get(word)) is not None:
                postings = slice(self.starts[number], self.starts[number + 1])
                rows, counts = self.rows[postings], self.counts[postings]
                found[rows] += np.float32(rarity) * counts / (counts + self._norms[rows])
        return found / np.float32(sum(rarities.values())) if rarities else found

    @cached_property
    def _norms(self) -> Floats:
        # A text without words counts as one empty word.
        lengths = np.maximum(self.lengths, 1).astype(np.float32)
        norms: Floats = _K1 * (1 - _B + _B * lengths / lengths.mean())
        return norms.astype(np.float32)


NOTHING = Lexical(
    {}, np.zeros(1, np.int64), np.zeros(0, np.int32), np.zeros(0, np.uint16), np.zeros(0, np.int32)
)


def index_words(texts: Iterable[Sequence[str]]) -> Lexical:
    """Return the lexical index over each text's words."""
    found = list(texts)
    return updated(NOTHING, np.full(len(found), -1), dict(enumerate(found)))


def updated(old: Lexical, sources: Int64s, texts: Mapping[int, Sequence[str]]) -> Lexical:
    """Return the index over other texts, most of them taken from an old one.

    sources: (texts,), the old row of each, -1 where it is new; texts: the words of the new ones.
    """
    taken = sources >= 0
    moved = np.full(len(old.lengths), -1)
    moved[sources[taken]] = np.flatnonzero(taken)
    lengths = np.zeros(len(sources), np.int32)
    lengths[taken] = old.lengths[sources[taken]]
    numbers = dict(old.words)
    fresh: list[tuple[int, int, int]] = []
    for row, words in texts.items():
        lengths[row] = len(words)
        for word, count in Counter(words).items():
            number = numbers.setdefault(word, len(numbers))
            fresh.append((number, row, min(count, np.iinfo(np.uint16).max)))
    added = np.array(fresh, np.int64).reshape(-1, 3)
    rows = moved[old.rows]
    kept = rows >= 0
    owners = np.repeat(np.arange(len(old.words)), np.diff(old.starts))[kept]
    postings = np.concatenate([owners, added[:, 0]]), np.concatenate([rows[kept], added[:, 1]])
    counts = np.concatenate([old.counts[kept], added[:, 2].astype(np.uint16)])
    order = np.argsort(postings[0] * max(len(sources), 1) + postings[1])
    sizes = np.bincount(postings[0], minlength=len(numbers))
    # Words that no text holds any more are forgotten.
    names = [word for word, size in zip(numbers, sizes, strict=True) if size]
    return Lexical(
        {word: number for number, word in enumerate(names)},
        np.concatenate([[0], np.cumsum(sizes[sizes > 0])]).astype(np.int64),
        postings[1][order].astype(np.int32),
        counts[order],
        lengths,
    )


def save(lexical: Lexical, folder: Path, name: str) -> None:
    """Write it into the folder, as files that begin with the name."""
    words = json.dumps(list(lexical.words), ensure_ascii=False)
    (folder / f"{name}.words.json").write_text(words, "utf-8")
    for part in _PARTS:
        np.save(folder / f"{name}.{part}.npy", getattr(lexical, part))


def load(folder: Path, name: str) -> Lexical:
    """Return what was saved there; all but the words stays mapped from disk."""
    words = json.loads((folder / f"{name}.words.json").read_text("utf-8"))
    parts = (np.load(folder / f"{name}.{part}.npy", mmap_mode="r") for part in _PARTS)
    return Lexical({word: number for number, word in enumerate(words)}, *parts)


_PARTS = ("starts", "rows", "counts", "lengths")
