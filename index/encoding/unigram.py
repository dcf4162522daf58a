"""The default model's tokenizer: it splits words into the likeliest pieces of a compressed trie.

Its tokens and offsets equal those of the library `tokenizers`, which needs 290 MB of memory;
this module needs 6 MB. Scores are added as doubles in the same order, so that ties are resolved
in the same way.
"""

import re
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import marisa_trie
import numpy as np

from index.encoding.aligned import normalise

BOS, PAD, EOS, UNKNOWN, MASK = SPECIALS = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")

_SPECIAL = re.compile("(" + "|".join(map(re.escape, SPECIALS)) + ")")
_WORD = re.compile("▁[^▁]*")
_UNKNOWN_PENALTY = 10.0
_CACHED_WORDS = 4096
_CACHED_LENGTH = 32


@dataclass(frozen=True)
class Tokens:
    """The tokens of one text.

    ids:                 the ids of the pieces.
    offsets:             [start, end) of each token in the text, as characters.
    special_tokens_mask: 1 for the tokens added around the text, 0 for the tokens of the text.
    """

    ids: list[int]
    offsets: list[tuple[int, int]]
    special_tokens_mask: list[int]


# The ids of a word's tokens, and where in the word each ends.
_Pieces = tuple[tuple[int, int], ...]


class UnigramTokenizer:
    """A tokenizer that splits texts into pieces; any number of threads may use it at once."""

    def __init__(self, path: Path) -> None:
        """Load a file of `index.encoding.model.pieces`; a damaged one raises any kind of error."""
        with np.load(path, allow_pickle=False) as stored:
            self._trie = marisa_trie.Trie()
            self._trie.frombytes(stored["trie"].tobytes())
            self._ids = array("i", stored["ids"].astype(np.intc).tobytes())
            self._scores = array("d", stored["scores"].astype(np.double).tobytes())
            self._unknown_characters = frozenset(map(chr, stored["unknown_characters"].tolist()))
            self._longest = int(stored["longest"])
            self._limit = int(stored["limit"])
        self._specials: dict[str, int] = {
            word: self._ids[self._trie[word]] for word in SPECIALS if word in self._trie
        }
        self._unknown = self._specials[UNKNOWN]
        self._unknown_score = min(self._scores) - _UNKNOWN_PENALTY
        self._remembered = lru_cache(_CACHED_WORDS)(self._pieces)

    @property
    def pad(self) -> int:
        """Return the id of the padding token, which fills up the shorter texts of a batch."""
        return self._specials[PAD]

    def score(self, piece: str) -> float | None:
        """Return the logarithm of a piece's probability, None if there is no such piece."""
        key = self._trie.get(piece)
        return None if key is None else self._scores[key]

    def extends(self, prefix: str) -> bool:
        """Return whether any piece starts with the prefix."""
        return next(self._trie.iterkeys(prefix), None) is not None

    def items(self) -> Iterator[tuple[str, float]]:
        """Yield every piece with its score."""
        for piece, key in self._trie.items():
            yield piece, self._scores[key]

    def count(self, text: str) -> int:
        """Return the number of tokens of the text; those beyond the model's limit count too."""
        return sum(1 for _ in self._tokens(text))

    def encode(self, text: str) -> Tokens:
        """Return the text's tokens between `<s>` and `</s>`, cut at the model's limit in all."""
        found = list(self._tokens(text))[: self._limit - 2]
        ids = [self._specials[BOS], *(token for token, _, _ in found), self._specials[EOS]]
        offsets = [(0, 0), *((start, end) for _, start, end in found), (0, 0)]
        return Tokens(ids, offsets, [1, *[0] * len(found), 1])

    def _tokens(self, text: str) -> Iterator[tuple[int, int, int]]:
        """Yield the id, start and end of every token.

        A special word such as `<mask>` becomes its token even if a note contains it literally;
        the model's authors do the same.
        """
        start = 0
        for part in _SPECIAL.split(text):
            if part in self._specials:
                yield self._specials[part], start, start + len(part)
            elif part:
                yield from self._words(part, start)
            start += len(part)

    def _words(self, text: str, shift: int) -> Iterator[tuple[int, int, int]]:
        text, places = normalise(text, self._unknown_characters)
        text = text.replace(" ", "▁")
        if text and not text.startswith("▁"):
            text, places = "▁" + text, [places[0], *places]
        for match in _WORD.finditer(text):
            word, begin = match.group(), match.start()
            pieces = self._remembered if len(word) <= _CACHED_LENGTH else self._pieces
            start = 0
            for token, end in pieces(word):
                yield token, shift + places[begin + start], shift + places[begin + end - 1] + 1
                start = end

    def _pieces(self, word: str) -> _Pieces:
        """Return the pieces with the highest sum of scores; adjacent unknown ones are merged."""
        token, start = self._best_paths(word)
        found: list[tuple[int, int]] = []
        end = len(word)
        while end:
            fused = found and found[-1][0] == token[end] == self._unknown
            if not fused:
                found.append((token[end], end))
            end = start[end]
        return tuple(reversed(found))

    def _best_paths(self, word: str) -> tuple[list[int], list[int]]:
        """Return for each position in the word the best token that ends there, and its start."""
        score = [0.0] + [-float("inf")] * len(word)
        token = [self._unknown] * (len(word) + 1)
        start = [0] * (len(word) + 1)
        for at in range(len(word)):
            known = False
            for piece, key in self._trie.iter_prefixes_with_ids(word[at : at + self._longest]):
                end = at + len(piece)
                known = known or end == at + 1
                total = self._scores[key] + score[at]
                if total > score[end]:
                    score[end], token[end], start[end] = total, self._ids[key], at
            total = self._unknown_score + score[at]
            if not known and total > score[at + 1]:
                score[at + 1], token[at + 1], start[at + 1] = total, self._unknown, at
        return token, start
