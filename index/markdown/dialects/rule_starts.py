"""A choice of parser rules by their first character, so that few rules are tried at most places.

The result of parsing stays the same: each rule checks its first character itself anyway, and rules
with the same first character are tried in their usual order.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from markdown_it import MarkdownIt
from markdown_it.ruler import Ruler
from markdown_it.rules_block import StateBlock, lheading
from markdown_it.rules_inline import StateInline

BlockRule = Callable[[StateBlock, int, int, bool], bool]
InlineRule = Callable[[StateInline, bool], bool]
_Rule = TypeVar("_Rule")

# Rules that are not named here may start anywhere.
_BLOCKS = {
    "front_matter": "-+{",
    "extras": "!?=%([-<{",
    "math": "$",
    "module": "ie",
    "container_section": ":",
    "container_section_slashes": "/",
    "fence": "`~",
    "blockquote": ">",
    "hr": "*-_",
    "list": "*-+0123456789",
    "footnote_def": "[",
    "reference": "[",
    "html_block": "<",
    "heading": "#",
}
# To end another block, a definition must stand in the line itself, not in the next one.
_ENDS = {**_BLOCKS, "deflist": ":"}
_INLINES = {
    "newline": "\n",
    "dialects": "{[!%<$=^:+",
    "escape": "\\",
    "backticks": "`",
    "strikethrough": "~",
    "emphasis": "*_",
    "link": "[",
    "image": "!",
    "footnote_ref": "[",
    "autolink": "<",
    "html_inline": "<",
    "entity": "&",
}
# The end of a link's text is looked for as well.
_SELDOM = ":+"
_STOPS = re.compile(
    "[" + re.escape("".join({*"".join(_INLINES.values()), "]"} - {*_SELDOM})) + "]"
    # Most colons begin nothing, and most plus signs.
    r"|:(?=[a-z0-9+][\w+-]*:)|\+(?=\+[a-z0-9])"
)
_NEAR = 100


def start_plugin(markdown: MarkdownIt) -> None:
    """Replace all rules of a parser by a few that choose among them; add this plugin last."""
    blocks = markdown.block.ruler
    blocks.at("lheading", _underlined)
    rules = _named(blocks)
    ending = {
        f"ends_{chain}": ([rule for rule in rules if rule[1] in blocks.getRules(chain)], chain)
        for chain in ("paragraph", "reference", "blockquote", "list")
    }
    first = rules[0][0]
    blocks.before(first, "opening", _block_rule(_by_start(rules, _BLOCKS)))
    for name, (own, chain) in ending.items():
        blocks.before(first, name, _block_rule(_by_start(own, _ENDS)), {"alt": [chain]})
    # The last one is asked whether there is indented code at all.
    blocks.enableOnly(["opening", *ending, "code"])
    inlines = markdown.inline.ruler
    inlines.push("any", _inline_rule(_by_start(_named(inlines), _INLINES)))
    inlines.enableOnly(["any"])
    markdown.inline.terminator_re = _STOPS


def _named(ruler: Ruler[_Rule]) -> list[tuple[str, _Rule]]:
    return list(zip(ruler.get_active_rules(), ruler.getRules(""), strict=True))


def _by_start(
    rules: Sequence[tuple[str, _Rule]], starts: Mapping[str, str]
) -> dict[str, tuple[_Rule, ...]]:
    """Return the rules to try for each first character, in order; "" stands for all others."""
    characters = {"", *"".join(starts.values())}
    return {
        character: tuple(
            rule
            for name, rule in rules
            if name not in starts or (character and character in starts[name])
        )
        for character in characters
    }


def _block_rule(rules: Mapping[str, tuple[BlockRule, ...]]) -> BlockRule:
    others = rules[""]

    def tried(state: StateBlock, start: int, end: int, silent: bool) -> bool:
        at = state.bMarks[start] + state.tShift[start]
        for rule in rules.get(state.src[at : at + 1], others):
            if rule(state, start, end, silent):
                return True
        return False

    return tried


def _inline_rule(rules: Mapping[str, tuple[InlineRule, ...]]) -> InlineRule:
    others = rules[""]

    def tried(state: StateInline, silent: bool) -> bool:
        # A generator would cost as much as the rules.
        for rule in rules.get(state.src[state.pos], others):  # noqa: SIM110
            if rule(state, silent):
                return True
        return False

    return tried


def _underlined(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Read an underlined heading, if a line below begins with `-` or `=`."""
    for line in range(start + 1, min(end, start + _NEAR)):
        at = state.bMarks[line] + state.tShift[line]
        if at >= state.eMarks[line]:
            break
        if state.src[at] in "-=":
            return lheading(state, start, end, silent)
    else:
        if end > start + _NEAR:
            return lheading(state, start, end, silent)
    # The library's rule leaves it so where it finds none.
    if not state.is_code_block(start):
        state.parentType = "paragraph"
    return False
