"""The words of HTML between Markdown."""

import html
from collections.abc import Iterator
from itertools import pairwise

import nh3
import regex

from index.dialects import spoken

_LONGEST = 600
_COMMENT = regex.compile(r"<!--.*?(?:-->|\Z)", regex.DOTALL)
_BREAK = regex.compile(
    r"(?=<(?:p|div|li|tr|summary|details|section|article|h[1-6]|dt|dd|blockquote|pre|br)\b)"
    r"|(?<=</summary>)|(?<=</h[1-6]>)|\n[ \t]*\n",
    regex.IGNORECASE,
)


_APART = regex.compile(
    r"(?=</?(?:p|div|li|t[dhr]|summary|details|section|h[1-6]|dt|dd|blockquote|pre|br|hr)\b)",
    regex.IGNORECASE,
)


def text(source: str) -> str:
    """Return the words that HTML shows, in one line."""
    shown = html.unescape(nh3.clean(_APART.sub(" ", source), tags=set()))
    return " ".join((spoken.tags(_COMMENT.sub("", source)) + " " + shown).split())


def pieces(source: str) -> Iterator[tuple[int, int]]:
    """Yield [start, end) of what is read in one go: all of it, or its rows, items, paragraphs."""
    if len(text(source)) <= _LONGEST:
        yield 0, len(source)
        return
    bare = _COMMENT.sub(lambda match: " " * len(match[0]), source)
    edges = sorted({0, len(source), *(match.start() for match in _BREAK.finditer(bare))})
    yield from pairwise(edges)
