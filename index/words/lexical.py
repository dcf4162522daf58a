"""Lexical search: BM25 over the analyzer's words."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import marisa_trie
import numpy as np
import numpy.typing as npt

from index.arrays import Floats, Ints, Ranges, rows_of

# Robertson and Zaragoza 2009, the usual values.
_K1 = 1.2
_B = 0.75

Int64s = npt.NDArray[np.int64]
Counts = npt.NDArray[np.uint16]


@dataclass(frozen=True, eq=False)
class Lexical:
    """An inverted index: for each word, the texts that hold it and its count in each of them.

    Scores are computed from the counts at search time, so that an edit changes only the counts of
    its own texts.
    words: the number of each word, in a trie (marisa) that is mapped from disk. starts: int64
    (words + 1,), the first posting of each word. rows: int32 (postings,), the number of the text,
    ascending within a word. counts: uint16 (postings,), the occurrences of the word in that text.
    lengths: int32 (texts,), in words.
    """

    words: marisa_trie.Trie
    starts: Int64s
    rows: Ints
    counts: Counts
    lengths: Ints

    def frequency(self, word: str) -> int:
        """Return the number of texts that hold the word."""
        start, end = self._bounds(word)
        return end - start

    def rarity(self, word: str) -> float:
        """Return the word's inverse document frequency; a word in no text has the highest one."""
        count = self.frequency(word)
        return float(np.log(1 + (len(self.lengths) - count + 0.5) / (count + 0.5)))

    def share(self, words: Sequence[str]) -> Floats:
        """Return the BM25 score of every text over the highest possible one, float32 (texts,).

        The range is 0 to 1. The formula is Lucene's variant, without the factor k1 + 1. A word that
        the notes do not have counts as the rarest one; so a question that shares few words with
        the notes, for example one in another language, scores low everywhere.
        """
        rarities = {word: self.rarity(word) for word in words}
        found = np.zeros(len(self.lengths), np.float32)
        for word, rarity in rarities.items():
            postings = slice(*self._bounds(word))
            rows = self.rows[postings]
            found[rows] += self._part(rarity, rows, self.counts[postings])
        return found / np.float32(sum(rarities.values())) if rarities else found

    def share_within(self, words: Sequence[str], within: Ranges) -> Floats:
        """Return the scores of `share` for some texts only; the other texts cost no time.

        within: int64 (n, 2), the rows [start, end) of these texts. The result has the scores of one
        range after another.
        """
        rarities = {word: self.rarity(word) for word in words}
        sizes = within[:, 1] - within[:, 0]
        begins = np.cumsum(sizes) - sizes
        found: Floats = np.zeros(sizes.sum(), np.float32)
        bounds = within.astype(np.int32)
        for word, rarity in rarities.items():
            postings = slice(*self._bounds(word))
            all_rows = self.rows[postings]
            edges = np.searchsorted(all_rows, bounds)
            inside = rows_of(edges)
            rows = all_rows[inside]
            places = rows + np.repeat(begins - within[:, 0], edges[:, 1] - edges[:, 0])
            found[places] += self._part(rarity, rows, self.counts[postings][inside])
        if rarities:
            found /= np.float32(sum(rarities.values()))
        return found

    def _part(self, rarity: float, rows: Ints, counts: Counts) -> Floats:
        found: Floats = np.float32(rarity) * counts / (counts + self._norms[rows])
        return found

    def _bounds(self, word: str) -> tuple[int, int]:
        """Return the start and the end of a word's postings; both are 0 for an unknown word."""
        number = self.words.get(word)
        if number is None:
            return 0, 0
        return int(self.starts[number]), int(self.starts[number + 1])

    @cached_property
    def _norms(self) -> Floats:
        # A text without words counts as one empty word.
        lengths = np.maximum(self.lengths, 1).astype(np.float32)
        norms: Floats = _K1 * (1 - _B + _B * lengths / lengths.mean())
        return norms.astype(np.float32)


NOTHING = Lexical(
    marisa_trie.Trie(),
    np.zeros(1, np.int64),
    np.zeros(0, np.int32),
    np.zeros(0, np.uint16),
    np.zeros(0, np.int32),
)


def index_words(texts: Iterable[Sequence[str]]) -> Lexical:
    """Return the lexical index of texts, each given by its words."""
    found = list(texts)
    return updated(NOTHING, np.full(len(found), -1), dict(enumerate(found)))


def updated(old: Lexical, sources: Int64s, texts: Mapping[int, Sequence[str]]) -> Lexical:
    """Return an index of a new list of texts; most of them are taken over from an old index.

    sources: (texts,), the row of each text in the old index, -1 for a new one. texts: the words of
    the new texts by row.
    """
    taken = sources >= 0
    moved = np.full(len(old.lengths), -1)
    moved[sources[taken]] = np.flatnonzero(taken)
    lengths = np.zeros(len(sources), np.int32)
    lengths[taken] = old.lengths[sources[taken]]
    numbers: dict[str, int] = dict(old.words.items())
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
    sizes = np.bincount(postings[0], minlength=len(numbers))
    # Words that no text holds any more are forgotten.
    held = {word: number for word, number in numbers.items() if sizes[number]}
    trie = marisa_trie.Trie(held)
    places = np.zeros(len(numbers), np.int64)
    for word, number in held.items():
        places[number] = trie[word]
    order = np.argsort(places[postings[0]] * max(len(sources), 1) + postings[1])
    counted = np.zeros(len(held) + 1, np.int64)
    counted[1 + places[list(held.values())]] = sizes[list(held.values())]
    return Lexical(
        trie,
        np.cumsum(counted),
        postings[1][order].astype(np.int32),
        counts[order],
        lengths,
    )


def save(lexical: Lexical, folder: Path, name: str) -> None:
    """Write the index into the folder, as files whose names begin with `name`."""
    (folder / f"{name}.words.trie").write_bytes(lexical.words.tobytes())
    for part in _PARTS:
        np.save(folder / f"{name}.{part}.npy", getattr(lexical, part))


def load(folder: Path, name: str) -> Lexical:
    """Return the index that `save` wrote, mapped from disk."""
    words = marisa_trie.Trie()
    path = folder / f"{name}.words.trie"
    # Up to schema 4 there was none: nothing but embeddings is taken from such an index.
    if path.exists():
        words.mmap(str(path))
    # As plain arrays: a slice of NumPy's own kind of mapped ones costs many times that of these.
    parts = (np.load(folder / f"{name}.{part}.npy", mmap_mode="r") for part in _PARTS)
    return Lexical(words, *map(np.asarray, parts))


_PARTS = ("starts", "rows", "counts", "lengths")
