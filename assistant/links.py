"""Links to sections, by a template, and to the very words in them by text fragments."""

from urllib.parse import quote

from index.notes import Document, Section

# RFC 3986 pchar without the percent sign; Hangul stays readable, browsers encode it themselves.
_FRAGMENT_LENGTH = 100


def section_url(template: str, base: str, document: Document, section: Section) -> str:
    """Return the link to a section; absolute where base is, as `https://notes.example.org`."""
    link = template.format(
        document=_path(document.id),
        anchor=_readable(section.anchor),
        corpus=_path(document.corpus),
        path=_path(document.path),
    )
    link = link.removesuffix("#")
    return base + link if link.startswith("/") else link


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
