"""Raised and lowered text in plain text, and the runs of words that a page shows unbroken."""

from collections.abc import Iterator

import regex

_DIGITS = "0123456789+-=()"
_RAISED = str.maketrans(_DIGITS + "−ni", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾⁻ⁿⁱ")
_LOWERED = str.maketrans(_DIGITS + "−", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎₋")
_AS_DIGITS = {
    "sup": (regex.compile(r"[\d+\-−=()ni]*[\d+\-−][\d+\-−=()ni]*|[ni]"), _RAISED),
    "sub": (regex.compile(r"[\d+\-−=()]+"), _LOWERED),
}
_MARKS = {"sup": "^", "sub": "_"}
# Ordinals, trade marks and notes are raised, and mean the same where they are not.
_WORDS = regex.compile(r"[\p{L}.]{2,}|[^\x00-\x7f]+|\*+|\[.*\]|\s*")
_ALONE = regex.compile(r"[-+−]?[\p{L}\p{N}]+|.")
_WORD = regex.compile(r"[\p{L}\p{N}]")
# Between these a page shows other words than stand here: next to them, or after a break.
BESIDE, BREAK = "\ue001", "\ue002"
_LAST = regex.compile(r"\S+\Z")
_FIRST = regex.compile(r"\A\S+")


def height(tag: str, text: str, base: str) -> tuple[str, str, str]:
    """Return raised (`sup`) or lowered (`sub`) text in plain form: prefix, text and suffix.

    `x<sup>2</sup>` gives `x²`, and `a<sup>b+c</sup>` gives `a^(b+c)`. base: the text before it.
    After a number `^` is used (`2^10`), so that a search finds both numbers.
    """
    digits, table = _AS_DIGITS[tag]
    if digits.fullmatch(text) and not (tag == "sup" and base[-1:].isdecimal()):
        return "", text.translate(table), ""
    if _WORDS.fullmatch(text) and (tag == "sup" or not text.strip()):
        return "", text, ""
    if _ALONE.fullmatch(text):
        return _MARKS[tag], text, ""
    return f"{_MARKS[tag]}(", text, ")"


def longest(text: str) -> str:
    """Return the longest piece between the marks BREAK and BESIDE, in whole words.

    A word that touches BESIDE is left out.
    """
    runs = (" ".join(run.split()) for part in text.split(BREAK) for run in _whole(part))
    return max((run for run in runs if _WORD.search(run)), key=len, default="")


def _whole(part: str) -> Iterator[str]:
    pieces = part.split(BESIDE)
    for number, piece in enumerate(pieces):
        if number:
            piece = _FIRST.sub("", piece)
        yield piece if number == len(pieces) - 1 else _LAST.sub("", piece)
