"""Inline syntax of generators and editors, reduced to the words that it shows.

Invisible syntax makes no token, words become text tokens, and links become link tokens. So every
CommonMark renderer can show the result.
"""

from collections.abc import Callable
from html import escape
from urllib.parse import quote

import regex
from markdown_it import MarkdownIt
from markdown_it.common.utils import normalizeReference
from markdown_it.rules_inline import StateInline
from mdit_py_plugins.footnote.index import footnote_ref
from rich.emoji import Emoji

from index.markdown.dialects import tag_words
from index.markdown.dialects.anchors import slug
from index.markdown.dialects.attributes import ATTRIBUTES, identifier

_SHORTCODE = regex.compile(r"\{\{[<%](?P<body>(?:(?!\{\{|[>%]\}\}).)*+)[>%]\}\}", regex.DOTALL)
LIQUID = regex.compile(r"\{%-?(?P<body>(?:(?!\{%|-?%\}).)*+)-?%\}", regex.DOTALL)
_MDX_COMMENT = regex.compile(r"\{/\*(?:(?!\{/\*|\*/\}).)*+\*/\}", regex.DOTALL)
# A condition of a shell is none, `[[ -f file ]]`, nor is `[[text]](address)`.
_WIKILINK = regex.compile(
    r"!?\[\[(?P<page>[^\s\[\]|#^][^\[\]|#\n]*| ++[^\s\[\]|#^][^\[\]|#\n]*(?<! ))?"
    r"(?:#(?P<heading>(?:[^\[\]|\\\n]|\\(?!\|).|\[[^\[\]\n]*+\])++))?"
    r"(?:\\?\|(?P<text>(?:[^\[\]\\\n]|\\.|\[[^\[\]\n]*+\])++))?\]\]"
    r"(?!\[(?!\[)|\((?:[^\s()<>]*+(?:\([^\s()]*+\)[^\s()]*+)*+|<[^<>\n]*+>)"
    r"(?:\s++(?:\"[^\"\n]*+\"|'[^'\n]*+'))?\))"
)
# What the parser notes of a link or a picture in double brackets: its page may stand anywhere.
WIKI = "wikilink"
_SIZE = regex.compile(r"(?<![^|])\d{1,4}(?:x\d{1,4})?(?![^|])")
_CALLOUT = regex.compile(r"\[!(?P<type>[\p{L}][\w-]*)\](?![(\[:])[+-]?[ \t]*")
_COMMENT = regex.compile(r"%%(?=\S|[ \n])[^%]+?%%(?!\w)")
_TARGET = regex.compile(
    r"\[(?P<text>(?:[^\[\]\\]|\\.)*+)\]\((?P<to>\s*\{[{%](?:(?!\{[{%])[^\n])*?[%}]\}[^)\s]*)\s*\)"
)
TASK = regex.compile(r"\[(?:[xX]|(?P<open> ))\][ \t]+(?=\S)")
# A short number is a power.
BLOCK_ID = regex.compile(r"(?:^|(?<=\s)|\s)(?P<id>\^(?!\d{1,3}\s*\Z)[A-Za-z0-9-]+)\s*\Z")
_MARKER = regex.compile(
    r"==(?=[^\s=])(?P<text>(?:`[^`\n]*+`|(?!==)[^`]|`)+?)(?<=[^\s=])==(?![A-Za-z0-9_=(])"
)
# Icons of a theme, and the emoji of GitHub: a colon beside a letter or a colon is no mark of one.
_ICON = regex.compile(
    r":(?:material|octicons|fontawesome|simple)(?P<parts>(?:-[a-z0-9]++)++):(?![\w:])"
)
_EMOJI = regex.compile(r":[a-z0-9+][\w+-]*+:(?![\w:])")
_SIGNS = {"check": "✓", "close": "✗", "xmark": "✗"}
_KEYS = regex.compile(r"\+\+(?P<keys>[a-z0-9][a-z0-9-]*+(?:\+[a-z0-9][a-z0-9-]*+)*+)\+\+(?![\w+])")
# What a generator finds in other pages by its full name.
_ELSEWHERE = regex.compile(
    r"\[(?P<text>(?:[^\[\]\\]|\\.)++)\]\[(?P<label>[A-Za-z_]\w*+(?:\.\w++)++)\]"
)
_INSERTED = regex.compile(r"\^\^(?=\S)(?P<text>[^\^\n]++)(?<=\S)\^\^(?!\^)")
# After these two signs compare.
_CODE_BEFORE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_=)]'\"!<>")
_ESCAPED = regex.compile(r"\\([\[\]*_`#|\\])")
_TAGGED = regex.compile(r"<(?P<tag>[A-Za-z]++)\b[^<>]*+>(?P<words>[^<>]*+)</(?P=tag)>")
_ID_LINE = regex.compile(r"\^(?!\d{1,3}\s)[A-Za-z0-9-]+[ \t]*(?=\n)")
_PICTURE = (".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp", ".avif", ".bmp", ".pdf", ".mp4")
# A formula; two prices are none. Neither a digit before a dollar sign nor one behind it is.
MATH = regex.compile(
    r"\$\$(?:[^$\\]++|\\.|\$(?!\$))++\$\$|(?<!\d)\$(?![\s$])(?:[^$\\]++|\\.)++(?<!\s)\$(?!\d)",
    regex.DOTALL,
)
_BRACES = r"\{(?:[^{}]++|\{(?:[^{}]++|\{[^{}]*+\})*+\})*+\}"
_COMPONENT = regex.compile(
    r"<[A-Z][\w.]*+(?:\s++(?:[\w:-]++(?:=(?:\"[^\"]*+\"|'[^']*+'|" + _BRACES + r"))?|"
    r"\{\.\.\.[^{}]*+\}))++\s*+/?>"
)


