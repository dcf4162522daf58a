"""Turns a passage into Slack's rich text, whose elements need no escaping and mention nobody.

https://docs.slack.dev/reference/block-kit/blocks/rich-text-block
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import regex
from markdown_it.token import Token

from assistant.answering import FoundPassage
from assistant.slack.mrkdwn import cut, shown
from index.markdown import BlockReader, Group, Line, closing, readable, reference_definitions

Element: TypeAlias = dict[str, Any]

# What is read at a glance; the link leads to the rest.
_LINES = 5
_CHARACTERS = 500
MAX_URL = 3000
_ITEM = regex.compile(r"(?:^|\n)[\s>]*(?P<mark>[-*+]|\d{1,9}[.)])[ \t]+\Z")
# What is bold in the notes is not here: bold is what answers.
_STYLES = {"em": "italic", "s": "strike"}


@dataclass(frozen=True)
class Quoted:
    """The best lines of a passage as rich text elements.

    best: the answering line as plain text. whole: whether the elements show the whole passage.
    """

    elements: list[Element]
    best: str
    whole: bool


def quoted(passage: FoundPassage) -> Quoted:
    """Return the answering line in bold with the lines around it, cut between lines."""
    source, best = _dedented(passage)
    reader = BlockReader(source, reference_definitions(passage.references))
    # One of marks alone shows nothing, and Slack takes no empty quote.
    lines = [line for line in _lines(reader) if shown(line.shown)]
    answer = next((n for n, line in enumerate(lines) if _meet(line, best)), None)
    if answer is None:
        words = cut(shown(" ".join(source[slice(*best)].split())), _CHARACTERS)
        element = {"type": "text", "text": words or "…", "style": {"bold": True}}
        return Quoted([_group("rich_text_quote", [element])], words, False)
    first, last = _around([line.shown for line in lines], answer)
    elements = list(_elements(reader, lines, range(first, last + 1), answer))
    whole = first == 0 and last == len(lines) - 1
    whole = whole and len(lines[answer].shown) <= _CHARACTERS
    return Quoted(elements, cut(shown(lines[answer].shown), _CHARACTERS), whole)


def _dedented(passage: FoundPassage) -> tuple[str, tuple[int, int]]:
    """Return the Markdown without the indentation of its first line, and the best line's place.

    A passage may start at a nested item of a list, which is indented.
    """
    markdown = passage.text
    margin = len(markdown) - len(markdown.lstrip(" "))
    rows = markdown.split("\n")
    sizes = [min(margin, len(row) - len(row.lstrip(" "))) for row in rows]

    def moved(position: int) -> int:
        row = markdown.count("\n", 0, position)
        column = position - (markdown.rfind("\n", 0, position) + 1)
        return position - sum(sizes[:row]) - min(sizes[row], column)

    text = "\n".join(row[size:] for row, size in zip(rows, sizes, strict=True))
    if not passage.highlights:
        return text, (0, len(text))
    best = passage.highlights[0]
    return text, (moved(best.start), moved(best.end))


def _lines(reader: BlockReader) -> Iterator[Line]:
    # Of a passage, a rule at its start is no front matter.
    tokens = reader.markdown.parse(reader.source, reader.env)
    groups, position = [], 0
    while position < len(tokens):
        last = closing(tokens, position)
        if place := tokens[position].map:
            groups.append(Group(tokens[position : last + 1], *place))
        position = last + 1
    for block in reader.blocks(groups):
        yield from block.lines


def _meet(line: Line, span: tuple[int, int]) -> bool:
    return line.start < span[1] and span[0] < line.end


def _around(texts: Sequence[str], answer: int) -> tuple[int, int]:
    """Return the numbers of the first and last line to show; lines after the answer come first."""
    first = last = answer
    room = _CHARACTERS - len(texts[answer])
    while last + 1 < len(texts) and last - first + 1 < _LINES - 1 and len(texts[last + 1]) <= room:
        last += 1
        room -= len(texts[last])
    while first and last - first + 1 < _LINES and len(texts[first - 1]) <= room:
        first -= 1
        room -= len(texts[first])
    return first, last


def _elements(
    reader: BlockReader, lines: Sequence[Line], window: range, answer: int
) -> Iterator[Element]:
    parts: list[Element] = []
    kind = ""
    before = None
    for number in window:
        line = lines[number]
        wanted = "rich_text_preformatted" if line.kind == "code" else "rich_text_quote"
        if kind and wanted != kind:
            yield _group(kind, parts)
            parts, before = [], None
        kind = wanted
        lead = _lead(reader.source, before, line)
        if lead:
            parts.append({"type": "text", "text": lead})
        parts += _inline(reader, line, number == answer)
        before = line
    yield _group(kind, parts)


def _group(kind: str, parts: list[Element]) -> Element:
    return {"type": kind, "elements": parts}


def _lead(source: str, before: Line | None, line: Line) -> str:
    """Return the text to put before a line: a space, a line break, an indent or a list mark."""
    if line.kind == "code":
        return _break(before) + _indentation(source, line)
    item = _ITEM.search(source, 0, line.start)
    if item:
        mark = item["mark"]
        return _break(before) + (f"{mark} " if mark[0].isdigit() else "• ")
    if before and source[before.end : line.start].strip(" >") in ("", "\n"):
        return " " if before.kind == line.kind == "sentence" else "\n"
    return _break(before)


def _break(before: Line | None) -> str:
    return "\n" if before else ""


def _indentation(source: str, line: Line) -> str:
    start = source.rfind("\n", 0, line.start) + 1
    between = source[start : line.start]
    return between if between.isspace() else ""


def _inline(reader: BlockReader, line: Line, bold: bool) -> list[Element]:
    plain = [_text(cut(line.shown, _CHARACTERS), {"bold": True} if bold else {})]
    if line.kind == "code":
        return [_text(cut(line.shown, _CHARACTERS), {})]
    if line.kind == "row" or len(line.shown) > _CHARACTERS:
        return plain
    styled = list(_styled(reader, reader.source[line.start : line.end], bold))
    for edge in (0, -1):
        while styled and not styled[edge]["text"].strip():
            styled.pop(edge)
    # A sentence may end within its emphasis: then its marks are no markup.
    if "".join(part["text"] for part in styled).split() != shown(line.shown).split():
        return plain
    return styled


def _styled(reader: BlockReader, source: str, bold: bool) -> Iterator[Element]:
    styles: list[str] = []
    url = ""
    for token in readable(reader.markdown.parseInline(source, reader.env)[0].children or ()):
        name = _STYLES.get(token.tag, "")
        if name and token.nesting:
            styles = [*styles, name] if token.nesting > 0 else styles[:-1]
        elif token.type in ("link_open", "link_close"):
            url = _address(token) if token.nesting > 0 else ""
        elif text := shown(_words(token)):
            style = dict.fromkeys([*styles, *(["bold"] if bold else [])], True)
            if token.type == "code_inline":
                style["code"] = True
            yield _text(text, style) if not url else {**_text(text, style, "link"), "url": url}


def _words(token: Token) -> str:
    if token.type in ("softbreak", "hardbreak"):
        return " "
    if token.type == "image":
        return "".join(map(_words, token.children or ()))
    return token.content if token.type in ("text", "code_inline") else ""


def _address(token: Token) -> str:
    address = str(token.attrGet("href") or "")
    return address if linkable(address) else ""


def linkable(url: str) -> bool:
    """Return whether Slack accepts the URL as the address of a link."""
    return url.startswith(("http://", "https://")) and len(url) <= MAX_URL


def _text(text: str, style: dict[str, bool], kind: str = "text") -> Element:
    element: Element = {"type": kind, "text": shown(text) or "…"}
    return {**element, "style": style} if style else element
