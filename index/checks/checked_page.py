"""One page, parsed for its checks: text, tokens, headings and anchors."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from unicodedata import normalize

import regex
from markdown_it.token import Token

from index.markdown import Tag, heading_anchors, parser, second_anchors, tags, term_anchors
from index.markdown.dialects import explicit as given_id

# Stands where a site generator puts text of its own: a shortcode, a template's expression.
FILLER = "\ue000"
# What takes its content as it is: no Markdown stands inside.
_RAW = regex.compile(
    r"(?s)\{\{[<%]\s*(?:(?P<name>mermaid|highlight|comment|katex|chem|math|plantuml|raw)\b"
    r"|(?P<coded>\w+)[^{}]*\bcodelang=).{0,20000}?\{\{[<%]\s*/\s*(?:(?P=name)|(?P=coded))\s*[>%]\}\}"
)
_SHORTCODE = regex.compile(
    r"(?s)\{\{[<%].{0,2000}?[>%]\}\}"
    # Where one starts within another, the inner one ends: none is looked for to the end of a line.
    r"|\{\{(?:(?!\{\{|\}\})[^\n])*+\}\}|\{%(?:(?!\{%|%\})[^\n])*+%\}"
)
_OPEN_LINE = regex.compile(rf"(?m)^[ \t>*+-]*{FILLER}+[ \t{FILLER}]*$")
# What brings headings or ids from elsewhere, besides shortcodes.
_INCLUDE = regex.compile(r"--8<--|\{include\}|^\s*<[A-Z]\w*[^<>]*/>|^\s*!!!include", regex.M)


@dataclass(frozen=True)
class Heading:
    """A heading outside lists and quotes; line: counted from 0; position: that of its token."""

    line: int
    level: int
    title: str
    position: int


@dataclass(frozen=True)
class Anchors:
    """The fragments of a page that links may use; open: a site generator may add others."""

    names: frozenset[str]
    open: bool


class CheckedPage:
    """A parsed page; its shortcodes are replaced by FILLER before the Markdown is parsed."""

    def __init__(self, path: str, source: str) -> None:
        self.path = path
        self.source = source
        masked = source
        if "{{" in masked or "{%" in masked:
            masked = _RAW.sub(lambda match: _hidden(match[0]), masked)
            masked = _SHORTCODE.sub(lambda match: _hidden(match[0]), masked)
        self.lines = masked.split("\n")
        self.masked = masked
        self.tokens = parser().parse(masked)

    @cached_property
    def headings(self) -> tuple[Heading, ...]:
        """Return the headings outside lists and quotes, in order."""
        return tuple(
            Heading((t.map or [0])[0], int(t.tag[1]), self.tokens[i + 1].content, i)
            for i, t in enumerate(self.tokens)
            if t.type == "heading_open" and t.level == 0
        )

    @cached_property
    def inlines(self) -> tuple[tuple[Token, int], ...]:
        """Return the tokens that hold text, each with its first line, counted from 0."""
        found, line = [], 0
        for token in self.tokens:
            line = token.map[0] if token.map else line
            if token.type == "inline":
                found.append((token, line))
        return tuple(found)

    @cached_property
    def tags(self) -> tuple[Tag, ...]:
        """Return the HTML tags in order."""
        found: list[Tag] = []
        for token in self.tokens:
            if token.type == "html_block":
                found += _moved(token.content, (token.map or [0])[0])
        for inline, line in self.inlines:
            for child in inline.children or ():
                if child.type == "html_inline":
                    found += _moved(child.content, line)
                elif child.type in ("softbreak", "hardbreak"):
                    line += 1
        return tuple(sorted(found, key=lambda tag: tag.line))

    @cached_property
    def explicit(self) -> tuple[tuple[str, int], ...]:
        """Return the ids that the author wrote, each with its line, counted from 0."""
        found = [
            (name, (token.map or [0])[0])
            for token in self.tokens
            if token.type == "heading_open" and (name := given_id(token))
        ]
        for tag in self.tags:
            found += [(name, tag.line) for name in tag.ids]
        return tuple(found)

    @cached_property
    def anchors(self) -> Anchors:
        """Return all fragments that links may use to point into the page."""
        headings = heading_anchors(self.tokens)
        headings += second_anchors(self.tokens, headings)
        names = {*headings, *term_anchors(self.tokens, headings).values()}
        names |= {name for name, _ in self.explicit}
        made = bool(_INCLUDE.search(self.masked) or _OPEN_LINE.search(self.masked))
        for number, token in enumerate(self.tokens):
            if token.type != "inline":
                continue
            if self.tokens[number - 1].type == "heading_open":
                made = made or FILLER in token.content
        return Anchors(frozenset(normalize("NFC", name) for name in names), made)

    def column(self, line: int, text: str) -> int:
        """Return the column of a text in a line, counted from 1, or 0 if the text is not there.

        line: counted from 0.
        """
        if not 0 <= line < len(self.lines) or not text:
            return 0
        return self.lines[line].find(text) + 1

    def places(
        self, inline: Token, line: int, positions: Sequence[int]
    ) -> Iterator[tuple[int, int]]:
        """Yield the line and column of positions in an inline token's content, counted from 1.

        line: the first line of the token, from 0. positions: ascending offsets in its content. The
        column is 0 if unknown.
        """
        row, start, seen, found = 0, 0, 0, self._start(inline, line, 0)
        for position in positions:
            # No character is looked at twice: there may be as many positions as characters.
            while (end := inline.content.find("\n", seen, position)) >= 0:
                row, start, seen = row + 1, end + 1, end + 1
                found = self._start(inline, line + row, start)
            seen = position
            yield line + row + 1, found + position - start if found else 0

    def _start(self, inline: Token, line: int, start: int) -> int:
        """Return the column at which a row of an inline token starts, from 1, or 0 if unknown."""
        end = inline.content.find("\n", start)
        return self.column(line, inline.content[start : end if end >= 0 else None])


def spans_between(page: CheckedPage) -> Iterator[tuple[Heading, Sequence[Token]]]:
    """Yield each heading with the tokens between it and the next heading."""
    positions = [heading.position for heading in page.headings] + [len(page.tokens)]
    for heading, after in zip(page.headings, positions[1:], strict=True):
        yield heading, page.tokens[heading.position + 3 : after]


def _moved(html: str, line: int) -> list[Tag]:
    return [replace(tag, line=tag.line + line) for tag in tags(html)]


def _hidden(text: str) -> str:
    return regex.sub(r"[^\n]", FILLER, text)
