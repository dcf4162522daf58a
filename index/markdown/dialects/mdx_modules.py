"""Imports and exports of an MDX page, which is code that no page shows.

Only valid statements of a module count; a paragraph that begins with the word "import" or "export"
stays a paragraph.
"""

import regex
from markdown_it.utils import EnvType

_NAME = r"[A-Za-z_$][\w$]*+"
_AS = rf"(?:type\s+)?{_NAME}(?:\s+as\s+{_NAME})?\s*+"
_LIST = rf"\{{\s*+(?:{_AS},\s*+)*+(?:{_AS})?\}}"
_FROM = r"(?:\"[^\"\n]++\"|'[^'\n]++')(?:\s+(?:with|assert)\s*\{[^{}\n]*+\})?"
_END = r"[ \t]*+;?[ \t]*+(?://[^\n]*+)?(?=\n|\Z)"
_WHOLE = regex.compile(
    rf"import\s+(?:type\s+)?(?:(?:{_NAME}\s*,\s*)?(?:\*\s*as\s+{_NAME}|{_LIST})|{_NAME})"
    rf"\s*from\s*{_FROM}{_END}"
    rf"|import\s*{_FROM}{_END}"
    rf"|export\s*(?:\*(?:\s*as\s+{_NAME})?|(?:type\s*)?{_LIST})(?:\s*from\s*{_FROM})?{_END}"
)
_HEAD = regex.compile(
    rf"export[ \t]+(?:default[ \t]+)?(?:async[ \t]+)?function\b[ \t]*\*?[ \t]*(?:{_NAME})?(?=[<(])"
    r"|export[ \t]+(?:default[ \t]+)?(?:abstract[ \t]+)?class\b[\w$.<>, \t]*+(?=\{)"
    rf"|export[ \t]+(?:interface|enum)[ \t]+{_NAME}[\w$.<>, \t]*+(?=\{{)"
    rf"|export[ \t]+type[ \t]+{_NAME}[^\n=]*+="
    rf"|export[ \t]+(?:const|let|var)[ \t]+(?:{_NAME}|\{{[^{{}}]*+\}}|\[[^\[\]]*+\])"
    r"(?:[ \t]*:[^=\n]++)?[ \t]*=(?![=>])"
    r"|export[ \t]+default[ \t]+(?=[^\s=,;.)])"
)
_PIECE = regex.compile(
    r"(?P<gone>//[^\n]*+|/\*.{0,2000}?\*/)|(?P<operand>\"(?:\\.|[^\"\\\n])*+\"|'(?:\\.|[^'\\\n])*+'"
    r"|`(?:\\.|[^`\\]){0,9999}+`)|(?P<open>[(\[{])|(?P<close>[)\]}])|(?P<line>\n)",
    regex.DOTALL,
)
_GOES_ON = regex.compile(r"(?:=>|[=+*/%?:,&|<!.-]|\A)\s*+\Z")
_FOLLOWS = regex.compile(r"[ \t]*+(?:\?\.|\.\w|\?|:[^:]|&&|\|\||[)\]}])")
_BLANK = regex.compile(r"\n[ \t]*\n|\Z")
_BESIDE = regex.compile(r"(?P<one>[\w$]++)[ \t]+(?=(?P<other>[\w$]++))")
# Between or before other words these are code.
# fmt: off
_OPERATORS = frozenset(
    {
        "as", "async", "await", "const", "delete", "extends", "in", "instanceof", "keyof", "new",
        "of", "readonly", "satisfies", "typeof", "void", "yield",
    }
)
# fmt: on
_UNCLOSED = "unclosed module"


def module_end(source: str, start: int, end: int, env: EnvType) -> int | None:
    """Return the end of the import or export statement at `start`, or None for prose."""
    if whole := _WHOLE.match(source, start, end):
        return int(whole.end())
    head = _HEAD.match(source, start, end)
    if head is None:
        return None
    if _UNCLOSED in env:
        # Each of many that nothing closes would be read to the end of the page.
        blank = _BLANK.search(source, start, end)
        end = blank.start() if blank else end
    found = _statement(source, head.end(), end)
    if found is None:
        env[_UNCLOSED] = True
        return None
    after, outside = found
    return None if _is_prose(outside) else after


def _statement(source: str, start: int, end: int) -> tuple[int, str] | None:
    """Return the end of a statement, and its text outside of brackets and strings.

    In that text a string and any part in brackets is replaced by one word, a part in braces by
    `{}`. Returns None if a bracket is not closed.
    """
    depth, at = 0, start
    outside: list[str] = []
    for piece in _PIECE.finditer(source, start, end):
        if depth <= 0:
            outside.append(source[at : piece.start()])
            if piece["operand"] or piece["open"]:
                outside.append("{}" if piece["open"] == "{" else "x")
        at = piece.end()
        depth += bool(piece["open"]) - bool(piece["close"])
        if piece["line"] and depth <= 0:
            goes_on = _GOES_ON.search("".join(outside[-4:])) or _FOLLOWS.match(source, at, end)
            if not goes_on:
                return piece.start(), "".join(outside)
    if depth > 0:
        return None
    return end, "".join([*outside, source[at:end]])


def _is_prose(outside: str) -> bool:
    said = outside.strip()
    if said.startswith("<"):
        return False
    if not said or not said.isascii() or said[-1] in ".?!":
        return True
    return any(
        match["one"] not in _OPERATORS and match["other"] not in _OPERATORS
        for match in _BESIDE.finditer(said)
    )
