"""Addresses that site generators give a document, relative to the root of the site.

An address in the front matter (`permalink`, `url`, `slug`) comes before the document's path.
"""

import posixpath
import re
import unicodedata
from collections.abc import Iterator
from urllib.parse import quote

from index.markdown import Document, Section

# Besides these: the folder's own page, and Docusaurus's numbers before names.
_INDEX = ("index", "_index", "README", "readme")
_NUMBER = re.compile(r"^\d+\s*[-_.]+\s*(?=[^-_.\s])")
_DATED = re.compile(r"^(?:\d+[-_.]){2}")
_POST = re.compile(
    r"(?P<above>(?:.*/)?)_posts/(?P<below>(?:.*/)?)(?P<date>\d{4}-\d\d-\d\d)-(?P<name>.+)"
)
_HUGO = re.compile(r"[^\w./~-]+")


def page(document: Document) -> str:
    """Return the path without suffix, `index`, `_index` and `README`, such as `guide/install`."""
    folder, name = posixpath.split(document.id)
    return folder if name in _INDEX else document.id


def hugo(document: Document) -> str:
    """Return Hugo's address: `Guide/My Page.md` becomes `guide/my-page/`."""
    if document.address.startswith("/"):
        return _given(document)
    plain = _moved(document, page(document)).lower().replace(" ", "-")
    return quote(_folder(_HUGO.sub("", plain)))


def jekyll(document: Document) -> str:
    """Return Jekyll's address, `guide/install.html`, or `2024/05/01/title.html` for a post."""
    if document.address.startswith("/"):
        return _given(document)
    post = _POST.fullmatch(document.id)
    if post:
        name = _moved(document, post["name"])
        folders = post["above"] + post["date"].replace("-", "/")
        return quote(f"{folders}/{name}.html")
    # A collection's folder starts with an underscore, which its address has not.
    path = document.id.removeprefix("_") if "/" in document.id else document.id
    folder, name = posixpath.split(path)
    return quote(_folder(folder) if name in _INDEX else f"{path}.html")


def docusaurus(document: Document) -> str:
    """Return Docusaurus's address: `01-guide/02-install.md` becomes `guide/install`."""
    if document.address.startswith("/"):
        return _given(document)
    parts = [
        part if _DATED.match(part) else _NUMBER.sub("", part) for part in document.id.split("/")
    ]
    twin = len(parts) > 1 and parts[-1].lower() == parts[-2].lower()
    if twin or (parts and parts[-1].lower() in ("index", "readme")):
        parts.pop()
    return quote(_moved(document, "/".join(parts)))


def mkdocs(document: Document) -> str:
    """Return MkDocs's address: `guide/install.md` becomes `guide/install/`."""
    folder, name = posixpath.split(document.id)
    return quote(_folder(folder if name in ("index", "README") else document.id))


def obsidian(document: Document) -> str:
    """Return Obsidian Publish's address: `My notes/A page.md` becomes `My+notes/A+page`."""
    return _plus(document.address.lstrip("/") or document.id)


def mkdocs_anchor(document: Document, section: Section) -> str:
    """Return the id that Python-Markdown gives a heading.

    Hangul and other non-ASCII letters are dropped; an id that is taken or empty gets `_1`, `_2`.
    """
    headings = [each for each in document.sections if each.level]
    own = [_own(each, document) for each in headings]
    found = _counted([_ascii(each.title) for each in headings], own)
    return next((id_ for each, id_ in zip(headings, found, strict=True) if each is section), "")


def obsidian_anchor(section: Section) -> str:
    """Return the anchor of a heading on Obsidian Publish: `My heading` becomes `My+heading`."""
    return _plus(re.sub(r"[#|^:%\\]|\[\[|\]\]", " ", section.title)) if section.anchor else ""


def _ascii(title: str) -> str:
    text = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode()
    return re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", text).strip().lower())


def _own(section: Section, document: Document) -> str:
    """Return the id that the author wrote in the heading's line, empty where there is none."""
    head = document.source[section.start : document.source.find("\n", section.start)]
    return section.anchor if f"#{section.anchor}" in head or "id=" in head else ""


def _counted(slugs: list[str], own: list[str]) -> Iterator[str]:
    used = {id_ for id_ in own if id_}
    for slug, given in zip(slugs, own, strict=True):
        if given:
            yield given
            continue
        while slug in used or not slug:
            name, _, number = slug.rpartition("_")
            slug = f"{name}_{int(number) + 1}" if _is_count(slug) else f"{slug}_1"
        used.add(slug)
        yield slug


def _is_count(slug: str) -> bool:
    return re.fullmatch(r".*_[0-9]+", slug) is not None


def _given(document: Document) -> str:
    return quote(document.address.lstrip("/"))


def _moved(document: Document, path: str) -> str:
    """Return the path with its last part replaced by the slug of the front matter, if any."""
    if not document.address:
        return path
    return posixpath.join(posixpath.dirname(path), document.address)


def _folder(path: str) -> str:
    return f"{path.strip('/')}/" if path.strip("/") else ""


def _plus(text: str) -> str:
    return quote(" ".join(text.split())).replace("%20", "+")
