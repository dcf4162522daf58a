"""The words in HTML between Markdown."""

import html
from collections.abc import Iterator
from itertools import pairwise

import nh3
import regex

from index.markdown.dialects import tag_words
from index.markdown.runs import BESIDE, BREAK, height, longest

_LONGEST = 600
_COMMENT = regex.compile(r"<!--.*?(?:-->|\Z)", regex.DOTALL)
_CUT = regex.compile(
    r"(?=<(?:p|div|li|tr|summary|details|section|article|h[1-6]|dt|dd|blockquote|pre|br)\b)"
    r"|(?<=</summary>)|(?<=</h[1-6]>)|\n[ \t]*\n",
    regex.IGNORECASE,
)
TAG = regex.compile(r"<(?P<name>/?[A-Za-z][\w:-]*+)(?:\"[^\"]*+\"|'[^']*+'|[^\"'<>])*+>")
# The tags that stand between words.
_NAMES = (
    r"(?:address|article|aside|blockquote|br|caption|center|d[dlt]|details|div|fig(?:ure|caption)"
    r"|footer|form|h[1-6r]|header|li|main|nav|[ou]l|p|pre|section|summary|t(?:able|body|[dhr]|foot|head))"
)
APART = regex.compile(rf"</?{_NAMES}\b[^<>]*+>", regex.IGNORECASE)
_APART = regex.compile(rf"(?=</?{_NAMES}\b)", regex.IGNORECASE)
_HEIGHT = regex.compile(
    r"<(?P<tag>su[bp])\b[^<>]*+>(?P<text>[^<>]*+)</(?P=tag)\s*>", regex.IGNORECASE
)
_BESIDE = regex.compile(r"(?=</?(?:su[bp]|img)\b)", regex.IGNORECASE)


def text(source: str) -> str:
    """Return the visible words of HTML, in one line."""
    raised = _HEIGHT.sub(_raised, source)
    return " ".join(_shown(_APART.sub(" ", raised)).split())


def findable(source: str) -> str:
    """Return the longest run of words in HTML that a browser can find on the page."""
    return longest(_shown(_BESIDE.sub(BESIDE, _APART.sub(BREAK, source))))


def unseen(source: str) -> str:
    """Return the invisible text in tags: the alternative text of a picture, a component's title."""
    return tag_words.tags(_COMMENT.sub("", source))


def _shown(source: str) -> str:
    return html.unescape(nh3.clean(source, tags=set()))


def _raised(match: regex.Match[str]) -> str:
    base = match.string[match.start() - 1] if match.start() else ""
    return html.escape("".join(height(match["tag"].lower(), html.unescape(match["text"]), base)))


def pieces(source: str) -> Iterator[tuple[int, int]]:
    """Yield [start, end) of the pieces of HTML: all of it if it is short, else rows, items, ..."""
    if len(text(source)) <= _LONGEST:
        yield 0, len(source)
        return
    bare = _COMMENT.sub(lambda match: " " * len(match[0]), source)
    edges = sorted({0, len(source), *(match.start() for match in _CUT.finditer(bare))})
    yield from pairwise(edges)
