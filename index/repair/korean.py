"""The fitness of a reading in its line, from mecab-ko's costs and from the shapes of Korean words.

The costs of mecab-ko say which words exist and which words follow each other. They do not describe
the structure of a word between two blanks; the table of shapes does, which
`benchmarks/train_shapes.py` learns.
"""

import json
import math
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from importlib import resources
from itertools import pairwise
from threading import local

import mecab_ko
import regex

from index.repair.word_readings import WordReading

# mecab-ko's costs are logarithms, made whole numbers by this factor.
_COST = 800.0
_WORDS = 0.65
_SHAPES = 0.8
# mecab-ko counts conjunctions among the rarest words, and notes are full of this one.
_FAVOURED = {"또는": 3.0}
_START, _END = "^", "$"

_FOREIGN = frozenset(("SL", "SH", "UNKNOWN"))
# Marks, and where links lead: what is read around them is one sentence.
_MARKS = regex.compile(r"\]\([^)\s]*\)?|[`*_~\[\]]")
_STEMS = ("N", "V", "X", "M")
_LEFT, _RIGHT, _AROUND = 12, 10, 60


def spoken(text: str) -> str:
    """Return a piece of a line without the marks of Markdown and the targets of links."""
    return _MARKS.sub("", text)


def around(before: str, after: str) -> tuple[str, str]:
    """Return the near context of a word, to the left and to the right, without Markdown."""
    return spoken(before[-_AROUND:])[-_LEFT:], spoken(after[:_AROUND])[:_RIGHT]


def fitness(reading: WordReading, left: str, right: str) -> float:
    """Return the score of a reading between its neighbours, a logarithm of its likelihood."""
    cost, shape = _fitted(left, reading.text, right)
    liked = _FAVOURED.get(reading.text, 0.0)
    return reading.score - _WORDS * cost + _SHAPES * shape + liked


@lru_cache(maxsize=1 << 15)
def stems(text: str) -> tuple[str, ...]:
    """Return the words of two or more syllables in a text, without particles and endings."""
    _, found = _parsed(text)
    return tuple(word for word, tag, _, _ in found if len(word) > 1 and tag.startswith(_STEMS))


@lru_cache(maxsize=1 << 16)
def _fitted(left: str, text: str, right: str) -> tuple[float, float]:
    cost, found = _parsed(left + text + right)
    start = len(left.encode())
    end = start + len(text.encode())
    words = (word for word, first, last in _words(found) if first < end and start < last)
    return cost, sum(map(_likelihood, words))


_Found = Sequence[tuple[str, str, int, int]]


def _parsed(text: str) -> tuple[float, _Found]:
    """Return the cost of the best parse, and its morphemes with tag, start and end in bytes."""
    *lines, cost = _tagger().parse(text).split("\n")
    found = []
    for line in lines:
        tag, first, last, word = line.split("\t", 3)
        found.append((word, tag, int(first), int(last)))
    return float(cost or 0) / _COST, found


def _words(found: _Found) -> Iterator[tuple[_Found, int, int]]:
    """Yield the morphemes of each word between two blanks, with its start and end in bytes."""
    start = 0
    for number in range(1, len(found) + 1):
        if number == len(found) or found[number][2] > found[number - 1][3]:
            yield found[start:number], found[start][2], found[number - 1][3]
            start = number


@lru_cache(maxsize=1 << 12)
def _kinds(tag: str, alone: bool) -> tuple[str, ...]:
    """Return the kinds of a morpheme: several if it is fused, such as `VV+EF`.

    alone: whether the morpheme has one syllable.
    """
    if tag.endswith("?") and tag[0] != "S":
        return ("?",)
    return tuple(_kind(part, alone) for part in tag.rstrip("?").split("+"))


def _kind(tag: str, alone: bool) -> str:
    if tag == "NNP":
        return "p" if alone else "P"
    if tag == "NNG":
        return "n" if alone else "N"
    if tag[0] == "J":
        return "J"
    if tag in _FOREIGN:
        return "SL"
    return "SY" if tag[0] == "S" and tag != "SN" else tag


def shapes(text: str) -> Iterator[list[str]]:
    """Yield the shape of each Korean word of a clean text: `^`, its kinds of morphemes, `$`."""
    data = text.encode()
    for word, first, last in _words(_parsed(text)[1]):
        if regex.search("[가-힣]", data[first:last].decode()):
            yield _shape(word)


def _shape(word: _Found) -> list[str]:
    kinds = (kind for text, tag, _, _ in word for kind in _kinds(tag, len(text) == 1))
    return [_START, *kinds, _END]


def _likelihood(word: _Found) -> float:
    table = _shape_table()
    total = 0.0
    for before, after in pairwise(_shape(word)):
        row = table.get(before, {})
        total += row.get(after, row.get("", -math.log(len(table) + 1)))
    return total


@cache
def _shape_table() -> dict[str, dict[str, float]]:
    """Return the log probability that a kind follows another one; "" stands for all other kinds."""
    text = resources.files("index.data").joinpath("shapes.json").read_text("utf-8")
    table: dict[str, dict[str, float]] = json.loads(text)
    return table


# A tagger holds state while it works: one for every thread.
_own = local()


def _tagger() -> mecab_ko.Tagger:
    if not hasattr(_own, "tagger"):
        node = r"%f[0]\\t%ps\\t%pe\\t%m\\n"
        unknown = node.replace("%f[0]", "%f[0]?")
        _own.tagger = mecab_ko.Tagger(f"-F{node} -U{unknown} -E%pc")
    return _own.tagger
