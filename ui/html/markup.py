"""Renders Markdown of the notes as safe HTML, with the answering words marked."""

import html
import re
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import TypeAlias
from urllib.parse import unquote, urljoin

import nh3
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token

from assistant.answering import Highlight
from index.markdown import APART, heading_anchors, parse, plain, second_anchors, tags, term_anchors
from index.markdown.dialects import WIKI
from ui.html.footnotes import footnoted
from ui.html.highlights import MarkedTokens, Range, kept, marked, marked_html

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
    "*": {"id"},
    "a": {"href", "name"},
    "img": {"alt", "height", "src", "title", "width"},
}
Lead: TypeAlias = Callable[[str, bool], str]
_READER = re.compile(r"(?:https?://[^/]*)?(?:/.*?)?/notes/(?:_in/[^/]*/)?")
# Ids of the page around a document: its own are never called so.
TEXT, BOX = OWN = ("page.text", "page.search")
_CLASSES = {
    "code": re.compile(r"language-[\w+#.-]+"),
    "div": re.compile("table"),
}


@dataclass(frozen=True)
class TocEntry:
    """An entry of a page's table of contents."""

    title: str
    anchor: str
    level: int


def render(
    markdown: str, highlights: Sequence[Highlight] = (), base: str = "", references: str = ""
) -> str:
    """Return a passage as HTML with the highlighted characters in `<mark>`.

    Links open in a new tab. base: the link of the passage, from which its relative links are
    resolved. references: link and footnote definitions that stand outside the passage.
    """
    page = MarkedTokens(markdown, highlights, references)
    for position, token in enumerate(page.tokens):
        if token.type == "inline":
            if ranges := page.inline_ranges(position):
                token.children = list(marked(page.pieces(token), ranges))
            token.children = _resolved(token.children or (), partial(_joined, base))
        elif token.type in ("fence", "code_block"):
            _set_code(token, page.code_ranges(token))
        elif token.type == "html_block" and page.touches(token):
            token.content = marked_html(token.content)
    found = _clean(_html(page), new_tab=True)
    return found.replace("</mark><mark>", "")


def render_quote(markdown: str, highlight: Highlight, base: str = "", references: str = "") -> str:
    """Return only the highlighted words, as HTML without block elements.

    A table row becomes its first cell, then the name and value of each other column.
    """
    page = MarkedTokens(markdown, [highlight], references)
    found = _BREAKS.sub("<br>", "<br>".join(_quoted(page, base)))
    return _clean(found.removeprefix("<br>").removesuffix("<br>"), new_tab=True)


def as_written(href: str, _: bool) -> str:
    """Return the address unchanged: the default `lead` of render_document."""
    return href


def no_picture(_: str, __: bool) -> str:
    """Return "", for pictures that are not served: the default `picture` of render_document."""
    return ""


def render_document(
    source: str, lead: Lead = as_written, picture: Lead = no_picture
) -> tuple[str, list[TocEntry]]:
    """Return a document as HTML, with anchors as ids of headings, and its table of contents.

    lead: gives the target of a link from its address as written and whether it is a wiki link
    (`[[…]]`); a link with an empty target becomes plain text. picture: gives the address of a
    picture likewise; a picture with an empty address becomes a link.
    """
    page = MarkedTokens(source, ())
    first = heading_anchors(page.tokens)
    others = second_anchors(page.tokens, first)
    _name_terms(page.tokens, [*first, *others])
    anchors = zip(first, others, strict=True)
    done: set[str] = set()
    second = ""
    for token in page.tokens:
        if token.type == "heading_open":
            anchor, second = next(anchors)
            if anchor:
                token.attrSet("id", anchor)
        elif token.type == "inline":
            for each in token.children or ():
                if each.type == "html_inline":
                    each.content = _with_ids(each.content)
            if second:
                place = Token("html_inline", "", 0, content=_place(second))
                token.children, second = [place, *(token.children or ())], ""
            token.children = _resolved(token.children or (), lead, picture)
            done |= {str(each.attrGet(name)) for each in token.children for name in ("href", "src")}
        elif token.type in ("fence", "code_block"):
            _set_code(token, [])
        elif token.type == "html_block":
            token.content = _with_ids(token.content)
    page.tokens = footnoted(page.tokens)
    sections = parse(source, "").sections
    contents = [TocEntry(s.title, s.anchor, s.level) for s in sections if s.anchor]
    return _clean_document(_html(page), lead, picture, done), contents


def _name_terms(tokens: Sequence[Token], taken: Sequence[str]) -> None:
    for position, anchor in term_anchors(tokens, taken).items():
        tokens[position].attrSet("id", anchor)


def _place(name: str) -> str:
    return f'<span id="{html.escape(name)}"></span>'


