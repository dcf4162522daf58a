"""Finds a query's words in a passage, and cuts a snippet for a list of results."""

import html
from collections.abc import Collection, Sequence

import regex

from index.markdown import Line, Passage
from index.normalising import normalise
from index.words import spans

_SNIPPET = 160
# Of these characters at either end of a snippet, those that belong to a word cut in two are left
# out; so many stand before the first word found in a long line.
_LEAD = 30
_CLUSTER = regex.compile(r"\X")
_MARKS = regex.compile(r"\p{M}+")
_BOLD = regex.compile(r"\*\*(.+?)\*\*")
# What would turn the text around it is left out with the white space.
_SPACE = regex.compile(r"[\s\p{Cc}\p{Bidi_Control}]+")


def marked(text: str, words: Collection[str]) -> list[tuple[int, int]]:
    """Return the (start, end) places of the words in a text as written, sorted and disjoint."""
    read, places = _read_as(text)
    found: list[tuple[int, int]] = []
    for span in spans(read):
        if any(word in words for word in span.words):
            start = places[span.start]
            end = places[span.end]
            # A mark that joins no letter stands behind the word it belongs to.
            if marks := _MARKS.match(text, end):
                end = marks.end()
            if found and start <= found[-1][1]:
                start = found.pop()[0]
            found.append((start, end))
    return found


def _read_as(text: str) -> tuple[str, Sequence[int]]:
    """Return the normalised text, and the place in `text` of each of its characters and its end."""
    read = normalise(text)
    if read == text:
        return text, range(len(text) + 1)
    parts, places = [], []
    for cluster in _CLUSTER.finditer(text):
        part = normalise(cluster[0])
        parts.append(part)
        places += [min(cluster.start() + at, cluster.end()) for at in range(len(part))]
    return "".join(parts), [*places, len(text)]


def snippet(passage: Passage, line: int, words: Collection[str]) -> str:
    """Return about 160 characters around a line as HTML; text of the notes is escaped in it.

    The words found are in `<mark>` elements.
    """
    lines = [_SPACE.sub(" ", _plain(each)).strip() for each in passage.lines]
    text = " ".join(lines)
    begin = sum(len(each) + 1 for each in lines[:line])
    if len(lines[line]) > _SNIPPET:
        # Of a long line it shows what is around the first word found.
        first = next((at for at, _ in marked(lines[line], words)), 0)
        begin += max(0, min(first - _LEAD, len(lines[line]) - _SNIPPET))
    start, end = _window(text, begin)
    shown = text[start:end]
    parts = ["…" if start else ""]
    position = 0
    for at, until in marked(shown, words):
        parts.append(html.escape(shown[position:at]))
        parts.append(f"<mark>{html.escape(shown[at:until])}</mark>")
        position = until
    parts += [html.escape(shown[position:]), "…" if end < len(text) else ""]
    return "".join(parts)


def _plain(line: Line) -> str:
    # Beside Hangul, CommonMark leaves some stars where authors meant bold.
    return line.shown if line.kind == "code" else _BOLD.sub(r"\1", line.shown)


def _window(text: str, begin: int) -> tuple[int, int]:
    """Return the start and end of the snippet in a text: from `begin` on, or earlier near the end.

    The text is cut between words, or inside a word that is too long, but never inside a character
    as people see it (a grapheme cluster).
    """
    begin = max(0, min(begin, len(text) - _SNIPPET))
    end = begin + _SNIPPET
    edges = [cluster.start() for cluster in _CLUSTER.finditer(text)]
    starts = [at for at in edges if begin <= at < begin + _LEAD]
    ends = [at for at in edges if end - _LEAD < at <= end]
    spaced = (at for at in starts if not at or text[at - 1] == " ")
    start = next(spaced, starts[0] if starts else begin)
    if end >= len(text):
        return start, len(text)
    spaced = (at for at in reversed(ends) if text[at] == " ")
    return start, next(spaced, ends[-1] if ends else end)
