"""The words that notes use, as they are written: what a misspelt question may have meant."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import regex

from index.analyzer import morphemes
from index.encoder import normalise

_LATIN = regex.compile(r"[\p{Latin}]{3,}")
_HANGUL = regex.compile(r"\p{Hangul}{2,}")
_NOUNS = ("NNG", "NNP")


@dataclass(frozen=True)
class Vocabulary:
    """Words by script, most frequent first: Latin in lower case, Korean nouns.

    glossary: groups of terms that mean the same, as the notes' authors wrote them down.
    """

    latin: tuple[str, ...]
    hangul: tuple[str, ...]
    glossary: tuple[tuple[str, ...], ...]


def collect(texts: Iterable[str], glossary: tuple[tuple[str, ...], ...]) -> Vocabulary:
    """Return the words of some texts."""
    latin: Counter[str] = Counter()
    hangul: Counter[str] = Counter()
    for text in map(normalise, texts):
        latin.update(word.lower() for word in _LATIN.findall(text))
        for run in _HANGUL.findall(text):
            hangul.update(_nouns(run))
    groups = tuple(tuple(map(normalise, group)) for group in glossary)
    return Vocabulary(_by_count(latin), _by_count(hangul), groups)


def _nouns(run: str) -> Iterable[str]:
    """Return each noun of a run of Hangul, and neighbouring nouns together."""
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


def _by_count(words: Counter[str]) -> tuple[str, ...]:
    return tuple(word for word, _ in sorted(words.items(), key=lambda item: (-item[1], item[0])))
