"""Markdown by the CommonMark parser markdown-it: the parser, text, anchors, navigation."""

from collections.abc import Sequence

import regex
from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.front_matter import front_matter_plugin

from index.anchors import slug, unique

WORD = regex.compile(r"[\p{L}\p{N}]")
# Deeper lists and quotes would be lost; much deeper ones would exhaust the stack.
_NESTING = 60


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
        elif not inside and WORD.search(token.content):
            return False
    return links > 0


def closing(tokens: Sequence[Token], start: int) -> int:
    """Return the position of the token that closes the one at start, itself if it opens nothing."""
    depth = 0
    for position in range(start, len(tokens)):
        depth += tokens[position].nesting
        if depth == 0:
            return position
    return len(tokens) - 1


def _anchor_text(children: Sequence[Token] | None) -> str:
    # GitHub takes the text of the rendered heading: an image has none.
    return plain([token for token in children or () if token.type != "image"])
