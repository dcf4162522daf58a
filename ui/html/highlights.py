"""Finds highlighted characters in Markdown tokens, exact to the character."""

import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Literal

from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from assistant.answering import Highlight
from index.markdown import html_words, parser, reference_definitions

Range = tuple[int, int]

_TAG = re.compile(r"(<!--.*?-->|<[^>]*>)", re.DOTALL)


class MarkedTokens:
    """The tokens of a Markdown text, and the places of the highlights in them."""

    def __init__(
        self, markdown: str, highlights: Sequence[Highlight], references: str = ""
    ) -> None:
        """references: link and footnote definitions that stand outside the Markdown, if any."""
        self.source, self.highlights = _dedented(markdown, highlights)
        self.lines = self.source.split("\n")
        self.starts = [0]
        for line in self.lines:
            self.starts.append(self.starts[-1] + len(line) + 1)
        self.markdown = parser()
        self.env = reference_definitions(references)
        self.tokens = self.markdown.parse(self.source, self.env)

    def touches(self, token: Token) -> bool:
        """Return whether a highlight overlaps the lines of a token."""
        first, after = token.map or (0, 0)
        start, end = self.starts[first], self.starts[after]
        return any(begin < end and start < stop for begin, stop in self.highlights)

    def html_words(self, token: Token) -> str:
        """Return the highlighted words of an HTML block, in one line."""
        first, after = token.map or (0, 0)
        start, end = self.starts[first], self.starts[after]
        spans = ((max(begin, start), min(stop, end)) for begin, stop in self.highlights)
        return " ".join(
            filter(None, (html_words.text(self.source[slice(*span)]) for span in spans))
        )

    def inline_ranges(self, position: int) -> list[Range]:
        """Return the highlighted ranges in the content of the inline token at a position."""
        token = self.tokens[position]
        if not self.touches(token):
            return []
        if self.tokens[position - 1].type in ("td_open", "th_open"):
            return [(0, len(token.content))]
        return self._ranges(token.content, (token.map or [0])[0])

    def code_ranges(self, token: Token) -> list[Range]:
        """Return the highlighted ranges in the content of a code block."""
        return self._ranges(token.content, (token.map or [0])[0] + (token.type == "fence"))

    def _ranges(self, content: str, first: int) -> list[Range]:
        """Return the highlighted ranges in a content; first: the source line of its first line."""
        ranges, before = [], 0
        for number, text in enumerate(content.split("\n"), first):
            # What stands before a line's content is its block's: indentation, `> ` or `- `.
            column = self.lines[number].rfind(text) if number < len(self.lines) else -1
            start = self.starts[number] + column if column >= 0 else len(self.source)
            for begin, stop in self.highlights:
                low, high = max(begin - start, 0), min(stop - start, len(text) + 1)
                if low < high:
                    ranges.append((before + low, before + high))
            before += len(text) + 1
        return ranges

    def pieces(self, token: Token) -> list[Token]:
        """Return the children of an inline token, each with its start offset in `meta["at"]`."""
        state = _Traced(token.content, self.markdown, self.env, [])
        self.markdown.inline.tokenize(state)
        for piece in state.tokens:
            # Rules that set `meta` themselves, as that for footnotes, replace what was noted there.
            piece.meta.setdefault("at", state.begins[id(piece)])
        for rule in self.markdown.inline.ruler2.getRules(""):
            # Joining adjacent text would lose where its parts start.
            if rule.__name__ != "fragments_join":
                rule(state)
        return state.tokens


def _cut(tokens: Sequence[Token], ranges: Sequence[Range]) -> Iterator[tuple[Token, bool]]:
    """Yield each token and whether it is in a range; text is cut at the edges of the ranges."""
    edges = sorted({edge for piece in ranges for edge in piece})
    for token in tokens:
        at = token.meta["at"]
        if token.type != "text":
            if token.type == "text_special":
                token.type = "text"
            yield token, any(low <= at < high for low, high in ranges)
            continue
        if not token.content:
            continue
        stops = [edge - at for edge in edges if 0 < edge - at < len(token.content)]
        for low, high in zip([0, *stops], [*stops, len(token.content)], strict=True):
            inside = any(start <= at + low < end for start, end in ranges)
            yield token.copy(content=token.content[low:high]), inside


def marked(tokens: Sequence[Token], ranges: Sequence[Range]) -> Iterator[Token]:
    """Yield inline tokens, with `<mark>` and `</mark>` around those in the ranges."""
    # Each leaf is marked alone, so that marks never cross emphasis or links.
    for token, inside in _cut(tokens, ranges):
        mark = inside and token.nesting == 0 and token.type != "html_inline"
        if mark:
            yield Token("html_inline", "", 0, content="<mark>")
        yield token
        if mark:
            yield Token("html_inline", "", 0, content="</mark>")


def kept(tokens: Sequence[Token], ranges: Sequence[Range]) -> list[Token]:
    """Return the inline tokens in the ranges, with the emphasis and links around them."""
    found: list[Token] = []
    for token, inside in _cut(tokens, ranges):
        if token.nesting < 0 and found and found[-1].nesting > 0:
            found.pop()
        elif inside or token.nesting:
            found.append(token)
    return found


def marked_html(source: str) -> str:
    """Return raw HTML with each text between its tags in `<mark>`."""
    parts = _TAG.split(source)
    texts = (f"<mark>{part}</mark>" if part.strip() else part for part in parts[::2])
    tags = (*parts[1::2], "")
    return "".join(text + tag for text, tag in zip(texts, tags, strict=True))


def _dedented(markdown: str, highlights: Sequence[Highlight]) -> tuple[str, list[Range]]:
    """Return the Markdown without the indentation of its first line, and the moved highlights.

    A passage may start at a nested item of a list, which is indented.
    """
    margin = len(markdown) - len(markdown.lstrip(" "))
    lines = markdown.split("\n")
    cut = [min(margin, len(line) - len(line.lstrip(" "))) for line in lines]

    def moved(position: int) -> int:
        row = markdown.count("\n", 0, position)
        column = position - (markdown.rfind("\n", 0, position) + 1)
        return position - sum(cut[:row]) - min(cut[row], column)

    text = "\n".join(line[size:] for line, size in zip(lines, cut, strict=True))
    return text, [(moved(piece.start), moved(piece.end)) for piece in highlights]


class _Traced(StateInline):
    """Parser state that records where each inline token starts; the parser itself does not."""

    begin = 0

    @cached_property
    def begins(self) -> dict[int, int]:
        """Return the start offsets of tokens, by the `id()` of the token."""
        return {}

    def append_pending(self, text: str) -> None:
        if not self.pending:
            self.begin = self.pos
        super().append_pending(text)

    def pushPending(self) -> Token:  # noqa: N802
        token = super().pushPending()
        token.meta["at"] = self.begins[id(token)] = self.begin
        return token

    def push(self, ttype: str, tag: str, nesting: Literal[-1, 0, 1]) -> Token:
        token = super().push(ttype, tag, nesting)
        token.meta["at"] = self.pos
        last = self.tokens[-2] if len(self.tokens) > 1 else None
        # The markers of `***` are pushed one by one before the position moves on.
        if last and last.type == ttype == "text":
            token.meta["at"] = max(self.pos, last.meta["at"] + len(last.content))
        self.begins[id(token)] = token.meta["at"]
        return token
