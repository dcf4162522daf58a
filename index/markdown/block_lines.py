"""Top-level blocks of Markdown to lines: sentences, list items, rows, lines of code."""

import sys
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import regex
from markdown_it.token import Token
from markdown_it.utils import EnvType

from index.markdown import html_words
from index.markdown.commonmark import (
    WORD,
    closing,
    findable,
    inline_tokens,
    is_navigation,
    named,
    parser,
    plain,
)
from index.markdown.dialects import BLOCK_ID
from index.markdown.notes import Block, BlockKind, Line, LineKind
from index.markdown.pairs import paired
from index.markdown.sentences import sentences

_LONG_ITEM = 200
_BLOCK_KINDS: dict[str, BlockKind] = {
    "bullet_list_open": "list",
    "ordered_list_open": "list",
    "blockquote_open": "quote",
    "table_open": "table",
    "fence": "code",
    "code_block": "code",
    "html_block": "html",
    "admonition_open": "quote",
    "tab_open": "quote",
    "dl_open": "list",
}
_CALLOUT = regex.compile(r"\[![\p{L}][\w-]*\][+-]?[^\n]*(?:\n|$)")
_BREAKS = regex.compile(
    rf"(?P<ticks>`++).*?(?<!`)(?P=ticks)(?!`)|(?P<tag>(?:{html_words.APART.pattern})+)",
    regex.DOTALL | regex.IGNORECASE,
)
_CODE_TITLE = regex.compile(r"""\b(?:title|filename|caption)\s*=\s*(?:"([^"]+)"|'([^']+)')""")


@dataclass(frozen=True)
class Group:
    """The tokens of one top-level block, and the source lines [first, after) they cover."""

    tokens: Sequence[Token]
    first: int
    after: int


class BlockReader:
    """The blocks and lines of one source, with their offsets."""

    def __init__(self, source: str, env: EnvType | None = None) -> None:
        """env: the definitions of links and footnotes that the parser found in the source."""
        self.source = source
        self.markdown = parser()
        self.env = env if env is not None else {}
        self.line_starts = [0]
        for text in source.split("\n")[:-1]:
            self.line_starts.append(self.line_starts[-1] + len(text) + 1)
        self.line_count = len(self.line_starts) - source.endswith("\n")

    def offset(self, line: int) -> int:
        """Return the offset of a source line; for a line after the last one, that of the end."""
        return self.line_starts[line] if line < len(self.line_starts) else len(self.source)

    def blocks(self, groups: Sequence[Group]) -> tuple[Block, ...]:
        """Return the blocks to search, without navigation and blocks that have no words.

        Text that no page shows, such as the alternative text of a picture, cannot be an answer; it
        is added to the nearest visible line, so that a search finds it there.
        """
        found = [self._block(group) for group in groups if not is_navigation(group.tokens)]
        return tuple(block for block in _seen(found) if block.lines)

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
        done = 0
        for position, token in enumerate(tokens):
            if position < done:
                continue
            if token.type == "table_open":
                done = closing(tokens, position) + 1
                yield from self._rows(tokens[position:done])
            elif token.type == "inline" and not token.meta.get("label"):
                item = position > 1 and tokens[position - 2].type == "list_item_open"
                yield from self._sentences(token, item)
            elif token.type in ("fence", "code_block"):
                yield from self._code(token)
            elif token.type == "html_block":
                yield from self._html(token)

    def _sentences(self, inline: Token, item: bool) -> Iterator[Line]:
        content = inline.content
        whole = item and len(content) <= _LONG_ITEM
        places = self._places(inline)
        cuts = _cut(content, whole)
        for (start, end), text in zip(cuts, paired(content, cuts), strict=True):
            begin, finish = _located(places, start), _located(places, end - 1)
            if begin is None or finish is None:
                first, after = inline.map or (0, 0)
                span = self._trimmed(self.offset(first), self.offset(after))
            else:
                span = (begin, finish + 1)
            tokens = self._tokens(inline, text)
            names, words = plain(tokens), findable(tokens)
            # Of pictures alone a page shows no word.
            shown = names if _shows_words(tokens) else ""
            names = f"{'' if shown else names} {named(tokens)}".strip()
            yield _line(span, shown, names, words, "item" if whole else "sentence")

    def _tokens(self, inline: Token, text: str) -> Sequence[Token]:
        if inline.children and text == inline.content:
            return inline.children
        return inline_tokens(self.markdown, text, self.env)

    def _places(self, inline: Token) -> list[tuple[int, int]]:
        """Return the start of each row of a token, in its content and in the source.

        The start in the source is -1 if the row does not occur there literally.
        """
        places, start = [], 0
        first = (inline.map or [0])[0]
        for number, text in enumerate(inline.content.split("\n"), first):
            found = self.source.find(text, self.offset(number), self.offset(number + 1))
            places.append((start, found))
            start += len(text) + 1
        return places

    def _code(self, token: Token) -> Iterator[Line]:
        first, after = token.map or (0, 0)
        if title := _CODE_TITLE.search(token.info):
            words = title[1] or title[2]
            yield Line(*self._inside(words, first), words, words, "code")
        # A fence's own lines hold no code; an indented block has none.
        first += token.type == "fence"
        for number, text in enumerate(token.content.split("\n")[: max(after - first, 1)]):
            if code := text.strip():
                yield Line(*self._inside(code, first + number), code, code, "code")

    def _inside(self, words: str, line: int) -> tuple[int, int]:
        """Return [start, end) of words in a source line; if they are not there, of the line."""
        begin = self.source.find(words, self.offset(line), self.offset(line + 1))
        if begin < 0:
            return self._trimmed(self.offset(line), self.offset(line + 1))
        return begin, begin + len(words)

    def _html(self, token: Token) -> Iterator[Line]:
        first, after = token.map or (0, 0)
        start = self.offset(first)
        here = self.source.startswith(token.content.rstrip("\n"), start)
        for begin, end in html_words.pieces(token.content) if here else [(0, len(token.content))]:
            source = token.content[begin:end]
            shown, names = html_words.text(source), html_words.unseen(source)
            if WORD.search(shown + names):
                span = (start + begin, start + end) if here else (start, self.offset(after))
                yield _line(
                    self._trimmed(*span), shown, names, html_words.findable(source), "sentence"
                )

    def _rows(self, tokens: Sequence[Token]) -> Iterator[Line]:
        columns: list[str] = []
        cells: list[str] = []
        runs: list[str] = []
        rows = 0
        for position, token in enumerate(tokens):
            if token.type == "inline" and tokens[position - 1].type == "th_open":
                columns.append(_said(token.children))
            elif token.type == "inline" and tokens[position - 1].type == "td_open":
                cells.append(_said(token.children))
                runs.append(findable(token.children or ()))
            elif token.type == "tr_close" and cells:
                line = next(t.map for t in reversed(tokens[:position]) if t.map)
                start, end = self._trimmed(self.offset(line[0]), self.offset(line[0] + 1))
                if any(WORD.search(cell) for cell in cells):
                    yield Line(start, end, _row_text(columns, cells), max(runs, key=len), "row")
                cells, runs = [], []
                rows += 1
        if columns and not rows:
            first = (tokens[0].map or [0])[0]
            span = self._trimmed(self.offset(first), self.offset(first + 1))
            yield Line(*span, " / ".join(columns), max(columns, key=len), "row")

    def _trimmed(self, start: int, end: int) -> tuple[int, int]:
        text = self.source[start:end]
        return start + len(text) - len(text.lstrip()), start + len(text.rstrip())


