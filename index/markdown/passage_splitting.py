"""Sections to passages, the units that are embedded and returned."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from index.markdown.commonmark import WORD
from index.markdown.dialects import slug
from index.markdown.notes import Block, Document, Line, Passage, Section

Count = Callable[[Sequence[str]], list[int]]


def passages(document: Document, number: int, limit: int, count: Count) -> Iterator[Passage]:
    """Yield the passages of a document in order; number: that of the document in its index.

    A section whose own blocks have at most `limit` tokens is one passage. A longer section is split
    into runs of blocks, and a block that is too long by itself into runs of lines. count: a
    function that returns the number of tokens of each text.
    """
    for position, section in enumerate(document.sections):
        pieces = list(_pieces(section, document.source, limit, count))
        for run in _packed(pieces, limit):
            start, end = run[0].start, run[-1].end
            lines = tuple(line for piece in run for line in piece.lines)
            yield Passage(number, position, start, end, run[0].head, lines)


def embedded_text(document: Document, passage: Passage) -> str:
    """Return the plain text to embed for a passage: its heading path, then its lines."""
    lines = "\n".join(line.plain for line in passage.lines)
    return f"{heading_path(document, passage)}\n{lines}"


def heading_path(document: Document, passage: Passage) -> str:
    """Return the document's title and the headings above a passage, joined by ` > `.

    Words of the last heading's id that are not in its title follow in brackets, because an id is
    often the name in another language: `설치 (install)`.
    """
    section = document.sections[passage.section]
    # A break in a heading separates words for readers, and none in its anchor.
    known = slug(section.title).replace("-", "")
    own = [word for word in section.anchor.split("-") if word not in known and word.isalpha()]
    return " > ".join(section.path) + (f" ({' '.join(own)})" if own else "")


@dataclass(frozen=True)
class _Piece:
    """Consecutive lines of one block that are not cut further."""

    start: int
    end: int
    head: str
    lines: tuple[Line, ...]
    size: int


def _pieces(section: Section, source: str, limit: int, count: Count) -> Iterator[_Piece]:
    sizes = iter(count([line.plain for block in section.blocks for line in block.lines]))
    for block in section.blocks:
        line_sizes = [next(sizes) for _ in block.lines]
        if sum(line_sizes) <= limit:
            yield _Piece(block.start, block.end, "", block.lines, sum(line_sizes))
        else:
            yield from _cut(block, source, line_sizes, limit)


def _cut(block: Block, source: str, sizes: Sequence[int], limit: int) -> Iterator[_Piece]:
    head = source[slice(*block.head)]
    starts = [0]
    size = 0
    for number, line_size in enumerate(sizes):
        inside_code = block.kind != "code" and block.lines[number].kind == "code"
        if size and size + line_size > limit and not inside_code:
            starts.append(number)
            size = 0
        size += line_size
    for first, after in pairwise([*starts, len(block.lines)]):
        start = _piece_start(source, block, first) if first else block.start
        last = block.lines[after - 1]
        end = block.end if after == len(block.lines) else last.end
        piece_head = head if first else ""
        yield _Piece(start, end, piece_head, block.lines[first:after], sum(sizes[first:after]))


def _piece_start(source: str, block: Block, first: int) -> int:
    line, before = block.lines[first], block.lines[first - 1]
    start = _line_start(source, block, line)
    if block.kind != "table" and line.kind == "row" and WORD.search(source, before.end, start):
        # The head of a table in a list or quote stands above its first row.
        return (
            before.end + len(source[before.end : start]) - len(source[before.end : start].lstrip())
        )
    return start


def _line_start(source: str, block: Block, line: Line) -> int:
    """Return the start of a line's marker (`- `, `> `), or of its text if it has no marker."""
    begin = max(source.rfind("\n", 0, line.start) + 1, block.start)
    before = source[begin : line.start].strip()
    return begin if len(before) <= 3 else line.start


def _packed(pieces: Sequence[_Piece], limit: int) -> Iterator[list[_Piece]]:
    run: list[_Piece] = []
    for piece in pieces:
        if run and (sum(p.size for p in run) + piece.size > limit or piece.head):
            yield run
            run = []
        run.append(piece)
    if run:
        yield run
