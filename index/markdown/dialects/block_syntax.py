"""Block syntax of generators and editors: admonitions, tabs, containers, comments, imports."""

from collections.abc import Callable, Iterator
from html import escape

import regex
from markdown_it import MarkdownIt
from markdown_it.ruler import RuleOptionsType
from markdown_it.rules_block import StateBlock
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from mdit_py_plugins.admon.index import admonition
from mdit_py_plugins.container import container_plugin
from mdit_py_plugins.deflist import deflist_plugin
from mdit_py_plugins.dollarmath.index import math_block_dollar
from mdit_py_plugins.footnote.index import footnote_def

from index.markdown.dialects import tag_words
from index.markdown.dialects.components import component
from index.markdown.dialects.headings import is_raw, piece
from index.markdown.dialects.inline_syntax import LIQUID
from index.markdown.dialects.mdx_modules import module_end

Rule = Callable[[StateBlock, int, int, bool], bool]

CONTAINER = "container_section"
_ADMONITION = regex.compile(
    r"(?:!!!|\?\?\?\+?)[ \t]+(?P<types>[A-Za-z][\w-]*(?:[ \t]+[\w-]+)*)"
    r"(?P<title>[ \t]+\"[^\n]*\")?[ \t]*"
)
_TAB = regex.compile(r"===[!+]*[ \t]+(?:\"(?P<title>[^\n]*)\"|'(?P<other>[^\n]*)')[ \t]*")
_CONTAINER = regex.compile(
    r"\s*(?P<type>[A-Za-z][\w-]*)?\s*(?:\[(?P<label>[^\]]*)\])?\s*(?:\{(?P<list>[^}]*)\})?(?P<rest>.*)"
)
_TITLE = regex.compile(r"title=[\"']([^\"']*)[\"']")
# `/// note | Title`: a block of which the title is shown, and its options are not.
_SLASHED = f"{CONTAINER}_slashes"
_SLASHES = regex.compile(
    r"\s*(?:(?:html|define)\b[^\n]*|[A-Za-z][\w-]*\s*(?:\|(?P<title>[^\n]*))?)"
)
_LABEL = regex.compile(r"\((?P<id>[^\s()]+)\)=[ \t]*")
_ADMONITIONS = frozenset(
    (
        "admonition",
        "attention",
        "caution",
        "danger",
        "error",
        "hint",
        "important",
        "note",
        "tip",
        "warning",
    )
)
_OPTIONS = regex.compile(r"(?:[A-Za-z][\w-]*:[^\n]*\n?|[ \t]+[^\n]*\n?)+")
_LIQUID = regex.compile(rf"(?m)^[ \t]*+(?:(?s:{LIQUID.pattern})[ \t]*+)++$\n?")
_CONTENTS = regex.compile(r"@?\[_?toc_?\]\s*|\[\[_?toc_?\]\]\s*", regex.IGNORECASE)
# A shortcode on several lines: the mark that ends it may stand alone, and is no quote's.
_SHORTCODE = regex.compile(
    r"\{\{[<%](?:(?!\{\{|\n?[ \t]*+[>%]\}\}|\n[ \t]*+\n).){0,2000}+\n[ \t]*+[>%]\}\}[ \t]*+$",
    regex.DOTALL | regex.MULTILINE,
)
# A tag inside which a generator reads Markdown too.
_MARKED = regex.compile(
    r"""(?P<tag><(?P<name>address|article|aside|blockquote|center|details|div|figcaption|figure"""
    r"""|footer|header|li|main|nav|p|section|summary|t[dh])(?=[ \t])[^<>\n]*?[ \t]markdown"""
    r"""(?:=["']?(?:1|block|span)["']?)?(?:[ \t][^<>\n]*)?>)[ \t]*"""
    r"""(?:(?P<text>[^\n]*\S)[ \t]*(?P<close></(?P=name)>))?[ \t]*"""
)
_SNIPPET = regex.compile(r"-{1,}8<-{1,}(?P<file>[ \t]+\S[^\n]*)?[ \t]*")
# Names of files between two lines of a snippet, at most.
_NAMES = 50
# Lines of a formula with empty ones among them, at most.
_FORMULA = 50
_WIDTH = 4


