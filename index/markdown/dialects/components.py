"""Components around Markdown: the text between their tags may be indented, as in MDX."""

from collections.abc import Mapping

import regex
from markdown_it.rules_block import StateBlock

_BRACES = r"\{(?:[^{}]++|\{(?:[^{}]++|\{[^{}]*+\})*+\})*+\}"
_VALUE = rf"(?:\"[^\"\n]*+\"|'[^'\n]*+'|{_BRACES})"
_FUNCTION = regex.compile(rf"(?=\{{[^\n]*=>){_BRACES}")
_ATTRIBUTES = rf"(?:\s++(?:[\w:@-]++(?:={_VALUE})?|\{{\.\.\.[^{{}}\n]*+\}}))*+"
_TAG = regex.compile(
    r"(?m)^[ \t]*+(?:(?P<fence>`{3,}+|~{3,}+)"
    rf"|<(?P<open>[A-Z][\w.]*+){_ATTRIBUTES}\s*+>[ \t]*+$"
    r"|</(?P<close>[A-Z][\w.]*+)\s*+>[ \t]*+$)"
)
# What is kept of a page in the parser's own notes: its text, and its pairs of tags by line.
_PAIRS, _DEPTH = "component pairs", "component depth"
_DEEPEST = 12

Pairs = Mapping[int, tuple[int, int]]


def component(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Read the Markdown between two component tags on their own lines, at any indentation."""
    at = state.bMarks[start] + state.tShift[start]
    if not state.src[at + 1 : at + 2].isupper():
        return False
    depth = state.env.get(_DEPTH, 0)
    below, last = _pairs(state).get(start, (0, 0))
    if not below or last >= end or depth >= _DEEPEST:
        return False
    if silent:
        return True
    _tag(state, start, below)
    before = state.parentType, state.lineMax, state.blkIndent
    margins = (state.sCount[n] for n in range(below, last) if not state.isEmpty(n))
    state.parentType, state.lineMax = "component", last
    state.blkIndent = max(state.blkIndent, min(margins, default=0))
    state.env[_DEPTH] = depth + 1
    state.md.block.tokenize(state, below, last)
    state.env[_DEPTH] = depth
    state.parentType, state.lineMax, state.blkIndent = before
    _tag(state, last, last + 1)
    state.line = last + 1
    return True


def _tag(state: StateBlock, first: int, after: int) -> None:
    token = state.push("html_block", "", 0)
    token.map = [first, after]
    token.content = state.getLines(first, after, state.blkIndent, True)
    # HTML would end the tag at the arrow of a function.
    token.content = _FUNCTION.sub('""', token.content)


def _pairs(state: StateBlock) -> Pairs:
    """Return the pairs of tags, by the line at which an opening tag starts.

    The value of a pair is the line after the opening tag, and the line of the closing tag.
    """
    text: str
    pairs: Pairs
    text, pairs = state.env.get(_PAIRS, ("", {}))
    if text is not state.src:
        pairs = _found(state.src)
        state.env[_PAIRS] = (state.src, pairs)
    return pairs


def _found(source: str) -> Pairs:
    pairs: dict[int, tuple[int, int]] = {}
    opened: dict[str, list[tuple[int, int]]] = {}
    fence, line, counted = "", 0, 0
    for match in _TAG.finditer(source):
        line += source.count("\n", counted, match.start())
        counted = match.start()
        if match["fence"]:
            if not fence:
                fence = match["fence"]
            elif match["fence"].startswith(fence):
                fence = ""
        elif match["open"] and not fence:
            below = line + match[0].count("\n") + 1
            opened.setdefault(match["open"], []).append((line, below))
        elif match["close"] and not fence and opened.get(match["close"]):
            start, below = opened[match["close"]].pop()
            pairs[start] = (below, line)
    return pairs