def inline_plugin(markdown: MarkdownIt) -> None:
    """Add the rules for inline syntax to a parser; they never change code."""
    markdown.inline.ruler.before("escape", "dialects", _dialects)
    markdown.inline.ruler.after("image", "footnote_ref", _footnote)


def _dialects(state: StateInline, silent: bool) -> bool:
    rules = _RULES.get(state.src[state.pos])
    return rules is not None and any(rule(state, silent) for rule in rules)


def _before(state: StateInline) -> str:
    return state.src[max(state.pos - 1, 0) : state.pos]


def _shown(state: StateInline, silent: bool, end: int, words: str) -> bool:
    """Move the state to `end` and add the words as text; always return True."""
    if not silent and words:
        state.push("text", "", 0).content = words
    state.pos = end
    return True


def _shortcode(state: StateInline, silent: bool) -> bool:
    match = _SHORTCODE.match(state.src, state.pos, state.posMax)
    if match is None:
        return False
    words, named = tag_words.shortcode(match["body"].strip().rstrip("/"))
    if named and not silent:
        state.push("html_inline", "", 0).meta["named"] = named
    return _shown(state, silent, match.end(), words)


def _liquid(state: StateInline, silent: bool) -> bool:
    match = LIQUID.match(state.src, state.pos, state.posMax)
    return match is not None and _shown(state, silent, match.end(), tag_words.liquid(match["body"]))


def _mdx_comment(state: StateInline, silent: bool) -> bool:
    match = _MDX_COMMENT.match(state.src, state.pos, state.posMax)
    return match is not None and _shown(state, silent, match.end(), "")


def _attributes(state: StateInline, silent: bool) -> bool:
    match = ATTRIBUTES.match(state.src, state.pos, state.posMax)
    if match is None:
        return False
    before, after = _before(state), state.src[match.end() : match.end() + 1]
    given = identifier(match[0])
    # At the end of a line, an id is no prose.
    alone = after in ("", "\n") and (before in ("", "\n") or bool(given))
    if not (alone or before in ("]", ")", "`", "*", ">") or match[0].startswith("{:")):
        return False
    if given and not silent:
        state.push("html_inline", "", 0).content = f'<span id="{escape(given)}"></span>'
    return _shown(state, silent, match.end(), "")


def _wikilink(state: StateInline, silent: bool) -> bool:
    match = _WIKILINK.match(state.src, state.pos, state.posMax)
    if match is None or not (match["page"] or match["heading"]):
        return False
    if not silent:
        _push_wikilink(state, match)
    state.pos = match.end()
    return True


