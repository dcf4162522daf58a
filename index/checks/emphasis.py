"""Emphasis that stays literal beside Hangul, by CommonMark's flanking rule.

A closing `**` after punctuation must have white space or punctuation behind it, and an opening one
before punctuation the same in front: `**용어(term)**는` stays as it is written.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import regex

from index.checks.page import FILLER, Page
from index.checks.rules import Found
from index.markdown import parser

_CJK = regex.compile(r"[\p{Hangul}\p{Han}\p{Hiragana}\p{Katakana}]")
_NEAR = regex.compile(r"[*_~][\p{Hangul}\p{Han}\p{Hiragana}\p{Katakana}]"
                      r"|[\p{Hangul}\p{Han}\p{Hiragana}\p{Katakana}][*_~]")  # fmt: skip
_RUN = regex.compile(r"\*{1,3}|_{1,3}|~~")
_PUNCTUATION = regex.compile(r"[\p{P}\p{S}]")
# What holds no marks: escapes, code, tags, targets of links, addresses.
_OPAQUE = regex.compile(
    r"\\[^\n]|(?<!`)(`+)(?!`).+?(?<!`)\1(?!`)|<[^<>\n]+>|(?<=\]\()[^()\s]+(?=\))|https?://[^\s<>]+",
    regex.DOTALL,
)
_LONGEST = 200
_PARTICLE = regex.compile(r"[\p{Hangul}]{1,6}(?![\p{L}\p{N}])")
_QUOTES = {'"': '"', "'": "'", "“": "”", "‘": "’", "「": "」", "『": "』", "<": ">", "《": "》"}
_HTML = {"*": "em", "**": "strong", "_": "em", "__": "strong", "~~": "del"}


@dataclass(frozen=True)
class _Mark:
    start: int
    end: int
    text: str
    before: str
    after: str

    @property
    def left(self) -> bool:
        """Return whether it is left-flanking."""
        return not self.after.isspace() and (
            not _PUNCTUATION.match(self.after) or self._loose(self.before)
        )

    @property
    def right(self) -> bool:
        """Return whether it is right-flanking."""
        return not self.before.isspace() and (
            not _PUNCTUATION.match(self.before) or self._loose(self.after)
        )

    @property
    def opens(self) -> bool:
        """Return whether it can open emphasis."""
        inside = self.text[0] == "_" and self.right and not _PUNCTUATION.match(self.before)
        return self.left and not inside

    @property
    def closes(self) -> bool:
        """Return whether it can close emphasis."""
        inside = self.text[0] == "_" and self.left and not _PUNCTUATION.match(self.after)
        return self.right and not inside

    @property
    def meant_to_open(self) -> bool:
        """Return whether an author may mean it to open."""
        return not self.after.isspace() and (
            self._loose(self.before) or bool(_CJK.match(self.before))
        )

    @property
    def meant_to_close(self) -> bool:
        """Return whether an author may mean it to close."""
        return not self.before.isspace() and (
            self._loose(self.after) or bool(_CJK.match(self.after))
        )

    @staticmethod
    def _loose(character: str) -> bool:
        return character.isspace() or bool(_PUNCTUATION.match(character))


def literal(page: Page) -> Iterator[Found]:
    """Yield each pair of marks that an author means as emphasis and a reader sees as marks."""
    for token, line in page.inlines:
        if not _NEAR.search(token.content):
            continue
        for opening, closing, mended in pairs(token.content):
            row, column = page.place(token, line, opening)
            words = token.content[opening:closing].replace("\n", " ").replace(FILLER, "…")
            shown = words if len(words) <= 60 else words[:40] + "…" + words[-15:]
            message = f"The marks stay in the text: {shown}"
            yield row, column, "literal-emphasis", message, f"Write {mended.replace(FILLER, '…')}"


def pairs(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield where each literal pair begins, where the word with it ends, and a mend of that."""
    masked = _OPAQUE.sub(_hidden, text)
    marks: dict[str, list[_Mark]] = {}
    for match in _RUN.finditer(masked):
        before = masked[match.start() - 1] if match.start() else " "
        after = masked[match.end()] if match.end() < len(masked) else " "
        if match[0] and before != match[0][0] and after != match[0][0]:
            mark = _Mark(match.start(), match.end(), match[0], before, after)
            marks.setdefault(match[0], []).append(mark)
    count = None
    for kind in marks.values():
        position = 0
        while position + 1 < len(kind):
            opening, closing = kind[position], kind[position + 1]
            if not (opening.meant_to_open and closing.meant_to_close):
                position += 1
                continue
            position += 2
            if (opening.opens and closing.closes) or not _blamed(opening, closing, text):
                continue
            count = _literals(text) if count is None else count
            if mended := _mend(text, opening, closing, count):
                end = closing.end + len(_particle(text, closing.end))
                yield opening.start, end, mended


def _hidden(match: "regex.Match[str]") -> str:
    found = match[0]
    if found[0] == "\\":
        return ".."
    inside = regex.sub(r"[^\n]", "x", found[1:-1])
    return (
        found[0] + inside + found[-1] if found[0] in "`<" else "x" + inside + "x" * (len(found) > 1)
    )


def _blamed(opening: _Mark, closing: _Mark, text: str) -> bool:
    inner = text[opening.end : closing.start]
    if not inner.strip() or len(inner) > _LONGEST:
        return False
    if opening.text == "__" and not regex.search(r"[\p{Hangul} ]", inner):
        # An identifier, such as __init__, has its marks rightly.
        return False
    return bool(
        (not closing.closes and _CJK.match(closing.after))
        or (not opening.opens and _CJK.match(opening.before))
    )


def _literals(text: str) -> int:
    """Return how many marks a reader sees in the text."""
    children = parser().parseInline(text)[0].children or ()
    return sum(len(regex.findall(r"[*_~]", t.content)) for t in children if t.type == "text")


def _mend(text: str, opening: _Mark, closing: _Mark, count: int) -> str:
    """Return the first mend that shows no mark; empty where these marks are not seen literally."""
    inner = text[opening.end : closing.start]
    seen = count - 2 * len(opening.text)
    if _literals(text[: opening.start] + inner + text[closing.end :]) != seen:
        return ""
    particle = _particle(text, closing.end)
    rest = text[closing.end + len(particle) :]
    for mended in _mends(inner, opening.text, particle):
        if _literals(text[: opening.start] + mended + rest) == seen:
            return mended
    return ""


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
