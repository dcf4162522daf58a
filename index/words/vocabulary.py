"""The vocabulary: words of the notes as written, to find the meaning of a misspelt question."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import regex

from index.normalising import normalise
from index.words.analyzer import morphemes

_LATIN = regex.compile(r"[\p{Latin}]{3,}")
_HANGUL = regex.compile(r"\p{Hangul}{2,}")
_NOUNS = ("NNG", "NNP")


@dataclass(frozen=True)
class Vocabulary:
    """Words by script with their number of occurrences, most frequent first.

    latin: words in lower case. hangul: nouns. glossary: groups of synonyms, from the glossary files
    of the notes' authors.
    """

    latin: Mapping[str, int]
    hangul: Mapping[str, int]
    glossary: tuple[tuple[str, ...], ...]


NOTHING = Vocabulary({}, {}, ())


def collect(texts: Iterable[str], glossary: tuple[tuple[str, ...], ...]) -> Vocabulary:
    """Return the vocabulary of some texts."""
    return updated(NOTHING, texts, (), glossary)


def updated(
    old: Vocabulary,
    added: Iterable[str],
    removed: Iterable[str],
    glossary: tuple[tuple[str, ...], ...],
) -> Vocabulary:
    """Return the vocabulary after some texts are added and others removed."""
    latin, hangul = Counter(old.latin), Counter(old.hangul)
    for change, texts in ((1, added), (-1, removed)):
        for text in map(normalise, texts):
            for word in _LATIN.findall(text):
                latin[word.lower()] += change
            for run in _HANGUL.findall(text):
                for noun in _nouns(run):
                    hangul[noun] += change
    groups = tuple(tuple(map(normalise, group)) for group in glossary)
    return Vocabulary(_by_count(latin), _by_count(hangul), groups)


def _nouns(run: str) -> Iterable[str]:
    """Yield each noun of a run of Hangul, and each sequence of adjacent nouns as one word."""
    group = ""
    for surface, tag in morphemes(run):
        if tag in _NOUNS:
            if len(surface) > 1:
                yield surface
            group += surface
        else:
            if len(group) > 1:
                yield group
            group = ""
    if len(group) > 1:
        yield group


def _by_count(words: Counter[str]) -> dict[str, int]:
    held = [item for item in words.items() if item[1] > 0]
    return dict(sorted(held, key=lambda item: (-item[1], item[0])))
