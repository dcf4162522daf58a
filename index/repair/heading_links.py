"""Damaged headings and the links to them: each helps to choose the reading of the other."""

import math
from collections.abc import Iterator, Sequence

import regex

from index.markdown.dialects import slug
from index.repair import korean
from index.repair.damaged_lines import DamagedLine, Word

_HEADING = regex.compile(r"[ \t>]*#{1,6}[ \t]+")
_FRAGMENT = regex.compile(r"\]\([^()\s#]*#([^()\n]*)\)")
_COUNTED = regex.compile(r"-\d+$")
_BETWEEN = regex.compile(r"[-\s]")
_CHOICES = 4
_KEPT = 64

# How likely, the reading chosen of each word, and the text.
_Candidate = tuple[float, tuple[int, ...], str]


def agree(lines: Sequence[DamagedLine]) -> None:
    """Choose the likeliest reading on which a link and its heading agree.

    A link belongs to a heading if their damaged texts are equal without blanks and hyphens.
    """
    headings: dict[str, DamagedLine] = {}
    for line in lines:
        if _HEADING.match(line.inner):
            headings.setdefault(_key(slug(_title(line.text())), line), line)
    for line in lines:
        for words, fragment in _fragments(line):
            heading = headings.get(_key(_COUNTED.sub("", fragment), line))
            if heading and words and heading.words:
                _settle(heading, line, words)


def _settle(heading: DamagedLine, line: DamagedLine, words: Sequence[Word]) -> None:
    by_slug: dict[str, _Candidate] = {}
    for candidate in _candidates(heading, heading.words):
        by_slug.setdefault(slug(_title(candidate[2])), candidate)
    link = line.inner.count("](", 0, words[0].start)
    pairs = [
        (found[0] + candidate[0], found[1], candidate[1])
        for candidate in _candidates(line, words)
        if (found := by_slug.get(_fragment(candidate[2], link)))
    ]
    if not pairs:
        return
    best = max(pairs)
    sure = 1 / sum(math.exp(pair[0] - best[0]) for pair in pairs)
    for chosen, own in ((best[1], heading.words), (best[2], words)):
        for choice, word in zip(chosen, own, strict=True):
            word.chosen = choice
            word.agreed = max(sure, word.likely[choice])


def _candidates(line: DamagedLine, words: Sequence[Word]) -> list[_Candidate]:
    """Return the likeliest readings of a line, best first; only the given words vary."""
    found: list[tuple[float, tuple[int, ...]]] = [(0.0, ())]
    for word in words:
        order = sorted(range(len(word.readings)), key=lambda n: -word.likely[n])[:_CHOICES]
        found = [
            (score + math.log(max(word.likely[n], 1e-12)), (*chosen, n))
            for score, chosen in found
            for n in order
        ]
        found = sorted(found, reverse=True)[:_KEPT]
    return [(score, chosen, line.text_with(words, chosen)) for score, chosen in found]


def _fragments(line: DamagedLine) -> Iterator[tuple[list[Word], str]]:
    """Yield the damaged words in each link fragment of a line, and the repaired fragment."""
    if "#" not in line.inner:
        return
    for match in _FRAGMENT.finditer(line.inner):
        start, end = match.span(1)
        words = [word for word in line.words if start <= word.start and word.end <= end]
        yield words, line.between(start, end)


def _fragment(text: str, number: int) -> str:
    """Return the fragment of the link with this number, counted from 1, in a line."""
    link = text.split("](")[number]
    return _COUNTED.sub("", link.partition("#")[2].partition(")")[0])


def _title(line: str) -> str:
    return korean.spoken(_HEADING.sub("", line, count=1))


def _key(text: str, line: DamagedLine) -> str:
    """Return the damaged form of a repaired text, without blanks and hyphens."""
    data = bytes(code for code in text.encode() if code not in line.page.lost and code != 0xA0)
    return _BETWEEN.sub("", line.page.read(data))