def _push_wikilink(state: StateInline, match: regex.Match[str]) -> None:
    page, heading = (match["page"] or "").strip(), (match["heading"] or "").strip()
    shown = (match["text"] or "").strip()
    if match[0].startswith("!") and page.lower().endswith(_PICTURE):
        image = state.push("image", "img", 0)
        image.attrs, image.markup = {"src": quote(page), "alt": ""}, WIKI
        # What people do not see is no word of the text.
        image.meta["alt"] = " ".join(part for part in shown.split("|") if not _SIZE.fullmatch(part))
        if size := _SIZE.search(shown):
            image.attrs["width"] = size[0].partition("x")[0]
        image.children = []
        return
    heading = _TAGGED.sub(r"\g<words>", heading)
    name = heading.rpartition("#")[2]
    target = quote(page) + (f"#{slug(name)}" if name and not name.startswith("^") else "")
    opened = state.push("link_open", "a", 1)
    opened.attrs, opened.markup = {"href": target}, WIKI
    if shown:
        _within(state, match.start("text"), match.end("text"))
    else:
        # The id of a block is no word, unless there is no other.
        parts = [part for part in heading.split("#") if part and not part.startswith("^")]
        named = " > ".join(filter(None, (page, *parts))) or heading
        state.push("text", "", 0).content = _ESCAPED.sub(r"\1", named)
    state.push("link_close", "a", -1)


def _read_between(state: StateInline, start: int, end: int) -> None:
    """Parse the inline text [start, end) of the state."""
    after, state.pos, state.posMax = state.posMax, start, end
    state.md.inline.tokenize(state)
    state.posMax = after


def _within(state: StateInline, start: int, end: int) -> None:
    """Parse the text of a link; links inside it become plain text."""
    found = len(state.tokens)
    _read_between(state, start, end)
    for token in state.tokens[found:]:
        if token.type in ("link_open", "link_close"):
            token.type, token.tag, token.nesting = "text", "", 0


def _callout(state: StateInline, silent: bool) -> bool:
    match = _CALLOUT.match(state.src, state.pos, state.posMax) if state.pos == 0 else None
    if match is None:
        return False
    if not silent:
        label = escape(match["type"].capitalize())
        state.push("html_inline", "", 0).content = f"<strong>{label}</strong> "
    state.pos = match.end()
    return True


def _templated(state: StateInline, silent: bool) -> bool:
    """Read a link whose target a generator fills in: `[text]({{< ref "page" >}})`."""
    match = _TARGET.match(state.src, state.pos, state.posMax)
    if match is None:
        return False
    if not silent:
        state.push("link_open", "a", 1).attrs = {"href": ""}
        _within(state, *match.span("text"))
        state.push("link_close", "a", -1)
    state.pos = match.end()
    return True


def _comment(state: StateInline, silent: bool) -> bool:
    if _before(state).isalnum():
        return False
    match = _COMMENT.match(state.src, state.pos, state.posMax)
    return match is not None and _shown(state, silent, match.end(), "")


def _component(state: StateInline, silent: bool) -> bool:
    match = _COMPONENT.match(state.src, state.pos, state.posMax)
    if match is None:
        return False
    words, named = tag_words.component(match[0])
    if named and not silent:
        state.push("html_inline", "", 0).meta["named"] = named
    return _shown(state, silent, match.end(), words)


def _marker(state: StateInline, silent: bool) -> bool:
    """Read `==words==`, highlighted text, as strong emphasis."""
    if _before(state) in _CODE_BEFORE:
        return False
    match = _MARKER.match(state.src, state.pos, state.posMax)
    if match is None:
        return False
    if not silent:
        state.push("strong_open", "strong", 1).markup = "=="
        _read_between(state, *match.span("text"))
        state.push("strong_close", "strong", -1).markup = "=="
    state.pos = match.end()
    return True


