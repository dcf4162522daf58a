"""Emphasis beside Hangul that this program understands, but that GitHub shows as literal marks.

In CommonMark a closing `**` after punctuation must be followed by white space or punctuation, and
an opening `**` before punctuation must follow one of these: so GitHub shows the marks of
`**용어(term)**는`.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache

import regex
from markdown_it.token import Token

from index.checks.checked_page import FILLER, CheckedPage
from index.checks.rules import Found
from index.markdown import github_parser
from index.markdown.dialects import MARK

_LONGEST = 200
_PARTICLE = regex.compile(r"[\p{Hangul}]{1,6}(?![\p{L}\p{N}])")
_PUNCTUATION = regex.compile(r"[\p{P}\p{S}]")
_QUOTES = {'"': '"', "'": "'", "“": "”", "‘": "’", "「": "」", "『": "』", "<": ">", "《": "》"}
_HTML = {"*": "em", "**": "strong", "_": "em", "__": "strong", "~~": "del"}


def literal(page: CheckedPage) -> Iterator[Found]:
    """Yield a finding for each pair of emphasis marks that GitHub shows literally."""
    for token, line in page.inlines:
        if not (found := list(pairs(token))):
            continue
        places = page.places(token, line, [opening for opening, _, _ in found])
        for (opening, end, mended), (row, column) in zip(found, places, strict=True):
            words = token.content[opening:end].replace("\n", " ").replace(FILLER, "…")
            shown = words if len(words) <= 60 else words[:40] + "…" + words[-15:]
            message = f"GitHub shows the marks instead of emphasis: {shown}"
            yield row, column, "literal-emphasis", message, f"Write {mended.replace(FILLER, '…')}"


def pairs(inline: Token) -> Iterator[tuple[int, int, str]]:
    """Yield the start of each literal pair, the end of the word with it, and a replacement."""
    text = inline.content
    for opening, closing, mark in _literal(inline.children or ()):
        inner = text[opening + len(mark) : closing]
        if len(inner) > _LONGEST:
            continue
        particle = _particle(text, closing + len(mark))
        end = closing + len(mark) + len(particle)
        before, after = _edge(text, opening - 1), _edge(text, end)
        if mended := _mend(before, inner, mark, particle, after):
            yield opening, end, mended


def _literal(tokens: Sequence[Token]) -> list[tuple[int, int, str]]:
    """Return the start, end and mark of each pair that a plain CommonMark parser does not see."""
    open_: list[Token] = []
    found: list[tuple[int, int, str]] = []
    for token in tokens:
        if not token.nesting or MARK not in token.meta:
            continue
        if token.nesting > 0:
            open_.append(token)
            continue
        opener = open_.pop()
        begin, opens_here, _ = opener.meta[MARK]
        end, _, closes_here = token.meta[MARK]
        if opens_here or closes_here:
            mark = token.markup
            # Of two marks that make one, the parser keeps the inner ones.
            begin -= mark in ("**", "__")
            if found and found[-1][:2] == (begin + len(mark), end - len(found[-1][2])):
                end, mark = end - len(found[-1][2]), mark + found.pop()[2]
            found.append((begin, end, mark))
    return sorted(found)


def _edge(text: str, position: int) -> str:
    """Return a neutral character that affects marks beside it like the one at the position.

    Any punctuation gives a dot, which is no mark itself.
    """
    beside = text[position : position + 1] if position >= 0 else ""
    return "." if _PUNCTUATION.match(beside) else beside


# What is repeated is mended once.
@lru_cache(maxsize=1024)
def _mend(before: str, inner: str, mark: str, particle: str, after: str) -> str:
    """Return the first replacement whose marks GitHub does not show, or an empty string."""
    seen = _shown(f"{before}{inner}{particle}{after}")
    for mended in _mends(inner, mark, particle):
        if _shown(f"{before}{mended}{after}") == seen:
            return mended
    return ""


def _shown(text: str) -> int:
    """Return the number of literal marks that GitHub shows in a text."""
    children = github_parser().parseInline(text)[0].children or ()
    return sum(len(regex.findall(r"[*_~]", t.content)) for t in children if t.type == "text")


def _mends(inner: str, mark: str, particle: str) -> Iterator[str]:
    aside = regex.fullmatch(r"(?P<word>.*[^\s(])(?P<aside>\([^()]*\))", inner, regex.DOTALL)
    if aside:
        yield f"{mark}{aside['word']}{mark}{aside['aside']}{particle}"
    if len(inner) > 2 and _QUOTES.get(inner[0]) == inner[-1]:
        yield f"{inner[0]}{mark}{inner[1:-1]}{mark}{inner[-1]}{particle}"
    if mark[0] == "_":
        yield f"{mark.replace('_', '*')}{inner}{mark.replace('_', '*')}{particle}"
    yield f"{mark}{inner}{particle}{mark}"
    if tag := _HTML.get(mark):
        yield f"<{tag}>{inner}</{tag}>{particle}"


def _particle(text: str, position: int) -> str:
    match = _PARTICLE.match(text, position)
    return match[0] if match else ""
