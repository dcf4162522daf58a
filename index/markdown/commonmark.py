"""Markdown by the CommonMark parser markdown-it: the parser, text, anchors, navigation."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from itertools import islice

import regex
from markdown_it import MarkdownIt
from markdown_it.common.normalize_url import normalizeLink
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from markdown_it.utils import EnvType

from index.markdown.dialects import (
    block_plugin,
    emphasis_plugin,
    explicit,
    heading_plugin,
    inline_plugin,
    matter_plugin,
    slug,
    start_plugin,
    unique,
)
from index.markdown.html_words import APART, TAG
from index.markdown.runs import BESIDE, BREAK, height, longest

WORD = regex.compile(r"[\p{L}\p{N}]")
# Deeper lists and quotes would be lost; much deeper ones would exhaust the stack.
_NESTING = 60
# Text in which no rule finds anything, two spaces at the end of a line among it.
_BARE = regex.compile(
    r"(?:[^\\`*_\[\]<>&!~{}$%^|=:+\n \t]++|=(?!=)|:(?![a-z0-9+][\w+-]*+:)|\+(?!\+[a-z0-9])"
    r"|[ \t](?!\s*\n)|\n(?![ \t]))*+"
)
# A link before which no word stands, as far as the text shows it.
_MAY_NAVIGATE = regex.compile(r"[^\p{L}\p{N}\[]*+\[|[^\[{%&<]*+[{%&<][^\[]*+\[")
_NAMING = ("heading_open", "th_open", "td_open")
# Targets that normalising leaves as they are: nothing to escape, no host to spell in ASCII.
_NORMAL = regex.compile(
    r"(?:https?://[a-z0-9]++(?:[.-][a-z0-9]++)*+(?=[/#]|$)|(?!//))[A-Za-z0-9/._~#=&?-]*+"
)
_LITERAL = regex.compile(r"_\p{Hangul}|:[\w+-]++:")
_TEXTS = ("text", "code_inline", "text_special")
_BETWEEN = ("html_inline", "image", "hardbreak")
# What is raised is short: of many tags that nothing closes, each is looked after no further.
_RAISED_TOKENS = 50
_OTHERS = ("{", "[[", "%%", "$", "[^", "[!")


@cache
def parser() -> MarkdownIt:
    """Return the parser that sections and the reader share, so that their anchors agree.

    It understands all dialects at once, since a folder may mix notes of several kinds. It is never
    changed, so that threads may share it.
    """
    return _all_dialects(_inline)


@cache
def block_parser() -> MarkdownIt:
    """Return a parser of the same blocks that parses only a part of the inline text.

    It parses the text of headings, of table cells, and of paragraphs that may be navigation. Other
    text is cut into sentences first, and each of these is parsed later. The kinds of blocks stay
    the same. It is never changed either.
    """
    return _all_dialects(_leading)


def _all_dialects(inline: Callable[[StateCore], None]) -> MarkdownIt:
    markdown = _commonmark().use(matter_plugin).use(inline_plugin).use(block_plugin)
    markdown.use(heading_plugin).use(emphasis_plugin).use(start_plugin)
    markdown.core.ruler.at("inline", inline)
    # Its rules are compiled by its first use.
    markdown.parse("*used*")
    return markdown


class _Markdown(MarkdownIt):
    def normalizeLink(self, url: str) -> str:  # noqa: N802
        return link_target(url)


def link_target(url: str) -> str:
    """Return a link's target in the normalised form of the parser."""
    return url if _NORMAL.fullmatch(url) else normalizeLink(url)


def _commonmark() -> MarkdownIt:
    markdown = _Markdown("commonmark", {"html": True, "maxNesting": _NESTING})
    return markdown.enable(["table", "strikethrough"])


@cache
def github_parser() -> MarkdownIt:
    """Return a parser that understands the same Markdown as GitHub; it is never changed."""
    markdown = _commonmark()
    markdown.parseInline("*used*")
    return markdown


def inline_tokens(markdown: MarkdownIt, text: str, env: EnvType) -> list[Token]:
    """Return the tokens of a piece of text; env: the definitions of its links and footnotes."""
    found: list[Token] = []
    if text and _BARE.fullmatch(text):
        for number, line in enumerate(text.split("\n")):
            if number:
                found.append(Token("softbreak", "br", 0))
            found.append(Token("text", "", 0, content=line.strip(" ")))
    else:
        markdown.inline.parse(text, markdown, env, found)
    return found


def _inline(state: StateCore) -> None:
    for token in state.tokens:
        if token.type == "inline":
            token.children = inline_tokens(state.md, token.content, state.env)


def _leading(state: StateCore) -> None:
    before = ""
    for token in state.tokens:
        if token.type == "inline" and (before in _NAMING or _MAY_NAVIGATE.match(token.content)):
            token.children = inline_tokens(state.md, token.content, state.env)
        before = token.type


def readable(tokens: Sequence[Token]) -> Iterator[Token]:
    """Yield inline tokens in the form for plain text, where HTML tags become breaks or text.

    `<br>` and the tags of blocks become line breaks. Raised and lowered text keeps its meaning:
    `2<sup>10</sup>` becomes `2^10`, not `210`.
    """
    position, base = 0, ""
    while position < len(tokens):
        token = tokens[position]
        name = _tag(token)
        last = _closed(tokens, position, name) if name in ("sup", "sub") else 0
        if last:
            inner = list(readable(tokens[position + 1 : last]))
            before, text, after = height(name, plain(inner), base)
            yield Token("text", "", 0, content=before)
            digits = iter(text)
            for each in inner:
                is_text = each.type in _TEXTS
                said = "".join(islice(digits, len(each.content))) if is_text else ""
                yield each.copy(content=said) if is_text else each
            yield Token("text", "", 0, content=after)
            position = last
        elif name and APART.fullmatch(token.content):
            yield Token("softbreak", "br", 0)
        elif "shown" in token.meta:
            yield Token("text", "", 0, content=token.meta["shown"])
        else:
            yield token
        base = token.content if token.type in _TEXTS else ""
        position += 1


