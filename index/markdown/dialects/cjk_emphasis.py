"""Emphasis beside Hangul, Han and Kana, understood as its author means it.

In CommonMark a mark next to punctuation needs white space or punctuation on its other side. Korean
writes particles directly after words, so that `**용어(term)**는` is not emphasis there. Here a CJK
letter on the other side is enough, as in the draft of a CJK-friendly CommonMark.
"""

import unicodedata
from collections.abc import Callable
from functools import lru_cache
from typing import Literal

import regex
from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline, emphasis, strikethrough

InlineRule = Callable[[StateInline, bool], bool]
Kind = Literal["space", "punctuation", "cjk", "cjk punctuation", "other"]

# Where a mark stands in its text, and whether it is one by this rule alone: a token's meta.
MARK = "mark"
CJK = regex.compile(
    r"[\p{Hangul}\p{Han}\p{Hiragana}\p{Katakana}\p{Bopomofo}\u3000-\u303f\uff01-\uffee]"
)
_NO_NAME = regex.compile(r"[\p{Hangul}\s]")
_NEAR = 200
# Authors put these between a mark and a word so that other readers show it.
_INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff"


def emphasis_plugin(markdown: MarkdownIt) -> None:
    """Replace the rules for emphasis and strikethrough in a parser by CJK-friendly ones."""
    ruler = markdown.inline.ruler
    ruler.at("emphasis", _friendly(emphasis.tokenize))
    ruler.at("strikethrough", _friendly(strikethrough.tokenize))


def _friendly(rule: InlineRule) -> InlineRule:
    def found(state: StateInline, silent: bool) -> bool:
        start, known = state.pos, len(state.delimiters)
        if not rule(state, silent):
            return False
        if known < len(state.delimiters):
            _loosen(state, start, known)
        return True

    return found


def _loosen(state: StateInline, start: int, known: int) -> None:
    """Allow the marks that were just read to open and close emphasis beside CJK letters."""
    marks = state.delimiters[known:]
    opens, closes = _meant(state, start)
    width = len(state.tokens[marks[0].token].content)
    at = state.pos - width * len(marks)
    for mark in marks:
        alone = (opens and not mark.open, closes and not mark.close)
        mark.open, mark.close = mark.open or opens, mark.close or closes
        state.tokens[mark.token].meta[MARK] = (at, *alone)
        at += width


def _meant(state: StateInline, start: int) -> tuple[bool, bool]:
    """Return whether the marks from `start` to the state's position may open, and may close."""
    first, after = start - 1, state.pos
    while first >= 0 and state.src[first] in _INVISIBLE:
        first -= 1
    while after < state.posMax and state.src[after] in _INVISIBLE:
        after += 1
    before = _kind(state.src[first]) if first >= 0 else "space"
    behind = _kind(state.src[after]) if after < state.posMax else "space"
    left = behind != "space" and (behind != "punctuation" or before != "other")
    right = before != "space" and (before != "punctuation" or behind != "other")
    if state.src[start] != "_":
        return left, right
    # Names are full of it: within a word it only closes, and before a particle.
    near = state.src[max(0, start - _NEAR) : start]
    particle = behind == "cjk" and _ends_a_word(near, state.pos - start)
    return left and not right, right and (not left or particle)


def _ends_a_word(text: str, width: int) -> bool:
    """Return whether underscores after a text close emphasis and are not part of a name.

    `_도커_` and `__the term__` are emphasis, `__init__` and `변수_이름_` are names. width: the
    number of underscores.
    """
    before, mark, inner = text.rpartition("_" * width)
    if not mark or before[-1:].isalnum() or before.endswith("_"):
        return False
    return bool(inner.strip()) and (width == 1 or _NO_NAME.search(inner) is not None)


@lru_cache(maxsize=4096)
def _kind(character: str) -> Kind:
    if character.isspace():
        return "space"
    punctuation = unicodedata.category(character)[0] in "PS"
    if CJK.match(character):
        return "cjk punctuation" if punctuation else "cjk"
    return "punctuation" if punctuation else "other"
