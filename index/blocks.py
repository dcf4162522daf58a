"""Top-level blocks of Markdown to lines: sentences, list items, rows, lines of code."""

import html
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import nh3
from markdown_it.token import Token

from index.markdown import WORD, closing, is_navigation, parser, plain
from index.notes import Block, BlockKind, Line
from index.sentences import sentences

_LONG_ITEM = 200
_BLOCK_KINDS: dict[str, BlockKind] = {
    "bullet_list_open": "list",
    "ordered_list_open": "list",
    "blockquote_open": "quote",
    "table_open": "table",
    "fence": "code",
    "code_block": "code",
    "html_block": "html",
}


@dataclass(frozen=True)
class Group:
    """The tokens of one top-level block, and the source lines [first, after) they cover."""

    tokens: Sequence[Token]
    first: int
    after: int


class BlockReader:
    """The blocks and lines of one source, with their offsets."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.markdown = parser()
        self.line_starts = [0]
        for text in source.split("\n")[:-1]:
            self.line_starts.append(self.line_starts[-1] + len(text) + 1)
        self.line_count = len(self.line_starts) - source.endswith("\n")

    def offset(self, line: int) -> int:
        """Return where a source line starts; past the last one, the end."""
        return self.line_starts[line] if line < len(self.line_starts) else len(self.source)

    def blocks(self, groups: Sequence[Group]) -> tuple[Block, ...]:
        """Return the blocks that are searched: navigation and those without words are not."""
        found = (self._block(group) for group in groups if not is_navigation(group.tokens))
        return tuple(block for block in found if block.lines)

    def _block(self, group: Group) -> Block:
        kind = _BLOCK_KINDS.get(group.tokens[0].type, "paragraph")
        start, end = self._trimmed(self.offset(group.first), self.offset(group.after))
        if kind == "table":
            head = (self.offset(group.first), self.offset(group.first + 2))
            return Block(kind, start, end, tuple(self._rows(group.tokens)), head)
        fenced = group.tokens[0].type == "fence"
        head = (self.offset(group.first), self.offset(group.first + 1)) if fenced else (0, 0)
        lines = (line for line in self._lines(group.tokens) if line.plain.strip())
        return Block(kind, start, end, tuple(lines), head)

    def _lines(self, tokens: Sequence[Token]) -> Iterator[Line]:
        rows: list[Token] = []
        for position, token in enumerate(tokens):
            if token.type == "table_open":
                rows = list(tokens[position : closing(tokens, position) + 1])
                yield from self._rows(rows)
            elif token in rows:
                continue
            elif token.type == "inline":
                item = position > 1 and tokens[position - 2].type == "list_item_open"
                yield from self._sentences(token, item)
            elif token.type in ("fence", "code_block"):
                yield from self._code(token)
            elif token.type == "html_block":
                yield from self._html(token)

    def _sentences(self, inline: Token, item: bool) -> Iterator[Line]:
        first, after = inline.map or (0, 0)
        content = inline.content
        whole = item and len(content) <= _LONG_ITEM
        for start, end in [(0, len(content))] if whole else sentences(content):
            text = content[start:end]
            begin = self._locate(inline, start)
            finish = self._locate(inline, end - 1)
            if begin is None or finish is None:
                span = self._trimmed(self.offset(first), self.offset(after))
            else:
                span = (begin, finish + 1)
            words = plain(self.markdown.parseInline(text)[0].children).strip()
            yield Line(*span, words, words, "item" if whole else "sentence")

    def _locate(self, inline: Token, position: int) -> int | None:
        """Return where a character of an inline token's content stands in the source."""
        content = inline.content
        row = content.count("\n", 0, position)
        column = position - (content.rfind("\n", 0, position) + 1)
        text = content.split("\n")[row]
        number = (inline.map or [0])[0] + row
        found = self.source.find(text, self.offset(number), self.offset(number + 1))
        return None if found < 0 else found + column

    def _code(self, token: Token) -> Iterator[Line]:
        first, after = token.map or (0, 0)
        # A fence's own lines hold no code; an indented block has none.
        first += token.type == "fence"
        for number, text in enumerate(token.content.split("\n")[: after - first]):
            code = text.strip()
            begin = self.source.find(code, self.offset(first + number)) if code else -1
            if 0 <= begin <= self.offset(first + number + 1) - len(code):
                yield Line(begin, begin + len(code), code, code, "code")

    def _html(self, token: Token) -> Iterator[Line]:
        first, after = token.map or (0, 0)
        text = html.unescape(nh3.clean(token.content, tags=set()))
        if WORD.search(text):
            span = self._trimmed(self.offset(first), self.offset(after))
            words = " ".join(text.split())
            yield Line(*span, words, words, "sentence")

    def _rows(self, tokens: Sequence[Token]) -> Iterator[Line]:
        columns: list[str] = []
        cells: list[str] = []
        for position, token in enumerate(tokens):
            if token.type == "inline" and tokens[position - 1].type == "th_open":
                columns.append(plain(token.children))
            elif token.type == "inline" and tokens[position - 1].type == "td_open":
                cells.append(plain(token.children))
            elif token.type == "tr_close" and cells:
                line = next(t.map for t in reversed(tokens[:position]) if t.map)
                start, end = self._trimmed(self.offset(line[0]), self.offset(line[0] + 1))
                if any(WORD.search(cell) for cell in cells):
                    yield Line(start, end, _row_text(columns, cells), max(cells, key=len), "row")
                cells = []

    def _trimmed(self, start: int, end: int) -> tuple[int, int]:
        text = self.source[start:end]
        return start + len(text) - len(text.lstrip()), start + len(text.rstrip())


def _row_text(columns: Sequence[str], cells: Sequence[str]) -> str:
    """Return a row as it would be read aloud: what it is about, then each column's value."""
    rest = (
        f"{name}: {cell}" if name else cell
        for name, cell in zip(columns[1:], cells[1:], strict=False)
        if cell
    )
    return " / ".join([cells[0], *rest])