def _with_ids(source: str) -> str:
    """Return HTML in which the ids of forbidden tags are kept, so that links to them still work."""
    for tag in reversed(tags(source)):
        if tag.name not in _TAGS:
            places = "".join(_place(name) for name in tag.ids)
            source = source[: tag.start] + places + source[tag.start :]
    return source


def _html(page: MarkedTokens) -> str:
    tokens = list(_framed(page.tokens))
    return RendererHTML().render(tokens, page.markdown.options, page.env)


def _inline(page: MarkedTokens, tokens: Sequence[Token]) -> str:
    return RendererHTML().renderInline(tokens, page.markdown.options, page.env)


def _quoted(page: MarkedTokens, base: str) -> Iterator[str]:
    columns: list[str] = []
    cells: list[str] = []
    for position, token in enumerate(page.tokens):
        kind = page.tokens[position - 1].type
        if token.type == "inline" and kind == "th_open":
            columns.append(plain(token.children))
        elif token.type == "inline" and (ranges := page.inline_ranges(position)):
            pieces = (_in_line(piece) for piece in kept(page.pieces(token), ranges))
            words = _inline(page, _resolved(list(pieces), partial(_joined, base)))
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
    """Return the token for use within a line: the tag of a block becomes `<br>`."""
    if token.type == "html_inline" and APART.match(token.content):
        return Token("html_inline", "", 0, content="<br>")
    return token


def _row(columns: Sequence[str], cells: Sequence[str]) -> str:
    named = zip(columns[1:], cells[1:], strict=False)
    rest = (f"<span>{html.escape(name)}</span>: {cell}" for name, cell in named if cell)
    return "<br>".join([cells[0], *rest])


def _resolved(tokens: Sequence[Token], lead: Lead, picture: Lead = no_picture) -> list[Token]:
    """Return inline tokens with the targets of links and pictures set.

    A link without a target becomes plain text, a picture that is not served here becomes a link: a
    page of the notes fetches nothing from other sites unless its reader clicks.
    """
    found: list[Token] = []
    # Of each link around a token, whether it leads somewhere.
    around: list[bool] = []
    for token in tokens:
        wiki = token.markup == WIKI
        if token.type == "link_open":
            address = lead(str(token.attrGet("href") or ""), wiki)
            token.attrSet("href", address)
            around.append(bool(address))
        if token.type == "link_close" and not around.pop():
            continue
        if token.type != "image":
            found += [token] if token.type != "link_open" or around[-1] else []
            continue
        source = str(token.attrGet("src") or "")
        if served := picture(source, wiki):
            alt = str(token.meta.get("alt", ""))
            token.children = token.children or [Token("text", "", 0, content=alt)]
            token.attrSet("src", served)
            found.append(token)
            continue
        address = lead(source, wiki)
        text = Token("text", "", 0, content=plain(token.children) or unquote(source))
        link = Token("link_open", "a", 1, attrs={"href": address})
        bare = not address or any(around)
        found += [text] if bare else [link, text, Token("link_close", "a", -1)]
    return found


def _joined(base: str, address: str, wiki: bool) -> str:
    """Return the address of a link in a passage at `base`, "" where it cannot be resolved.

    A path from the root, or a wiki link's name, is put below `/notes/`; the reader resolves it.
    """
    # What stands at the root of the notes, or anywhere by its name, is below where the reader is.
    named = wiki and not address.startswith("#")
    absolute = address.startswith("/") and not address.startswith("//")
    root = _READER.match(base) if named or absolute else None
    try:
        return (
            root[0] + address.removeprefix("/notes").lstrip("/") if root else urljoin(base, address)
        )
    except ValueError:
        return ""


def _framed(tokens: Sequence[Token]) -> Iterator[Token]:
    """Yield the tokens, with a `<div>` around each table that scrolls on a narrow page."""
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
    """Return safe HTML: only tags and attributes for text and its form are kept."""
    return nh3.clean(
        source,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        attribute_filter=_attribute,
        url_schemes={"http", "https", "mailto"},
        set_tag_attribute_values={"a": {"target": "_blank"}} if new_tab else {},
        link_rel="noopener noreferrer",
    )


def _clean_document(source: str, lead: Lead, picture: Lead, done: Container[str]) -> str:
    """Return safe HTML of a whole document, with anchors and the pictures served here.

    done: addresses that are resolved already, and stay as they are.
    """

    def attribute(tag: str, name: str, value: str) -> str | None:
        if (tag, name) == ("img", "src"):
            return value if value in done else picture(value, False) or None
        if (tag, name) == ("a", "href"):
            return value if value in done else lead(value, False) or None
        if name in ("id", "name"):
            return None if value in OWN else value
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
        # It is asked of every tag, of those that are taken off too.
        known = _CLASSES.get(tag)
        return value if known and known.fullmatch(value) else None
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
