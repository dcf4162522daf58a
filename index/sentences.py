"""Sentences of Markdown text, by their offsets."""

import regex

# Code spans, link targets and bracketed asides are never cut.
_PROTECTED = regex.compile(r"`+[^`]*`+|\]\([^)\n]*\)|\([^()\n]*\)|\[[^\[\]\n]*\]")
_END = regex.compile(r"[.!?。！？…][\"'”’」』)\]*_~]*(?:\s+|(?<=[。！？])|$)")
_ABBREVIATION = regex.compile(
    r"(?:^|[\s(])(?:e\.g|i\.e|vs|cf|etc|no|approx|mr|mrs|dr|\p{L}|\d+)\.\s*$", regex.IGNORECASE
)


def sentences(text: str) -> list[tuple[int, int]]:
    """Return [start, end) of each sentence, white space around it left out.

    Korean and English end sentences alike; a text without an end mark is one sentence.
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
    return [trimmed for span in spans if (trimmed := _trim(text, *span))[0] < trimmed[1]]


def _trim(text: str, start: int, end: int) -> tuple[int, int]:
    piece = text[start:end]
    return start + len(piece) - len(piece.lstrip()), start + len(piece.rstrip())