def _line(span: tuple[int, int], shown: str, names: str, words: str, kind: LineKind) -> Line:
    return _with(Line(*span, " ".join(shown.split()), words, kind), names)


def _with(line: Line, names: str) -> Line:
    """Return the line with names after its text that can be found but are not shown."""
    if not names:
        return line
    text = f"{line.plain} {names}".strip()
    return replace(line, plain=text, unseen=line.unseen + len(text) - len(line.plain))


def _seen(blocks: Sequence[Block]) -> Iterator[Block]:
    """Yield the blocks without invisible lines, whose text moves to the nearest visible line."""
    lines = [line for block in blocks for line in block.lines]
    beside = next((line for line in reversed(lines) if line.shown), None)
    if beside is None or all(line.shown for line in lines):
        yield from blocks
        return
    given: dict[int, list[str]] = {}
    for line in reversed(lines):
        if line.shown:
            beside = line
        else:
            given.setdefault(id(beside), []).insert(0, line.plain)
    for block in blocks:
        kept = (line for line in block.lines if line.shown)
        named = (_with(line, " ".join(given.get(id(line), ()))) for line in kept)
        yield replace(block, lines=tuple(named))


def _shows_words(tokens: Sequence[Token]) -> bool:
    if not any(token.type == "image" for token in tokens):
        return True
    return bool(plain([token for token in tokens if token.type != "image"]).strip())


def _said(tokens: Sequence[Token] | None) -> str:
    return " ".join(plain(tokens).split())


def _located(places: Sequence[tuple[int, int]], position: int) -> int | None:
    """Return the offset in the source of a character of an inline token's content, or None."""
    start, found = places[bisect_right(places, (position, sys.maxsize)) - 1]
    return None if found < 0 else found + position - start


def _cut(content: str, whole: bool) -> list[tuple[int, int]]:
    """Return [start, end) of each line to be made: a whole list item, or the sentences."""
    if "^" in content and (identifier := BLOCK_ID.search(content[-_LONG_ITEM:])):
        # No part of what is said.
        content = content[: len(content) - len(identifier[0])]
    if whole:
        return [(0, len(content))]
    title = _CALLOUT.match(content)
    if title is None or title.end() == len(content):
        return list(_sentences(content, 0))
    # The title of a callout is no part of its first sentence.
    return [(0, len(title[0].rstrip())), *_sentences(content, title.end())]


def _sentences(content: str, first: int) -> Iterator[tuple[int, int]]:
    """Yield [start, end) of each sentence after an offset; an HTML break ends a sentence too."""
    edges = [(first, first)]
    marks, counted = 0, first
    for match in _BREAKS.finditer(content, first) if "<" in content else ():
        marks += content.count("**", counted, match.start())
        counted = match.end()
        # Half of a pair of marks would be none.
        if match["tag"] and marks % 2 == 0:
            edges.append(match.span())
    for (_, start), (end, _) in pairwise([*edges, (len(content), len(content))]):
        yield from ((start + a, start + b) for a, b in sentences(content[start:end]))


def _row_text(columns: Sequence[str], cells: Sequence[str]) -> str:
    """Return a table row as text: its first cell, then the name and value of each column.

    Columns `Name`, `Port`, `Use` and cells `ssh`, `22`, `login` give
    `ssh / Port: 22 / Use: login`.
    """
    rest = (
        f"{name}: {cell}" if name else cell
        for name, cell in zip(columns[1:], cells[1:], strict=False)
        if cell
    )
    return " / ".join([cells[0], *rest])
