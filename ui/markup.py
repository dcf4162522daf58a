"""Notes' Markdown to safe HTML, with the words that answer marked."""

import html
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from urllib.parse import urljoin

import nh3
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token

from assistant.answer import Highlight
from index.html import APART
from index.markdown import heading_anchors, plain
from index.sections import parse
from ui.highlights import Page, Range, kept, marked, marked_html

_BREAKS = re.compile(r"(?:<br>\s*){2,}")
_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
# fmt: off
_TAGS = {
    *_HEADINGS, "a", "b", "blockquote", "br", "code", "dd", "del", "details", "div", "dl", "dt",
    "em", "hr", "i", "kbd", "li", "mark", "ol", "p", "pre", "s", "span", "strong", "sub", "summary",
    "sup", "table", "tbody", "td", "th", "thead", "tr", "u", "ul",
}
# fmt: on
_ATTRIBUTES = {
    "a": {"href"},
    "code": {"class"},
    "div": {"class", "tabindex"},
    "ol": {"start"},
    "pre": {"tabindex"},
    "td": {"align"},
    "th": {"align"},
}
# What only a whole document has.
_DOCUMENT = {
    **{heading: {"id"} for heading in _HEADINGS},
    "img": {"alt", "height", "src", "title", "width"},
}
_CLASSES = {
    "code": re.compile(r"language-[\w+#.-]+"),
    "div": re.compile("table"),
}


@dataclass(frozen=True)
class TocEntry:
    """A section as the reader's contents list it."""

    title: str
    anchor: str
    level: int


def render(
    markdown: str, highlights: Sequence[Highlight] = (), base: str = "", references: str = ""
) -> str:
    """Return a passage as HTML with the highlighted characters in `<mark>`.

    Links are taken relative to base, the passage's own link, and open beside the page; references
    are the definitions that some of them need.
    """
    page = Page(markdown, highlights, references)
    for position, token in enumerate(page.tokens):
        if token.type == "inline":
            if ranges := page.inline_ranges(position):
                token.children = list(marked(page.pieces(token), ranges))
            token.children = _resolved(token.children or (), base)
        elif token.type in ("fence", "code_block"):
            _set_code(token, page.code_ranges(token))
        elif token.type == "html_block" and page.touches(token):
            token.content = marked_html(token.content)
    found = _clean(_html(page), new_tab=True)
    return found.replace("</mark><mark>", "")


def render_quote(markdown: str, highlight: Highlight, base: str = "", references: str = "") -> str:
    """Return the highlighted words alone, as HTML that fits into a line.

    A table row is read out: what it is about, then each column's name and value.
    """
    page = Page(markdown, [highlight], references)
    found = _BREAKS.sub("<br>", "<br>".join(_quoted(page, base)))
    return _clean(found.removeprefix("<br>").removesuffix("<br>"), new_tab=True)


def no_picture(_: str) -> str:
    """Return that a picture is served nowhere, whatever its address."""
    return ""


def render_document(
    source: str, picture: Callable[[str], str] = no_picture
) -> tuple[str, list[TocEntry]]:
    """Return a document as HTML, headings with their anchors as ids, and its contents.

    picture returns where one is served, by its address as written, or an empty text; then it
    becomes a link.
    """
    page = Page(source, ())
    anchors = iter(heading_anchors(page.tokens))
    for token in page.tokens:
        if token.type == "heading_open":
            if anchor := next(anchors):
                token.attrSet("id", anchor)
        elif token.type == "inline":
            token.children = _resolved(token.children or (), "", picture)
        elif token.type in ("fence", "code_block"):
            _set_code(token, [])
    sections = parse(source, "").sections
    contents = [TocEntry(s.title, s.anchor, s.level) for s in sections if s.anchor]
    return _clean_document(_html(page), picture), contents


def _html(page: Page) -> str:
    tokens = list(_framed(page.tokens))
    return RendererHTML().render(tokens, page.markdown.options, page.env)


def _inline(page: Page, tokens: Sequence[Token]) -> str:
    return RendererHTML().renderInline(tokens, page.markdown.options, page.env)


def _quoted(page: Page, base: str) -> Iterator[str]:
    columns: list[str] = []
    cells: list[str] = []
    for position, token in enumerate(page.tokens):
        kind = page.tokens[position - 1].type
        if token.type == "inline" and kind == "th_open":
            columns.append(plain(token.children))
        elif token.type == "inline" and (ranges := page.inline_ranges(position)):
            pieces = (_in_line(piece) for piece in kept(page.pieces(token), ranges))
            words = _inline(page, _resolved(list(pieces), base))
            if kind == "td_open":
                cells.append(words)
            else:
                yield words
        elif token.type == "tr_close" and cells:
            yield _row(columns, cells)
            cells = []
        elif token.type == "table_open":
            columns = []
        elif token.type in ("fence", "code_block"):
            code = (token.content[slice(*piece)].strip() for piece in page.code_ranges(token))
            yield from (f"<code>{html.escape(text)}</code>" for text in code if text)
        elif token.type == "html_block" and page.touches(token):
            yield html.escape(page.html_words(token))