def _inserted(state: StateInline, silent: bool) -> bool:
    """Read `^^words^^`, underlined text."""
    match = _INSERTED.match(state.src, state.pos, state.posMax)
    if match is None or _before(state) in _CODE_BEFORE or _before(state) == "^":
        return False
    if not silent:
        state.push("html_inline", "", 0).content = "<u>"
        _read_between(state, *match.span("text"))
        state.push("html_inline", "", 0).content = "</u>"
    state.pos = match.end()
    return True


def _block_id(state: StateInline, silent: bool) -> bool:
    """Leave out the id of a block (`^id`, for links from notes), at its end or on its own line."""
    line = _ID_LINE.match(state.src, state.pos) if _before(state) in ("", "\n") else None
    if line:
        return _shown(state, silent, line.end() + 1, "")
    match = BLOCK_ID.match(state.src, max(state.pos - 1, 0))
    if match is None or match.start("id") != state.pos:
        return False
    return _shown(state, silent, match.end(), "")


def _task(state: StateInline, silent: bool) -> bool:
    """Read the box of a task, `[x]` or `[ ]`, as `☑` or `☐`."""
    match = TASK.match(state.src) if state.pos == 0 else None
    if match is None or match.end() >= state.posMax:
        return False
    if not silent:
        token = state.push("html_inline", "", 0)
        token.content = token.meta["shown"] = "☐ " if match["open"] else "☑ "
    state.pos = match.end()
    return True


def _emoji(state: StateInline, silent: bool) -> bool:
    """Read `:smile:` as an emoji; icons are left out, except check marks and crosses."""
    before = _before(state)
    if before == ":" or before.isalnum():
        return False
    icon = _ICON.match(state.src, state.pos, state.posMax)
    match = icon or _EMOJI.match(state.src, state.pos, state.posMax)
    if match is None:
        return False
    if icon:
        shown = next((_SIGNS[part] for part in icon["parts"].split("-") if part in _SIGNS), "")
    else:
        shown = Emoji.replace(match[0])
        if shown == match[0]:
            return False
    styled = ATTRIBUTES.match(state.src, match.end(), state.posMax)
    return _shown(state, silent, (styled or match).end(), shown)


def _keys(state: StateInline, silent: bool) -> bool:
    """Read `++ctrl+c++`, keys to press, as `ctrl+c`."""
    before = _before(state)
    match = _KEYS.match(state.src, state.pos, state.posMax)
    if match is None or before == "+" or before.isalnum():
        return False
    return _shown(state, silent, match.end(), match["keys"])


def _elsewhere(state: StateInline, silent: bool) -> bool:
    """Read `[text][package.name]` as its text, if the page does not define that name."""
    match = _ELSEWHERE.match(state.src, state.pos, state.posMax)
    before = _before(state)
    if match is None or before.isalnum() or before in ("]", ")"):
        return False
    if normalizeReference(match["label"]) in state.env.get("references", {}):
        return False
    if not silent:
        _read_between(state, *match.span("text"))
    state.pos = match.end()
    return True


def _math(state: StateInline, silent: bool) -> bool:
    match = MATH.match(state.src, state.pos, state.posMax)
    if match is None:
        return False
    if not silent:
        token = state.push("code_inline", "code", 0)
        width = 2 if match[0].startswith("$$") else 1
        token.content, token.markup = match[0][width:-width], "$"
    state.pos = match.end()
    return True


def _footnote(state: StateInline, silent: bool) -> bool:
    start, found = state.pos, len(state.tokens)
    if not footnote_ref(state, silent):
        return False
    for token in state.tokens[found:]:
        if token.type == "footnote_ref":
            label = escape(state.src[start + 2 : state.pos - 1])
            token.type, token.content = "html_inline", f"<sup>{label}</sup>"
    return True


_RULES: dict[str, tuple[Callable[[StateInline, bool], bool], ...]] = {
    "{": (_shortcode, _liquid, _mdx_comment, _attributes),
    "[": (_wikilink, _callout, _templated, _task, _elsewhere),
    "=": (_marker,),
    "^": (_block_id, _inserted),
    "!": (_wikilink,),
    "%": (_comment,),
    "<": (_component,),
    "$": (_math,),
    ":": (_emoji,),
    "+": (_keys,),
}
