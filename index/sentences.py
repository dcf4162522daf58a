"""Sentences of Markdown text, by their offsets."""

from collections.abc import Iterator

import regex

_LONGEST = 600

# Code spans, link targets and bracketed asides are never cut.
_PROTECTED = regex.compile(
    r"\{[{%](?:(?!\{[{%])[^\n])*?[%}]\}|`+[^`]*`+|\]\([^)\n]*\)|\([^()\n]*\)|\[[^\[\]\n]*\]"
)
_END = regex.compile(r"[.!?。！？…][\"'”’」』)\]*_~]*(?:\s+|(?<=[。！？])|$)")
_ABBREVIATION = regex.compile(
    r"(?:^|[\s(])(?:e\.g|i\.e|vs|cf|etc|no|approx|mr|mrs|dr|\p{L}|\d+)\.\s*$", regex.IGNORECASE
)


def sentences(text: str) -> list[tuple[int, int]]:
    """Return [start, end) of each sentence, white space around it left out.

    Korean and English end sentences alike; a text without an end mark is one sentence. One that is
    longer than any reader's breath is cut at a space, or where there is none, anywhere.
    """
    protected = [match.span() for match in _PROTECTED.finditer(text)]
    spans = []
    start = 0
    for match in _END.finditer(text):
        inside = any(begin <= match.start() < end for begin, end in protected)
        if not inside and not _ABBREVIATION.search(text, start, match.end()):
            spans.append((start, match.end()))
            start = match.end()
    spans.append((start, len(text)))
    pieces = (piece for span in spans for piece in _cut(text, *span))
    return [trimmed for piece in pieces if (trimmed := _trim(text, *piece))[0] < trimmed[1]]


def _cut(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    while end - start > _LONGEST:
        space = text.rfind(" ", start + _LONGEST // 2, start + _LONGEST)
        middle = space if space > 0 else start + _LONGEST
        yield start, middle
        start = middle
    yield start, end


def _trim(text: str, start: int, end: int) -> tuple[int, int]:
    piece = text[start:end]
    return start + len(piece) - len(piece.lstrip()), start + len(piece.rstrip())
