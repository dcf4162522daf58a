"""Attribute lists: `{#id .class}`, `{: #id}`, `{ .class key="value" }`."""

import regex

# An id may hold full stops: `{#v1.2}`.
_ONE = (
    r"""(?:\#[^\s{}#"']++|\.[^\s{}#."']++"""
    r"""|[A-Za-z_][\w:-]*+=(?:"[^"\n]*+"|'[^'\n]*+'|[^\s"'{}]++))"""
)
_LIST = rf"{_ONE}(?:\s++{_ONE})*+"
ATTRIBUTES = regex.compile(
    r"\{(?:\s*" + _LIST + r"\s*|:\s*(?:" + _LIST + r"|[\w-]+)\s*|::[^{}\n]*)\}"
)
# A value in quotes may hold the sign, as that of a colour does.
_ID = regex.compile(r"""(?:"[^"\n]*+"|'[^'\n]*+')(*SKIP)(*FAIL)|(?:^|[\s{:])#(?P<id>[^\s{}#"']+)""")
_ESCAPED = regex.compile(r"\\(?=[!-/:-@\[-`{-~])")
_AT_END = regex.compile(
    r"\s*(?:\{:?\s*(?P<list>" + _LIST + r")\s*\}|\{/\*\s*(?P<comment>#[^\s{}*]+)\s*\*/\})\s*$"
)


def taken_off(heading: str) -> tuple[str, str]:
    """Return a heading without the attribute list at its end, and the id in that list, or "".

    `Setup {#install}` becomes `("Setup", "install")`.
    """
    match = _AT_END.search(heading) if heading.endswith("}") else None
    if match is None or not match.start():
        return heading, ""
    return heading[: match.start()], identifier(match["list"] or match["comment"])


def identifier(attributes: str) -> str:
    """Return the id in an attribute list, or ""."""
    match = _ID.search(attributes)
    return _ESCAPED.sub("", match["id"]) if match else ""
