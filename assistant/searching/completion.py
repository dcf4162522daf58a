"""Completes an unfinished word with words of the notes."""

from bisect import bisect_left
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import hangulpy
import numpy as np
import regex

from index.arrays import Ints
from index.markdown import WORD
from index.storage import Contents
from index.words import Lexical, stem

_COMPLETIONS = 24
_HANGUL = regex.compile(r"\p{Hangul}")


@dataclass(frozen=True)
class Catalogue:
    """The data of an index that search boxes need, prepared once.

    keys: sorted, the keystrokes of each word. words: for each key, the word or stem that lexical
    search compares. counts: int32 (words,), the number of passages that hold it. sections,
    documents: int32 (passages,), the numbers of each passage's section and document.
    """

    keys: list[str]
    words: list[str]
    counts: Ints
    sections: Ints
    documents: Ints

    def holds(self, word: str) -> bool:
        """Return whether the notes have a word with the same keystrokes."""
        key = _key(word)
        at = bisect_left(self.keys, key)
        return at < len(self.keys) and self.keys[at] == key

    def completions(self, word: str) -> tuple[str, ...]:
        """Return at most 24 words that begin with the typed keystrokes, most frequent first."""
        key = _key(word)
        if not WORD.search(word):
            return ()
        start, end = bisect_left(self.keys, key), bisect_left(self.keys, key + "\uffff")
        order = np.argsort(-self.counts[start:end], kind="stable") + start
        found = dict.fromkeys(self.words[row] for row in order[: 2 * _COMPLETIONS])
        return tuple(found)[:_COMPLETIONS]


# Held as long as the index that they are of.
_CATALOGUES: WeakKeyDictionary[Lexical, Catalogue] = WeakKeyDictionary()


def catalogued(contents: Contents) -> Catalogue:
    """Return the catalogue of an index; it is made at the first call and kept with the index."""
    found = _CATALOGUES.get(contents.lexical)
    if not found:
        found = _CATALOGUES[contents.lexical] = _made(contents)
    return found


def _made(contents: Contents) -> Catalogue:
    frequency = contents.lexical.frequency
    # A stem may be shorter than what is typed of the word: `replic` of `replicati`.
    written = ((word, stem(word)) for word in contents.vocabulary.latin)
    words = {(word, word) for word in contents.lexical.words}
    words.update((word, stemmed) for word, stemmed in written if frequency(stemmed))
    entries = sorted((_key(word), compared) for word, compared in words)
    places = contents.notes.places[:, :2]
    # Passages stand in order, so that another place is another section.
    sections = np.cumsum((np.diff(places, axis=0, prepend=-1) != 0).any(axis=1))
    return Catalogue(
        [key for key, _ in entries],
        [word for _, word in entries],
        np.array([frequency(word) for _, word in entries], np.int32),
        sections.astype(np.int32),
        places[:, 0],
    )


def _key(word: str) -> str:
    """Return the keystrokes of a word; by them the unfinished 컨텡 is a beginning of 컨테이너."""
    if not _HANGUL.search(word):
        return word.lower().strip("/~.:@+_")
    # What is typed on the Korean layout begins no Latin word.
    return "한" + word.translate(_KEYS)


class _Keys(dict[int, str]):
    """A cache of the keystrokes of each character, filled as characters are looked up."""

    def __missing__(self, character: int) -> str:
        keys = self[character] = str(hangulpy.convert_hangul_to_qwerty(chr(character)))
        return keys


_KEYS = _Keys()
