"""Footnotes of a page: numbered by their calls, listed at its end, linked both ways."""

from collections.abc import Sequence
from html import escape

from markdown_it.token import Token

from index.markdown import closing


def footnoted(tokens: Sequence[Token]) -> list[Token]:
    """Return the tokens of a page with its footnotes at the end; uncalled ones stay in place."""
    calls = _numbered(tokens)
    kept: list[Token] = []
    notes: dict[int, Sequence[Token]] = {}
    position = 0
    while position < len(tokens):
        token = tokens[position]
        number = calls.get(str(token.meta.get("label")), (0, 0))[0]
        after = closing(tokens, position) + 1
        if token.type == "footnote_reference_open" and number and number not in notes:
            notes[number] = tokens[position + 1 : after - 1]
            position = after
        else:
            kept.append(token)
            position += 1
    times = dict(calls.values())
    labels = {number: label for label, (number, _) in calls.items()}
    ends = [each for n in sorted(notes) for each in _note(n, labels[n], times[n], notes[n])]
    return [*kept, _html("<hr>\n<ol>\n"), *ends, _html("</ol>\n")] if notes else kept


def _numbered(tokens: Sequence[Token]) -> dict[str, tuple[int, int]]:
    """Number each call in the tokens, and return (number, count of calls) for each label."""
    found: dict[str, tuple[int, int]] = {}
    for token in tokens:
        for child in token.children or ():
            if "subId" not in child.meta:
                continue
            label = child.meta["label"]
            number, times = found.get(label, (len(found) + 1, 0))
            found[label] = number, times + 1
            place = f'id="{_call(number, times + 1)}" href="#fn:{number}"'
            child.content = f"<sup><a {place}>{number}</a></sup>"
    return found


def _note(number: int, label: str, times: int, tokens: Sequence[Token]) -> list[Token]:
    back = " ".join(f'<a href="#{_call(number, each)}">↩</a>' for each in range(1, times + 1))
    # So GitHub and others call it, and notes that come from there.
    back += f'<span id="user-content-fn-{escape(label)}"></span>'
    ways = Token("html_inline", "", 0, content=f" {back}")
    lead, end = _html(f'<li id="fn:{number}">\n'), _html("</li>\n")
    if len(tokens) > 1 and tokens[-1].type == "paragraph_close":
        tokens[-2].children = [*(tokens[-2].children or ()), ways]
        return [lead, *tokens, end]
    return [lead, *tokens, _html(f"<p>{back}</p>\n"), end]


def _call(number: int, time: int) -> str:
    return f"fnref:{number}" + (f":{time}" if time > 1 else "")


def _html(content: str) -> Token:
    return Token("html_block", "", 0, content=content)
