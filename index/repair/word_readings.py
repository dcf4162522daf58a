"""The likeliest readings of a damaged word, found by the scores of a tokenizer's pieces."""

import heapq
import math
import unicodedata
from collections.abc import Hashable, Iterator, Mapping, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import NamedTuple, Protocol

from cachetools import LRUCache

from index.repair.reading_lattice import Lattice

_SPACE = "▁"
# The signs of notes, usual ones first: on the web, a telephone is likelier than a memo.
_OF_NOTES = "📝🔝📌✅❌💡⚠🚀📖📚🔍📁📂🔗📦🔑🔒🐳👉🎯🔥⭐🛠\ufe0f—–‘’“”…·→←↑↓⇒「」『』"
_USUAL = {character: -8.0 - 0.1 * place for place, character in enumerate(_OF_NOTES)}
_UNKNOWN = -28.0
# A syllable that is no piece by itself, below what all pieces with it weigh together.
_BESIDE = -2.0
_KEPT = 10
_CANDIDATES = 8
_REMEMBERED = 1 << 16
# What is so much less likely than the best is no candidate: e to the minus fourteenth.
_FAR = 14.0


class Pieces(Protocol):
    """The pieces of words, each with a score, which is the logarithm of its probability."""

    def score(self, piece: str) -> float | None:
        """Return a piece's score, None if there is no such piece."""
        ...

    def extends(self, prefix: str) -> bool:
        """Return whether any piece starts with the prefix."""
        ...

    def items(self) -> Iterator[tuple[str, float]]:
        """Yield every piece with its score."""
        ...


class WordReading(NamedTuple):
    """A possible original of a damaged word; score: the logarithm of its likelihood."""

    text: str
    score: float


class WordReader:
    """A reader that finds the likeliest readings of damaged words by a set of pieces."""

    def __init__(self, pieces: Pieces) -> None:
        mass: dict[str, float] = {}
        for piece, score in pieces.items():
            for character in set(piece):
                mass[character] = mass.get(character, 0.0) + math.exp(score)
        self._mass = mass
        self._read: LRUCache[Hashable, Sequence[WordReading]] = LRUCache(_REMEMBERED)
        self._score = lru_cache(maxsize=1 << 17)(pieces.score)
        self._extends = lru_cache(maxsize=1 << 17)(pieces.extends)

    def readings(self, lattice: Lattice, start: int, end: int) -> Sequence[WordReading]:
        """Return the readings of the damaged run [start, end), best first.

        Readings are cached: the same damage gives the same readings.
        """
        before = lattice.line[start - 1] if start else " "
        openings = (_SPACE,) if before.isspace() else ("",) if before.isalnum() else (_SPACE, "")
        key = (lattice.lost, lattice.line[start : end + 1], openings)
        if key not in self._read:
            self._read[key] = self._best(lattice, start, end, openings)
        return self._read[key]

    def _best(
        self, lattice: Lattice, start: int, end: int, openings: Sequence[str]
    ) -> Sequence[WordReading]:
        best: dict[int, dict[str, float]] = {start: {"": 0.0}}
        for position in range(start, end):
            hypotheses = best.pop(position, None)
            if not hypotheses:
                continue
            kept = _likeliest(hypotheses, _KEPT)
            heads = openings if position == start else ("",)
            for (stop, text), score in self._arcs(lattice, position, end, heads).items():
                found = best.setdefault(stop, {})
                for before, total in kept:
                    whole = before + text
                    if total + score > found.get(whole, -math.inf):
                        found[whole] = total + score
        found = best.get(end, {})
        return [WordReading(*item) for item in _likeliest(best.get(end, {}), _CANDIDATES)]

    def _arcs(
        self, lattice: Lattice, start: int, end: int, heads: Sequence[str]
    ) -> dict[tuple[int, str], float]:
        """Return the scores of the pieces that may start at a position, by their end and text."""
        arcs: dict[tuple[int, str], float] = {}
        waiting = [(start, head, "", 0.0) for head in heads]
        while waiting:
            position, piece, text, weight = waiting.pop()
            if text:
                score = _USUAL.get(text, self._score(piece))
                if score is None and len(text) == 1:
                    score = self._alone(text)
                if score is not None and score + weight > arcs.get((position, text), -math.inf):
                    arcs[position, text] = score + weight
            if position >= end:
                continue
            for edge in lattice.edges[position]:
                longer = piece + _form(edge.character)
                if edge.end <= end and (not text or self._extends(longer)):
                    waiting.append((edge.end, longer, text + edge.character, weight + edge.weight))
        return arcs

    def _alone(self, character: str) -> float:
        mass = self._mass.get(_form(character)[-1:])
        return _UNKNOWN if mass is None else max(_UNKNOWN, math.log(mass) + _BESIDE)


def _likeliest(found: Mapping[str, float], count: int) -> list[tuple[str, float]]:
    best = heapq.nlargest(count, found.items(), key=itemgetter(1))
    return [item for item in best if item[1] > best[0][1] - _FAR]


@lru_cache(maxsize=1 << 14)
def _form(character: str) -> str:
    return _SPACE if character == " " else unicodedata.normalize("NFKC", character)
