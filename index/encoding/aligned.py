"""Text normalised for the tokenizer; each character keeps its position in the original text.

The result equals that of the normalisers Nmt, NFKC and Replace(" {2,}", " ") of the library
`tokenizers`.
"""

import re
import unicodedata
from collections.abc import Container, Iterator
from functools import lru_cache
from itertools import groupby
from typing import NamedTuple

_DROPPED = re.compile("[\x01-\x08\x0b\x0e-\x1f\x7f\x8f\x9f]")
_BLANK = re.compile("[\t\n\x0c\r\u1680\u200b-\u200f\u2028\u2029\u2581\ufeff\ufffd]")
_WORD = re.compile(" +|[^ ]+")


class Aligned(NamedTuple):
    """A text, and the position in the original text of each of its characters."""

    text: str
    places: list[int]


class _Part(NamedTuple):
    """A character on its way through NFKC.

    order:  its canonical combining class, 0 for a starter.
    growth: the change in the number of characters: 1 for a character that a decomposition added,
            -n for one that absorbed n others, 0 for one that replaces a single character.
    """

    character: str
    order: int
    growth: int


def normalise(text: str, unknown: Container[str]) -> Aligned:
    """Return the text in NFKC, without control characters, each run of blanks as one space.

    The characters in `unknown` stay as they are and combine with no others.
    """
    return _collapse(_compose(_blank(text), unknown))


def _blank(text: str) -> Aligned:
    places = list(range(len(text)))
    if _DROPPED.search(text):
        places = [at for at in places if not _DROPPED.match(text, at)]
        text = _DROPPED.sub("", text)
    return Aligned(_BLANK.sub(" ", text), places)


def _collapse(found: Aligned) -> Aligned:
    """Return the text with only the last space of each run of spaces."""
    text, places = found
    if "  " not in text:
        return found
    kept = [at for at in range(len(text)) if text[at : at + 2] != "  "]
    return Aligned("".join([text[at] for at in kept]), [places[at] for at in kept])


def _compose(found: Aligned, unknown: Container[str]) -> Aligned:
    """Return the text in NFKC; each character that does not change keeps its position."""
    text, places = found
    if unicodedata.is_normalized("NFKC", text):
        return found
    words: list[str] = []
    sources: list[int] = []
    # Nothing composes with a space, so that words can be taken one by one.
    for match in _WORD.finditer(text):
        start, word = match.start(), match.group()
        if unicodedata.is_normalized("NFKC", word):
            words.append(word)
            sources += places[start : match.end()]
        else:
            parts = list(_recompose(_decompose(word, unknown), unknown))
            words.append("".join([part.character for part in parts]))
            sources += [places[start + at] for at in _sources(parts)]
    return Aligned("".join(words), sources)


def _sources(parts: list[_Part]) -> Iterator[int]:
    """Yield for each part the position of the character that it came from."""
    offset = 0
    for part in parts:
        if part.growth > 0:
            yield offset - 1
        else:
            yield offset
            offset += 1 - part.growth


def _decompose(word: str, unknown: Container[str]) -> Iterator[_Part]:
    """Yield the word's characters in NFKD, with combining marks in canonical order."""
    parts = []
    for source in word:
        pieces = source if source in unknown else unicodedata.normalize("NFKD", source)
        for at, piece in enumerate(pieces):
            order = 0 if piece in unknown else unicodedata.combining(piece)
            parts.append(_Part(piece, order, min(at, 1)))
    # Sorting keeps starters in their order.
    for _, run in groupby(parts, key=lambda part: part.order > 0):
        yield from sorted(run, key=lambda part: part.order)


def _recompose(parts: Iterator[_Part], unknown: Container[str]) -> Iterator[_Part]:
    """Yield the parts; those that compose in Unicode are joined into one."""
    starter: _Part | None = None
    marks: list[_Part] = []
    for part in parts:
        blocked = bool(marks) and marks[-1].order >= part.order
        joined = _join(starter, part, unknown) if starter and not blocked else None
        if joined:
            starter = joined
        elif part.order:
            marks.append(part)
        else:
            yield from _flat(starter, marks)
            starter, marks = part, []
    yield from _flat(starter, marks)


def _flat(starter: _Part | None, marks: list[_Part]) -> list[_Part]:
    return [starter, *marks] if starter else marks


def _join(first: _Part, second: _Part, unknown: Container[str]) -> _Part | None:
    composed = None if second.character in unknown else _pair(first.character, second.character)
    return _Part(composed, 0, first.growth + second.growth - 1) if composed else None


@lru_cache(4096)
def _pair(first: str, second: str) -> str | None:
    composed = unicodedata.normalize("NFC", first + second)
    return composed if len(composed) == 1 else None