def _tag(token: Token) -> str:
    """Return the name of an HTML tag, with a slash before it for a closing tag, or ""."""
    match = TAG.fullmatch(token.content) if token.type == "html_inline" else None
    return match["name"].lower() if match else ""


def _closed(tokens: Sequence[Token], position: int, name: str) -> int:
    """Return the position of the token that closes a tag, 0 if none does or the tags are nested."""
    for number in range(position + 1, min(len(tokens), position + _RAISED_TOKENS)):
        found = _tag(tokens[number])
        if found == f"/{name}":
            return number
        if found == name:
            break
    return 0


def findable(tokens: Sequence[Token]) -> str:
    """Return the longest run of words in inline tokens that a browser can find on the page.

    A browser searches for literal text: it does not find text across a line break, beside raised
    text, or in the alternative text of a picture.
    """
    if not any(token.type in _BETWEEN for token in tokens):
        return " ".join(plain(tokens).split())
    parts = []
    for token in tokens:
        name = _tag(token)
        if token.type in _TEXTS:
            parts.append(token.content)
        elif token.type == "softbreak":
            parts.append(" ")
        elif token.type == "hardbreak" or (name and APART.fullmatch(token.content)):
            parts.append(BREAK)
        elif token.type == "image" or name.removeprefix("/") in ("sup", "sub", "img"):
            parts.append(BESIDE)
        elif token.type == "html_inline" and token.content and not name:
            # A footnote's number, or the name of a callout.
            parts.append(BREAK if token.content.endswith(" ") else BESIDE)
    return longest("".join(parts))


def plain(tokens: Sequence[Token] | None) -> str:
    """Return the visible text of inline tokens."""
    parts = []
    tokens = tokens or ()
    if any(token.type == "html_inline" for token in tokens):
        tokens = list(readable(tokens))
    for token in tokens:
        if token.type in _TEXTS:
            parts.append(token.content)
        elif token.type in ("softbreak", "hardbreak"):
            parts.append(" ")
        elif token.type == "image":
            parts.append(plain(token.children))
    return "".join(parts)


def named(tokens: Sequence[Token]) -> str:
    """Return the names that inline tokens carry but do not show, such as the id of a term."""
    return " ".join(token.meta["named"] for token in tokens if "named" in token.meta)


def heading_anchors(tokens: Sequence[Token]) -> list[str]:
    """Return the anchor of each heading in order, including headings in quotes and lists.

    An anchor is the id that the author gave the heading, else GitHub's slug of its text.
    """
    headings = [(t, tokens[i + 1]) for i, t in enumerate(tokens) if t.type == "heading_open"]
    given = [explicit(heading) for heading, _ in headings]
    return list(unique((slug(_anchor_text(inline)) for _, inline in headings), given))


def second_anchors(tokens: Sequence[Token], first: Sequence[str]) -> list[str]:
    """Return for each heading the slug of its text, empty if it is an anchor of the page already.

    Some site generators give a heading two anchors, and notes link to either. first: the result of
    `heading_anchors`.
    """
    inlines = [tokens[i + 1] for i, t in enumerate(tokens) if t.type == "heading_open"]
    taken = set(first)
    found = []
    for inline in inlines:
        own = slug(plain(inline.children))
        found.append("" if own in taken else own)
        taken.add(own)
    return found


def term_anchors(tokens: Sequence[Token], taken: Iterable[str]) -> dict[int, str]:
    """Return the anchor of each term of a definition list, by the position of its token.

    taken: the anchors of headings; those of terms must be different.
    """
    terms = [position for position, token in enumerate(tokens) if token.type == "dt_open"]
    if not terms:
        return {}
    slugs = [slug(plain(tokens[position + 1].children)) for position in terms]
    before = list(dict.fromkeys(taken))
    return dict(zip(terms, list(unique([*before, *slugs]))[len(before) :], strict=True))


def is_navigation(tokens: Sequence[Token]) -> bool:
    """Return whether a block has only links into its own page, or a mark such as `{:toc}`."""
    inlines = [token for token in tokens if token.type == "inline"]
    for inline in inlines:
        if "{:toc}" in inline.content:
            return True
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
        elif not inside and token.type != "html_inline" and WORD.search(token.content):
            return False
    return links > 0


def closing(tokens: Sequence[Token], start: int) -> int:
    """Return the position of the token that closes the one at `start`.

    A token that opens nothing closes itself.
    """
    depth = 0
    for position in range(start, len(tokens)):
        depth += tokens[position].nesting
        if depth == 0:
            return position
    return len(tokens) - 1


def _anchor_text(inline: Token) -> str:
    children = inline.children
    if any(mark in inline.content for mark in _OTHERS) or _LITERAL.search(inline.content):
        # GitHub knows no shortcodes and wikilinks: they are words to it, and so are the names of
        # emoji. Nor does it read `_` as a mark before a particle, and keeps it in the slug; other
        # marks are left out of slugs.
        children = github_parser().parseInline(inline.content)[0].children
    # GitHub takes the text of the rendered heading: an image has none, nor has a tag.
    hidden = ("image", "html_inline")
    return plain([token for token in children or () if token.type not in hidden])
