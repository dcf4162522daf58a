"""Markdown to sections, blocks and lines, by the CommonMark parser markdown-it."""

import html
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import nh3
import regex
import yaml
from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.front_matter import front_matter_plugin

from index.anchors import slug, unique
from index.notes import Block, BlockKind, Line, Section
from index.sentences import sentences

_EMOJI_AROUND = regex.compile(
    r"^[\p{Extended_Pictographic}\p{Emoji_Modifier}\uFE0F\u200D\u20E3\s]+"
    r"|[\p{Extended_Pictographic}\p{Emoji_Modifier}\uFE0F\u200D\u20E3\s]+$"
)
_WORD = regex.compile(r"[\p{L}\p{N}]")
_LONG_ITEM = 200
# Deeper lists and quotes would be lost; much deeper ones would exhaust the stack.
_NESTING = 60
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
class Parsed:
    """A Markdown file taken apart: its front matter, its title and its sections."""

    front_matter: dict[str, Any]
    title: str
    sections: tuple[Section, ...]


@dataclass(frozen=True)
class _Group:
    """The tokens of one top-level block, and the source lines [first, after) they cover."""

    tokens: Sequence[Token]
    first: int
    after: int


@dataclass(frozen=True)
class _Heading:
    title: str
    anchor: str
    level: int
    line: int
    after: int


def parser() -> MarkdownIt:
    """Return the one parser that sections and the reader share, so that anchors agree."""
    markdown = MarkdownIt("commonmark", {"html": True, "maxNesting": _NESTING}).enable(
        ["table", "strikethrough"]
    )
    return markdown.use(front_matter_plugin)


def plain(tokens: Sequence[Token] | None) -> str:
    """Return the visible text of inline tokens."""
    parts = []
    for token in tokens or ():
        if token.type in ("text", "code_inline"):
            parts.append(token.content)
        elif token.type in ("softbreak", "hardbreak"):
            parts.append(" ")
        elif token.type == "image":
            parts.append(plain(token.children))
    return "".join(parts)


def heading_anchors(tokens: Sequence[Token]) -> list[str]:
    """Return the anchor of each heading token in order, those inside quotes and lists too."""
    inlines = (tokens[i + 1] for i, token in enumerate(tokens) if token.type == "heading_open")
    return list(unique(slug(_anchor_text(inline.children)) for inline in inlines))


def parse(source: str, fallback_title: str) -> Parsed:
    """Return the file taken apart.

    The title is the front matter's, else a lone first-level heading's, else the fallback.
    Raises ValueError when the front matter is not YAML.
    """
    tokens = parser().parse(source)
    matter = _front_matter(tokens)
    headings, groups = _split(tokens)
    title = _title(matter, headings, groups, fallback_title)
    reader = _Reader(source)
    return Parsed(matter, title, tuple(_sections(reader, title, headings, groups)))


def is_navigation(tokens: Sequence[Token]) -> bool:
    """Return whether a block is made only of links into its own page."""
    inlines = [token for token in tokens if token.type == "inline"]
    return bool(inlines) and all(_only_page_links(inline.children or ()) for inline in inlines)


def _only_page_links(children: Sequence[Token]) -> bool:
    inside, links = False, 0
    for token in children:
        if token.type == "link_open":
            inside, links = True, links + 1
            if not str(token.attrGet("href") or "").startswith("#"):
                return False
        elif token.type == "link_close":
            inside = False
        elif not inside and _WORD.search(token.content):
            return False
    return links > 0


def _anchor_text(children: Sequence[Token] | None) -> str:
    # GitHub takes the text of the rendered heading: an image has none.
    return plain([token for token in children or () if token.type != "image"])


def _front_matter(tokens: Sequence[Token]) -> dict[str, Any]:
    for token in tokens:
        if token.type == "front_matter":
            try:
                matter = yaml.safe_load(token.content)
            except (yaml.YAMLError, RecursionError) as error:
                mark = getattr(error, "problem_mark", None)
                line = f" at line {mark.line + 2}" if mark else ""
                raise ValueError(f"its front matter is not YAML{line}") from error
            return matter if isinstance(matter, dict) else {}
    return {}