def block_plugin(markdown: MarkdownIt) -> None:
    """Add the rules for block syntax to a parser."""
    starts: RuleOptionsType = {"alt": ["paragraph", "reference", "blockquote", "list"]}
    notes: RuleOptionsType = {"alt": ["paragraph", "reference"]}
    ruler = markdown.block.ruler
    ruler.before("fence", "extras", _extras, starts)
    ruler.before("fence", "math", _math)
    ruler.before("fence", "module", _module)
    ruler.before("reference", "footnote_def", _footnote_def, notes)
    container_plugin(markdown, "section", validate=lambda info, _: _names_a_container(info))
    container_plugin(
        markdown, "section_slashes", "/", lambda info, _: _SLASHES.fullmatch(info) is not None
    )
    deflist_plugin(markdown)
    rule = next(each.fn for each in ruler.__rules__ if each.name == "deflist")
    ruler.at("deflist", _definitions(rule), {"alt": ["paragraph", "reference", "blockquote"]})
    markdown.core.ruler.after("block", "titles", _titles)


def _extras(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    at = state.bMarks[start] + state.tShift[start]
    rule = _RULES.get(state.src[at : at + 1])
    return rule is not None and rule(state, start, end, silent)


def _line(state: StateBlock, number: int) -> str:
    return str(state.src[state.bMarks[number] + state.tShift[number] : state.eMarks[number]])


def _is_indented(state: StateBlock, line: int) -> bool:
    return bool(state.is_code_block(line))


def _has_body(state: StateBlock, start: int, end: int) -> bool:
    following = (n for n in range(start + 1, end) if not state.isEmpty(n))
    first = next(following, None)
    return first is not None and state.sCount[first] >= state.sCount[start] + _WIDTH


def _admonition(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    text = _line(state, start)
    match = _ADMONITION.fullmatch(text) if text[:3] in ("!!!", "???") else None
    if match is None or not (match["title"] or _has_body(state, start, end)):
        return False
    if silent:
        return not _is_indented(state, start)
    found = len(state.tokens)
    if not admonition(state, start, end, silent):
        return False
    opened, *rest = state.tokens[found:]
    opened.attrs = {"class": "admonition"}
    if rest and rest[0].type == "admonition_title_open":
        rest[0].attrs = {}
        title = (match["title"] or "").strip()[1:-1]
        rest[1].content = title or match["types"].split()[0].capitalize()
        # A label that no one wrote stands nowhere in the source.
        rest[1].meta["label"] = not title
    return True


def _tab(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    text = _line(state, start)
    match = _TAB.fullmatch(text) if text.startswith("===") else None
    if match is None or _is_indented(state, start) or not _has_body(state, start, end):
        return False
    if silent:
        return True
    indent = state.sCount[start] + _WIDTH
    last = start + 1
    while last < end and (state.isEmpty(last) or state.sCount[last] >= indent):
        last += 1
    opened = state.push("tab_open", "div", 1)
    opened.block, opened.map = True, [start, last]
    _push_title(state, (match["title"] or match["other"] or "").strip(), start)
    before = state.parentType, state.lineMax, state.blkIndent
    state.parentType, state.lineMax, state.blkIndent = "tab", last, indent
    state.md.block.tokenize(state, start + 1, last)
    state.parentType, state.lineMax, state.blkIndent = before
    state.push("tab_close", "div", -1).block = True
    state.line = last
    return True


def _push_title(state: StateBlock, title: str, line: int) -> None:
    if title:
        state.push("paragraph_open", "p", 1).map = [line, line + 1]
        inline = state.push("inline", "", 0)
        inline.content, inline.map, inline.children = title, [line, line + 1], []
        state.push("paragraph_close", "p", -1)


_dollars = math_block_dollar(allow_labels=False, allow_blank_lines=False)
_spaced_dollars = math_block_dollar(allow_labels=False, allow_blank_lines=True)


def _math(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    if silent or not state.src.startswith("$$", state.bMarks[start] + state.tShift[start]):
        return False
    found = len(state.tokens)
    alone = _line(state, start).strip() == "$$"
    rule = _spaced_dollars if alone and _closes(state, start, end) else _dollars
    if not rule(state, start, end, silent):
        return False
    for token in state.tokens[found:]:
        token.type, token.tag, token.info = "fence" if alone else "code_block", "code", "math"
        token.content = token.content.strip("\n") + "\n"
    return True


def _closes(state: StateBlock, start: int, end: int) -> bool:
    """Return whether a formula that starts with a line `$$` ends with such a line soon.

    The formula may contain empty lines, but no heading.
    """
    below = (_line(state, n).rstrip() for n in range(start + 1, min(end, start + _FORMULA)))
    return next((line == "$$" for line in below if line == "$$" or line.startswith("#")), False)


def _comment(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Leave out a comment, which is the text between two lines of `%%`."""
    if _line(state, start).strip() != "%%" or _is_indented(state, start):
        return False
    last = next((n for n in range(start + 1, end) if _line(state, n).strip() == "%%"), None)
    if last is None:
        return False
    if not silent:
        state.line = last + 1
    return True


def _module(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Leave out the imports and exports of an MDX page."""
    at = state.bMarks[start] + state.tShift[start]
    if silent or state.level or not state.src.startswith(("import", "export"), at):
        return False
    after = module_end(state.src, at, state.eMarks[end - 1], state.env)
    if after is None:
        return False
    state.line = start + state.src.count("\n", at, after) + 1
    return True


def _label(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Read a label `(name)=`, which gives an id to the text below it."""
    match = _LABEL.fullmatch(_line(state, start))
    if match is None or _is_indented(state, start):
        return False
    if not silent:
        token = state.push("html_block", "", 0)
        token.content, token.map = f'<span id="{escape(match["id"])}"></span>\n', [start, start + 1]
        state.line = start + 1
    return True


def _definitions(rule: Rule) -> Rule:
    """Return the rule for definition lists, without definitions that begin with a tilde.

    A tilde at the start of a line usually means a range there.
    """

    def tried(state: StateBlock, start: int, end: int, silent: bool) -> bool:
        number = start if silent else start + 1
        if number < end and state.isEmpty(number):
            number += 1
        if number < end and state.src.startswith("~", state.bMarks[number] + state.tShift[number]):
            return False
        return rule(state, start, end, silent)

    return tried


def _contents(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Leave out the mark for a table of contents, such as `[TOC]`."""
    if silent or _is_indented(state, start) or not _CONTENTS.fullmatch(_line(state, start)):
        return False
    if start + 1 < end and not state.isEmpty(start + 1):
        return False
    state.line = start + 1
    return True


def _snippet(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Leave out an inclusion of files: `--8<-- "file"`, or file names between two such lines."""
    text = (
        _line(state, start) if "8<" in state.src[state.bMarks[start] : state.eMarks[start]] else ""
    )
    match = _SNIPPET.fullmatch(text)
    if match is None or _is_indented(state, start):
        return False
    last = start
    if not match["file"]:
        lines = range(start + 1, min(end, start + _NAMES))
        last = next((n for n in lines if _SNIPPET.fullmatch(_line(state, n))), start)
    if not silent:
        state.line = last + 1
    return True


def _shortcode(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    at = state.bMarks[start] + state.tShift[start]
    match = _SHORTCODE.match(state.src, at) if state.src.startswith("{{", at) else None
    if match is None or _is_indented(state, start):
        return False
    last = start + match[0].count("\n")
    if last >= end or any(state.sCount[n] < state.blkIndent for n in range(start, last + 1)):
        return False
    if not silent:
        lines = range(start, last + 1)
        _push_title(state, "\n".join(_line(state, n).strip() for n in lines), start)
        state.tokens[-3].map = [start, last + 1]
        state.tokens[-2].map = [start, last + 1]
        state.line = last + 1
    return True


def _marked(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Read `<div markdown>` as only a tag, so that the text after it is parsed as Markdown."""
    text = _line(state, start)
    match = _MARKED.fullmatch(text) if "markdown" in text else None
    if match is None or _is_indented(state, start):
        return False
    if not silent:
        _push_tag(state, match["tag"], start)
        if match["close"]:
            _push_title(state, match["text"], start)
            _push_tag(state, match["close"], start)
        state.line = start + 1
    return True


def _push_tag(state: StateBlock, tag: str, line: int) -> None:
    token = state.push("html_block", "", 0)
    token.content, token.map = f"{tag}\n", [line, line + 1]


def _tagged(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    return component(state, start, end, silent) or _marked(state, start, end, silent)


_RULES: dict[str, Rule] = {
    "!": _admonition,
    "?": _admonition,
    "=": _tab,
    "%": _comment,
    "(": _label,
    "[": _contents,
    "-": _snippet,
    "<": _tagged,
    "{": _shortcode,
}


def _footnote_def(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    if not state.src.startswith("[^", state.bMarks[start] + state.tShift[start]):
        return False
    found = len(state.tokens)
    if not footnote_def(state, start, end, silent):
        return False
    if not silent:
        for token in state.tokens[found:]:
            if token.type.startswith("footnote_reference"):
                token.tag, token.block = "div", True
    return True


def _names_a_container(info: str) -> bool:
    text = info.strip()
    return text[:1].isalpha() or text[:1] == "{"


def _titles(state: StateCore) -> None:
    """Insert the titles of containers and components as paragraphs before their contents."""
    found: list[Token] = []
    after_slashes = False
    for token in state.tokens:
        if after_slashes and token.type == "code_block" and _OPTIONS.fullmatch(token.content):
            after_slashes = False
            continue
        if token.type == "html_block":
            found += _titled(token)
            after_slashes = False
            continue
        found.append(token)
        opens = token.type.startswith(CONTAINER) and token.nesting > 0
        if opens and (title := container_title(token)):
            found += _paragraph(title, (token.map or [0])[0], token.level)
        # Below its first line such a container may have options.
        after_slashes = opens and token.type.startswith(_SLASHED)
        if after_slashes and (label := _called(token)):
            found += _paragraph(label, (token.map or [0])[0], token.level)
            found[-2].meta["label"] = True
            token.attrSet("class", "admonition")
    state.tokens = found


def _called(token: Token) -> str:
    """Return the default title of an admonition: `note` gives `Note`; "" for other containers."""
    kind = token.info.strip()
    return kind.capitalize() if kind in _ADMONITIONS else ""


def _titled(block: Token) -> Iterator[Token]:
    done = 0
    for start, end, title in () if is_raw(block) else _title_places(block.content):
        yield from piece(block, done, start)
        line = (block.map or [0])[0] + block.content.count("\n", 0, start)
        yield from _paragraph(title, line, block.level) if title else ()
        done = end
    yield from piece(block, done, len(block.content))


def _title_places(content: str) -> list[tuple[int, int, str]]:
    """Return the pieces of an HTML block that print a title: [start, end) and the words.

    The title of a component is inserted before its tag (start equals end); the words of a line of
    Liquid tags replace that line.
    """
    found = [(start, start, title) for start, title in tag_words.titles(content)]
    for match in _LIQUID.finditer(content) if "{%" in content else ():
        printed = (tag_words.liquid(tag["body"]) for tag in LIQUID.finditer(match[0]))
        found.append((*match.span(), " ".join(filter(None, printed))))
    return sorted(found)


def _paragraph(text: str, line: int, level: int) -> list[Token]:
    opened = Token("paragraph_open", "p", 1, block=True, map=[line, line + 1])
    inline = Token("inline", "", 0, content=text, children=[], block=True)
    inline.map, inline.level = [line, line + 1], level + 1
    return [opened, inline, Token("paragraph_close", "p", -1, block=True)]


def container_title(token: Token) -> str:
    """Return the title in the first line of a container: `:::note Title`, `:::note[Title]`."""
    if token.type.startswith(_SLASHED):
        match = _SLASHES.fullmatch(token.info)
        return match["title"].strip() if match and match["title"] else ""
    match = _CONTAINER.fullmatch(token.info.strip())
    if match is None:
        return ""
    named = _TITLE.search(match["list"] or "")
    parts = (match["label"], named[1] if named else "", match["rest"])
    return " ".join(part.strip() for part in parts if part and part.strip())
