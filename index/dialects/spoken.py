"""The words that a tag of a generator shows: shortcodes, Liquid tags, components."""

import regex

# What people read, and what machines do; other values are kept where a tag has none of the first.
# fmt: off
_SHOWN = frozenset(
    {
        "alt", "body", "caption", "content", "description", "header", "heading", "label", "message",
        "name", "quote", "summary", "text", "title",
    }
)
_UNSEEN = frozenset(
    {
        "align", "class", "classname", "color", "expanded", "height", "href", "icon", "id", "key",
        "lang", "link", "length", "prepend", "ref", "rel", "src", "style", "target", "type", "url",
        "width",
    }
)
# fmt: on
_ARGUMENT = regex.compile(
    r"""(?:(?P<key>[\w.:-]+)\s*=\s*)?"""
    r"""(?:"(?P<a>(?:\\.|[^"\\])*+)"|'(?P<b>[^']*+)'|`(?P<c>[^`]*+)`|(?P<bare>[^\s"'`=]++))"""
)
_ATTRIBUTE = regex.compile(
    r"""[\s{,](?P<key>[\w-]+)\s*[=:]\s*(?:"(?P<a>[^"]*+)"|'(?P<b>[^']*+)'|\{\s*["'](?P<c>[^"'{}]*+)["']\s*\})"""
)
_TAG = regex.compile(r"""<(?P<name>[A-Za-z][\w.-]*+)(?P<rest>(?:"[^"]*+"|'[^']*+'|[^"'<>])*+)>""")


def shortcode(body: str) -> tuple[str, str]:
    """Return what `note title="Mind"` shows, and what else it names.

    body is the inside of `{{< … >}}` or `{{% … %}}`. A term's id is often its name in another
    language, worth finding though nobody sees it.
    """
    name, _, rest = body.strip().partition(" ")
    if name.startswith("/") or name in ("ref", "relref"):
        return "", ""
    found = [(match["key"], _value(match)) for match in _ARGUMENT.finditer(rest.rstrip(" /"))]
    shown = [value for key, value in found if key and key.lower() in _SHOWN]
    kept = [value for key, value in found if not key or key.lower() not in _UNSEEN]
    if not shown:
        return " ".join(kept), ""
    return " ".join(shown), " ".join(value for value in kept if value not in shown)


def liquid(body: str) -> str:
    """Return what a tag of Liquid shows: `include note.html content="Mind"`."""
    found = [match for match in _ARGUMENT.finditer(body) if match["bare"] is None]
    return " ".join(
        value
        for match in found
        if (value := _value(match))
        and ((match["key"] or "").lower() in _SHOWN or (not match["key"] and " " in value))
    )


def component(tag: str) -> str:
    """Return what a tag's attributes show: `<TabItem label="npm">`, `<img alt="A whale">`."""
    match = _TAG.match(tag)
    own = match is not None and match["name"][0].isupper()
    found = _ATTRIBUTE.finditer(tag)
    return " ".join(
        value
        for item in found
        if (item["key"] in _SHOWN if own else item["key"] == "alt") and (value := _value(item))
    )


def tags(html: str) -> str:
    """Return what the attributes of all tags of some HTML show."""
    return " ".join(filter(None, (component(match[0]) for match in _TAG.finditer(html))))


def _value(match: regex.Match[str]) -> str:
    groups = match.groupdict()
    found = next((groups[n] for n in ("a", "b", "c", "bare") if groups.get(n) is not None), "")
    return str(found).replace('\\"', '"')