def _title(
    matter: dict[str, Any], headings: Sequence[_Heading], groups: Sequence[_Group], fallback: str
) -> str:
    if matter.get("title"):
        return str(matter["title"])
    top = [number for number, heading in enumerate(headings) if heading.level == 1]
    if top == [0] and not _only_navigation(_own(headings, groups, 0)):
        return headings[0].title or fallback
    return fallback


def _own(headings: Sequence[_Heading], groups: Sequence[_Group], number: int) -> list[_Group]:
    """Return the blocks between a heading and the next one."""
    start = headings[number].after
    end = headings[number + 1].line if number + 1 < len(headings) else None
    return [g for g in groups if g.first >= start and (end is None or g.first < end)]


def _only_navigation(groups: Sequence[_Group]) -> bool:
    return bool(groups) and all(is_navigation(group.tokens) for group in groups)


def _split(tokens: Sequence[Token]) -> tuple[list[_Heading], list[_Group]]:
    anchors = iter(heading_anchors(tokens))
    headings, groups = [], []
    start = 0
    while start < len(tokens):
        stop = _closing(tokens, start)
        group = tokens[start : stop + 1]
        first = tokens[start]
        own_anchors = [next(anchors) for token in group if token.type == "heading_open"]
        lines = first.map or [0, 0]
        if first.type == "heading_open":
            title = _EMOJI_AROUND.sub("", plain(tokens[start + 1].children)).strip()
            headings.append(_Heading(title, own_anchors[0], int(first.tag[1]), *lines))
        elif first.type not in ("front_matter", "hr"):
            groups.append(_Group(group, *lines))
        start = stop + 1
    return headings, groups


def _closing(tokens: Sequence[Token], start: int) -> int:
    depth = 0
    for position in range(start, len(tokens)):
        depth += tokens[position].nesting
        if depth == 0:
            return position
    return len(tokens) - 1


def _sections(
    reader: "_Reader", title: str, headings: Sequence[_Heading], groups: Sequence[_Group]
) -> Iterator[Section]:
    first = headings[0].line if headings else reader.line_count
    blocks = reader.blocks([group for group in groups if group.first < first])
    if blocks:
        end = reader.offset(first)
        yield Section(title, (title,), "", 0, 0, end, 1, max(first, 1), blocks)
    above: list[tuple[int, str]] = []
    for number, heading in enumerate(headings):
        lower = (h.line for h in headings[number + 1 :] if h.level <= heading.level)
        last = next(lower, reader.line_count)
        own = _own(headings, groups, number)
        above = [(level, name) for level, name in above if level < heading.level]
        names = [name for _, name in above]
        shown = heading.title or (names[-1] if names else title)
        # A table of contents is no topic: what follows it is not a part of it.
        if not _only_navigation(own):
            above.append((heading.level, shown))
        yield Section(
            shown,
            _path(title, names, shown),
            heading.anchor,
            heading.level,
            reader.offset(heading.line),
            reader.offset(last),
            heading.line + 1,
            max(last, heading.line + 1),
            reader.blocks(own),
        )


def _path(title: str, above: Sequence[str], shown: str) -> tuple[str, ...]:
    path = [title]
    for name in (*above, shown):
        if name != path[-1]:
            path.append(name)
    return tuple(path)


class _Reader:
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

    def blocks(self, groups: Sequence[_Group]) -> tuple[Block, ...]:
        """Return the blocks that are searched: navigation and those without words are not."""
        found = (self._block(group) for group in groups if not is_navigation(group.tokens))
        return tuple(block for block in found if block.lines)

    def _block(self, group: _Group) -> Block:
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
                rows = list(tokens[position : _closing(tokens, position) + 1])
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
        if _WORD.search(text):
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
                if any(_WORD.search(cell) for cell in cells):
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