def _in_line(token: Token) -> Token:
    """Return a token that fits into a line: the tag of a block is a break there."""
    if token.type == "html_inline" and APART.match(token.content):
        return Token("html_inline", "", 0, content="<br>")
    return token


def _row(columns: Sequence[str], cells: Sequence[str]) -> str:
    named = zip(columns[1:], cells[1:], strict=False)
    rest = (f"<span>{html.escape(name)}</span>: {cell}" for name, cell in named if cell)
    return "<br>".join([cells[0], *rest])


def _resolved(
    tokens: Sequence[Token], base: str, picture: Callable[[str], str] = no_picture
) -> list[Token]:
    """Return inline tokens with links relative to base, and pictures that are not served here as
    links to them.

    A page that shows notes fetches nothing from elsewhere that its reader did not click.
    """
    found: list[Token] = []
    depth = 0
    for token in tokens:
        if token.type == "link_open":
            depth += 1
            token.attrSet("href", _joined(base, token.attrGet("href")))
        elif token.type == "link_close":
            depth -= 1
        if token.type != "image" or picture(str(token.attrGet("src") or "")):
            found.append(token)
            continue
        address = _joined(base, token.attrGet("src"))
        text = Token("text", "", 0, content=plain(token.children) or address)
        link = Token("link_open", "a", 1, attrs={"href": address})
        found += [text] if depth else [link, text, Token("link_close", "a", -1)]
    return found


def _joined(base: str, address: object) -> str:
    try:
        return urljoin(base, str(address or ""))
    except ValueError:
        return ""


def _framed(tokens: Sequence[Token]) -> Iterator[Token]:
    """Yield the tokens, tables in a frame that scrolls where the page is narrow."""
    for token in tokens:
        if token.type == "table_open":
            yield Token("html_block", "", 0, content='<div class="table" tabindex="0">\n')
        elif token.type in ("th_open", "td_open") and "style" in token.attrs:
            # The reader's content security policy refuses styles in attributes.
            token.attrs = {"align": str(token.attrs["style"]).removeprefix("text-align:")}
        yield token
        if token.type == "table_close":
            yield Token("html_block", "", 0, content="</div>\n")


def _clean(source: str, *, new_tab: bool = False) -> str:
    """Return HTML that holds nothing but text and its form."""
    return nh3.clean(
        source,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        attribute_filter=_attribute,
        url_schemes={"http", "https", "mailto"},
        set_tag_attribute_values={"a": {"target": "_blank"}} if new_tab else {},
        link_rel="noopener noreferrer",
    )


def _clean_document(source: str, picture: Callable[[str], str]) -> str:
    """Return the same of a whole document, which has anchors and the pictures served here."""

    def attribute(tag: str, name: str, value: str) -> str | None:
        if (tag, name) == ("img", "src"):
            return picture(value) or None
        if tag == "img" and name in ("width", "height"):
            return value if value.isdecimal() else None
        return _attribute(tag, name, value)

    found = nh3.clean(
        source,
        tags=_TAGS if picture is no_picture else _TAGS | {"img"},
        attributes=_ATTRIBUTES | _DOCUMENT,
        attribute_filter=attribute,
        url_schemes={"http", "https", "mailto"},
        set_tag_attribute_values={"img": {"loading": "lazy"}},
        link_rel="noopener noreferrer",
    )
    # Without a text for it, a screen reader would read out the picture's address.
    return re.sub(r"<img(?![^>]* alt=)", '<img alt=""', found)


def _attribute(tag: str, name: str, value: str) -> str | None:
    if name == "class":
        return value if _CLASSES[tag].fullmatch(value) else None
    return value


def _set_code(token: Token, ranges: Sequence[Range]) -> None:
    edges = sorted({0, len(token.content), *(edge for piece in ranges for edge in piece)})
    parts = []
    for low, high in pairwise(edges):
        inside = any(start <= low < end for start, end in ranges)
        text = html.escape(token.content[low:high])
        parts.append(f"<mark>{text}</mark>" if inside else text)
    name = html.escape(token.info.split()[0]) if token.info.split() else ""
    language = f' class="language-{name}"' if name else ""
    token.type = "html_block"
    token.content = f'<pre tabindex="0"><code{language}>{"".join(parts)}</code></pre>\n'
