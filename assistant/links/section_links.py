"""Links to sections, by a template, and to the exact words in them, by text fragments."""

import re
from collections.abc import Callable
from functools import lru_cache
from string import Formatter
from urllib.parse import quote

from assistant.links import site_addresses
from index.markdown import Document, Section

READER = "/notes/{document}#{anchor}"
# Where the reader has a document whose id an earlier one has already.
_APART = "/notes/_in/{corpus}/{document}#{anchor}"
_NAMED = re.compile(r"([^\s/:={}?#]+)=")
_SLASHES = re.compile(r"/{2,}")
# RFC 3986 pchar without the percent sign; Hangul stays readable, browsers encode it themselves.
_FRAGMENT_LENGTH = 100


def section_url(
    template: str, base: str, document: Document, section: Section, apart: bool = False
) -> str:
    """Return the link to a section.

    template: one for all corpora, or `name=template name=template` with white space between them.
    A corpus that is not named takes the template without a name, else that of the reader pages.
    base: put before a link that starts with `/`, for example `https://notes.example.org`.
    apart: whether a document of an earlier corpus has the same id, as Notes.is_apart says.
    """
    templates = _templates(template)
    chosen = templates.get(document.corpus, templates.get("", READER))
    chosen = _APART if apart and chosen == READER else chosen
    used = {name: _FIELDS[name](document, section) for name in _names(chosen)}
    link = chosen.format(**used).removesuffix("#")
    scheme, separator, rest = link.rpartition("://")
    # The address of a site's root is empty.
    path, hash_, fragment = rest.partition("#")
    link = f"{scheme}{separator}{_SLASHES.sub('/', path)}{hash_}{fragment}"
    return base + link if link.startswith("/") else link


def check_template(template: str) -> None:
    """Raise ValueError where a template, or one of several, has an unknown field in braces."""
    try:
        known = all(
            name in _FIELDS for each in _templates(template).values() for name in _names(each)
        )
    except ValueError:
        known = False
    if not known:
        raise ValueError(f"may hold {', '.join(f'{{{name}}}' for name in _FIELDS)} only")


@lru_cache
def _templates(template: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in template.split():
        name = _NAMED.match(part)
        found[name[1] if name else ""] = part[name.end() :] if name else part
    return found


@lru_cache
def _names(template: str) -> frozenset[str]:
    return frozenset(name for _, name, _, _ in Formatter().parse(template) if name is not None)


def highlight_url(url: str, words: str) -> str:
    """Return the link with a text fragment, so that a browser scrolls to and marks the words.

    Syntax: https://wicg.github.io/scroll-to-text-fragment/. Long words become start and end.
    """
    words = " ".join(words.split())
    if not words:
        return url
    separator = "" if "#" in url else "#"
    return f"{url}{separator}:~:text={_fragment(words)}"


def _fragment(words: str) -> str:
    if len(words) <= _FRAGMENT_LENGTH:
        return _encoded(words)
    parts = words.split(" ")
    if len(parts) < 8:
        return _encoded(words[:_FRAGMENT_LENGTH])
    return f"{_encoded(' '.join(parts[:4]))},{_encoded(' '.join(parts[-4:]))}"


def _encoded(words: str) -> str:
    # A hyphen or comma is syntax in a text directive.
    return quote(words, safe="").replace("-", "%2D")


def _path(text: str) -> str:
    return quote(text, safe="/")


def _readable(anchor: str) -> str:
    return "".join(char if char.isalnum() or ord(char) > 127 else quote(char) for char in anchor)


_FIELDS: dict[str, Callable[[Document, Section], str]] = {
    "document": lambda document, _: _path(document.id),
    "anchor": lambda _, section: _readable(section.anchor),
    "corpus": lambda document, _: _path(document.corpus),
    "path": lambda document, _: _path(document.path),
    "page": lambda document, _: _path(site_addresses.page(document)),
    "dir": lambda document, _: _path(site_addresses.page(document) + "/").removeprefix("/"),
    "slug": lambda document, _: _path(site_addresses.page(document).lower().replace(" ", "-")),
    "hugo": lambda document, _: site_addresses.hugo(document),
    "jekyll": lambda document, _: site_addresses.jekyll(document),
    "docusaurus": lambda document, _: site_addresses.docusaurus(document),
    "mkdocs": lambda document, _: site_addresses.mkdocs(document),
    "mkdocs_anchor": lambda document, section: site_addresses.mkdocs_anchor(document, section),
    "obsidian": lambda document, _: site_addresses.obsidian(document),
    "obsidian_anchor": lambda _, section: site_addresses.obsidian_anchor(section),
}
