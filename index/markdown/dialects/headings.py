"""Headings with ids from their authors, and headings written in HTML."""

from collections.abc import Iterator

import regex
from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

from index.markdown.dialects.attributes import ATTRIBUTES, identifier, taken_off

_HTML = regex.compile(
    r"^[ \t]{0,3}<h(?P<level>[1-6])\b(?P<attributes>[^>]*)>(?P<text>.*?)</h(?P=level)\s*>[ \t]*$",
    regex.DOTALL | regex.MULTILINE | regex.IGNORECASE,
)
_ID = regex.compile(r"""\bid\s*=\s*(?:"([^"]+)"|'([^']+)'|([^\s"'>]+))""", regex.IGNORECASE)
_RAW = regex.compile(r"\s*<(?:!--|\?|!|pre\b|script\b|style\b|textarea\b)", regex.IGNORECASE)
_TABLE = regex.compile(r"<t(?:able|d|r|h)\b", regex.IGNORECASE)


def heading_plugin(markdown: MarkdownIt) -> None:
    """Add the rule for headings to a parser."""
    markdown.core.ruler.after("block", "headings", _headings)


def explicit(token: Token) -> str:
    """Return the id that the author gave a heading, or ""; token: that of the heading."""
    return str(token.meta.get("id", ""))


def _headings(state: StateCore) -> None:
    found: list[Token] = []
    heading: Token | None = None
    skipped = 0
    for position, token in enumerate(state.tokens):
        if skipped:
            skipped -= 1
            continue
        if token.type == "html_block":
            found.extend(_html_headings(token))
        elif token.type == "heading_open":
            heading = token
            inline = state.tokens[position + 1]
            inline.content, token.meta["id"] = taken_off(inline.content)
            found.append(token)
        elif heading is not None and _is_its_list(state.tokens, position, heading):
            given = identifier(state.tokens[position + 1].content)
            heading.meta["id"] = given or heading.meta["id"]
            skipped = 2
        else:
            found.append(token)
    state.tokens = found


def _is_its_list(tokens: list[Token], position: int, heading: Token) -> bool:
    """Return whether a paragraph is an attribute list on the line after a heading."""
    token = tokens[position]
    if token.type != "paragraph_open" or token.map is None or heading.map is None:
        return False
    text = tokens[position + 1].content
    return token.map[0] == heading.map[1] and ATTRIBUTES.fullmatch(text.strip()) is not None


def _html_headings(token: Token) -> Iterator[Token]:
    """Yield a block of HTML, with the headings on lines of their own as separate tokens."""
    content, first = token.content, (token.map or [0, 0])[0]
    if "</h" not in content.lower() or is_raw(token) or _TABLE.search(content):
        yield token
        return
    done = 0
    for match in _HTML.finditer(content):
        yield from piece(token, done, match.start())
        begin = first + content.count("\n", 0, match.start())
        lines = [begin, first + content.count("\n", 0, match.end()) + 1]
        tag = f"h{match['level']}"
        named = _ID.search(match["attributes"])
        identity = next((group for group in named.groups() if group), "") if named else ""
        level = token.level
        opened = Token("heading_open", tag, 1, map=lines, level=level, markup="html", block=True)
        opened.meta["id"] = identity
        inline = Token("inline", "", 0, content=match["text"].strip(), children=[], block=True)
        inline.map, inline.level = list(lines), level + 1
        yield opened
        yield inline
        yield Token("heading_close", tag, -1, level=level, markup="html", block=True)
        done = match.end()
    yield from piece(token, done, len(content))


def is_raw(token: Token) -> bool:
    """Return whether a block of HTML begins with a comment, a script or other raw text."""
    return _RAW.match(token.content) is not None


def piece(token: Token, start: int, end: int) -> Iterator[Token]:
    """Yield the piece [start, end) of an HTML block as a block of its own, unless it is empty."""
    text = token.content[start:end]
    if not start and end == len(token.content):
        yield token
    elif text.strip():
        before = token.content[:start] + text[: len(text) - len(text.lstrip("\n"))]
        first = (token.map or [0, 0])[0] + before.count("\n")
        text = text.strip("\n") + "\n"
        yield token.copy(content=text, map=[first, first + text.count("\n")])
