"""Pairs of emphasis marks around several sentences, for sentences that are parsed one by one."""

from collections.abc import Sequence

import regex

from index.markdown.dialects import MATH

_RUN = regex.compile(
    rf"\\.|`++(?:[^`]++`++)?+|{MATH.pattern}"
    r"|(?P<run>(?<!\*)\*{1,3}(?!\*)|(?<!~)~~(?!~)|(?<!=)==(?!=))",
    regex.DOTALL,
)


def paired(text: str, cuts: Sequence[tuple[int, int]]) -> list[str]:
    """Return the pieces of a text, with marks added where a cut separates a pair of marks.

    `**One. Two.**` becomes `["**One.**", "**Two.**"]`. cuts: [start, end) of each piece, in order.
    """
    if len(cuts) < 2:
        return [text[start:end] for start, end in cuts]
    opened = _opened(text, [place for cut in cuts for place in cut])
    halves = zip(cuts, opened[::2], opened[1::2], strict=True)
    return ["".join((*left, text[a:b], *reversed(right))) for (a, b), left, right in halves]


def _opened(text: str, places: Sequence[int]) -> list[tuple[str, ...]]:
    """Return the marks that are open at each offset, the outermost one first.

    If a mark has no partner, it may not be a mark at all; then no marks are returned.
    """
    nothing: list[tuple[str, ...]] = [()] * len(places)
    found: list[tuple[str, ...]] = []
    opened: list[str] = []
    for match in _RUN.finditer(text):
        start, end = match.span()
        run = match["run"]
        before, after = text[max(start - 1, 0) : start].strip(), text[end : end + 1].strip()
        if not run or not (before or after):
            continue
        while len(found) < len(places) and places[len(found)] <= start:
            found.append(tuple(opened))
        for mark in _marks(run, opened):
            if before and opened and opened[-1] == mark:
                opened.pop()
            elif after and mark not in opened:
                opened.append(mark)
            else:
                return nothing
    return nothing if opened else found + nothing[len(found) :]


def _marks(run: str, opened: Sequence[str]) -> Sequence[str]:
    """Return the marks of a run in the order in which they open or close."""
    if run != "***":
        return (run,)
    return ("*", "**") if opened and opened[-1] == "*" else ("**", "*")
