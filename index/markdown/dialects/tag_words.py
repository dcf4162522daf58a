"""The words that shortcodes, Liquid tags and components show on a page."""

from collections.abc import Iterator

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
# Components that print what they are called, as tabs do; of others who knows.
_TITLED = frozenset(
    {
        "Accordion", "AccordionItem", "Admonition", "Aside", "Callout", "Card", "Caution",
        "CodeGroupItem", "Danger", "Details", "Info", "LinkCard", "Note", "Step", "Tab", "TabItem",
        "TabPanel", "Tip", "Warning",
    }
)
# fmt: on
_TITLES = ("label", "title")
# Shortcodes whose bare argument says where something is that they show.
_BRINGING = frozenset(
    ("gist", "include", "instagram", "readfile", "tweet", "vimeo", "x", "youtube"),
)
_FILE = regex.compile(r"\S*/\S*\.\w{1,5}|/\S*/\S*")
_ARGUMENT = regex.compile(
    r"""(?:(?P<key>[\w.:-]+)\s*=\s*)?"""
    r"""(?:"(?P<a>(?:\\.|[^"\\])*+)"|'(?P<b>[^']*+)'|`(?P<c>[^`]*+)`|(?P<bare>[^\s"'`=]++))"""
)
_ATTRIBUTE = regex.compile(
    r"""[\s{,](?P<key>[\w-]+)\s*[=:]\s*(?:"(?P<a>[^"]*+)"|'(?P<b>[^']*+)'|\{\s*["'](?P<c>[^"'{}]*+)["']\s*\})"""
)
_NAME = regex.compile(r"<(?P<name>[A-Za-z][\w.-]*+)")
_TAG = regex.compile(r"""<(?P<name>[A-Za-z][\w.-]*+)(?P<rest>(?:"[^"]*+"|'[^']*+'|[^"'<>])*+)>""")


def shortcode(body: str) -> tuple[str, str]:
    """Return the visible words of a shortcode, and its invisible names.

    `note title="Mind"` gives `("Mind", "")`. body: the inside of `{{< … >}}` or `{{% … %}}`. A
    search should find invisible names too: the id of a term is often its name in another language.
    """
    name, rest = [*body.split(maxsplit=1), "", ""][:2]
    if name.startswith("/") or name in ("ref", "relref"):
        return "", ""
    found = [(match["key"], _value(match)) for match in _ARGUMENT.finditer(rest.rstrip(" /"))]
    shown = [value for key, value in found if key and key.lower() in _SHOWN]
    kept = [
        value
        for key, value in found
        if (key.lower() not in _UNSEEN if key else name not in _BRINGING)
        and not _FILE.fullmatch(value)
    ]
    if not shown:
        return " ".join(kept), ""
    return " ".join(shown), " ".join(value for value in kept if value not in shown)


def liquid(body: str) -> str:
    """Return the visible words of a Liquid tag: `include note.html content="Mind"` gives `Mind`."""
    found = [match for match in _ARGUMENT.finditer(body) if match["bare"] is None]
    return " ".join(
        value
        for match in found
        if (value := _value(match))
        and ((match["key"] or "").lower() in _SHOWN or (not match["key"] and " " in value))
    )


def component(tag: str) -> tuple[str, str]:
    """Return the visible words in a tag's attributes, and the words that a page may not show.

    `<TabItem label="npm">` gives `("npm", "")`, because it prints its label. `<img alt="A whale">`
    gives `("", "A whale")`.
    """
    match = _NAME.match(tag)
    name = match["name"].rpartition(".")[2] if match else ""
    own, titled = name[:1].isupper(), name in _TITLED
    found = [(item["key"], _value(item)) for item in _ATTRIBUTE.finditer(tag)]
    said = [
        (key, value) for key, value in found if value and (key in _SHOWN if own else key == "alt")
    ]
    printed = [value for key, value in said if titled and key in _TITLES]
    return " ".join(printed), " ".join(value for _, value in said if value not in printed)


def titles(html: str) -> Iterator[tuple[int, str]]:
    """Yield the offset and the title of each tag in HTML that prints a title."""
    for match in _TAG.finditer(html):
        if printed := component(match[0])[0]:
            yield match.start(), printed


def tags(html: str) -> str:
    """Return the words in the attributes of all tags in HTML that a page may not show."""
    return " ".join(filter(None, (component(match[0])[1] for match in _TAG.finditer(html))))


def _value(match: regex.Match[str]) -> str:
    groups = match.groupdict()
    found = next((groups[n] for n in ("a", "b", "c", "bare") if groups.get(n) is not None), "")
    return str(found).replace('\\"', '"')
