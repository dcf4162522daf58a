"""Links and images: their positions, and checks that their targets exist."""

import os
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from unicodedata import normalize
from urllib.parse import unquote, urlsplit

import regex

from index.checks.checked_page import FILLER, Anchors, CheckedPage
from index.checks.rules import Found
from index.markdown import link_target
from index.markdown.dialects import WIKI
from index.reading import SUFFIXES, Folder, Target

# Fragments that renderers and browsers make themselves.
_MADE = regex.compile(r"(?:top$|:~:|/|fn[:ref\d-]|user-content-|__|L\d+|!)", regex.IGNORECASE)
_TARGET = regex.compile(r"\]\(\s*(?:<([^<>\n]*)>|([^\s()]*(?:\([^\s()]*\)[^\s()]*)*))")
_HIDDEN = link_target(FILLER)
# How much alike two anchors must be, 0 to 1, where one may be a slip for the other: more where a
# shortcode may make the one that is asked for.
_LIKE, _SURE = 0.8, 0.85
# Names of files are short, and share their suffix.
_NAMED = 0.75

Places = dict[str, deque[tuple[int, int]]]


@dataclass(frozen=True)
class Link:
    """A link or an image in the source; line and column are counted from 1.

    wiki: whether it has the form `[[page]]`; such a page may stand anywhere, or not exist yet.
    """

    line: int
    column: int
    href: str
    image: bool = False
    wiki: bool = False


@dataclass(frozen=True)
class Awaiting:
    """A link into another page, which is checked when that page's anchors are known.

    prefix: the language that a site-absolute link names, None for a relative link. The target of a
    link in double brackets is empty until all pages are known.
    """

    link: Link
    target: str
    fragment: str
    prefix: str | None


def duplicates(page: CheckedPage) -> Iterator[Found]:
    """Yield a finding for each explicit id that stands earlier in the page already."""
    first: dict[str, int] = {}
    for name, line in page.explicit:
        if FILLER in name:
            continue
        earlier = first.setdefault(name, line)
        if earlier != line:
            message = f"The id ‘{name}’ stands at line {earlier + 1} already: links lead there."
            yield line + 1, page.column(line, name), "duplicate-id", message, "Give it another id."


def links(page: CheckedPage) -> Iterator[Link]:
    """Yield the links and images of a page, without those that a template generates."""
    rows: dict[tuple[int, int], Places] = {}
    for token, line in page.inlines:
        # The cells of a table share their row.
        lines = (line, token.map[1] if token.map else line + 1)
        if lines not in rows:
            rows[lines] = _places(page, *lines)
        places = rows[lines]
        at = line
        for child in token.children or ():
            if child.type in ("softbreak", "hardbreak"):
                at += 1
            elif child.type in ("link_open", "image"):
                if child.markup == "autolink":
                    continue
                image = child.type == "image"
                href = str(child.attrGet("src" if image else "href") or "")
                waiting = places.get(href)
                # Without a target, it is one that a generator fills in.
                if _HIDDEN not in href and (href or waiting):
                    row, column = waiting.popleft() if waiting else (at + 1, 0)
                    yield Link(row, column, href, image, child.markup == WIKI)
    for tag in page.tags:
        name = {"a": "href", "img": "src"}.get(tag.name)
        if name and FILLER not in (href := tag.attributes.get(name, "")) and href:
            column = page.column(tag.line, href)
            yield Link(tag.line + 1, column, link_target(href), tag.name == "img")


def _places(page: CheckedPage, line: int, after: int) -> Places:
    """Return the lines and columns of each link target, by its form after parsing."""
    found: Places = {}
    for number in range(line, after):
        for match in _TARGET.finditer(page.lines[number]):
            group = 1 if match[1] is not None else 2
            target = link_target(match[group])
            found.setdefault(target, deque()).append((number + 1, match.start(group) + 1))
    return found


def follow(folder: Folder, page: CheckedPage, link: Link) -> Found | Awaiting | None:
    """Return a finding for a broken link, an Awaiting for one to check later, or None."""
    if not link.href:
        return _found(link, "broken-link", "The link leads nowhere.", "Write where to.")
    if link.wiki and urlsplit(link.href).path:
        # All pages must be known.
        return Awaiting(link, "", "", None)
    target = folder.target(page.path, link.href)
    if target is None:
        return None
    if target.kind == "missing":
        return _missing(folder, link, page.path)
    if target.path == page.path and not link.image:
        return broken(link, target.fragment, page.anchors, "this page")
    return _awaiting(link, target)


def look_up(folder: Folder, page: str, link: Link) -> Found | Awaiting | None:
    """Return the result of `follow` for a link in double brackets, when all pages are known.

    A missing page is no finding, since it may be written later; a missing image is one.
    """
    target = folder.target(page, link.href, wiki=True)
    if target and target.kind == "missing" and link.image:
        message = f"No file of the notes is called {_path(link)}."
        return _found(link, "missing-image", message, "Add the file, or mend its name.")
    return _awaiting(link, target) if target else None


def _awaiting(link: Link, target: Target) -> Awaiting | None:
    is_page = target.kind == "file" and target.path.lower().endswith(SUFFIXES)
    if not is_page or not target.fragment or _MADE.match(target.fragment):
        return None
    return Awaiting(link, target.path, target.fragment, target.language)


def _path(link: Link) -> str:
    return unquote(urlsplit(link.href).path, errors="replace")


def _missing(folder: Folder, link: Link, page: str) -> Found:
    path = _path(link)
    if link.image:
        message = f"The image {path} is not there."
        mend = "Add the file, or mend the path; it counts from the page's folder."
        return _found(link, "missing-image", message, mend)
    message = f"The link leads to {path}, which is not there."
    near = _near(folder, page, path)
    mend = f"Did you mean {near}?" if near else "Mend the path; it counts from the page's folder."
    return _found(link, "broken-link", message, mend)


def _near(folder: Folder, page: str, path: str) -> str:
    above, name = os.path.split(path)
    try:
        names = os.listdir(os.path.join(folder.root, os.path.dirname(page), above))
    except (OSError, ValueError):
        return ""
    shown = [normalize("NFC", each) for each in names]
    close = get_close_matches(normalize("NFC", name), shown, 1, _NAMED)
    return os.path.join(above, close[0]) if close else ""


def broken(link: Link, fragment: str, anchors: Anchors, place: str) -> Found | None:
    """Return a finding if a link's fragment is no anchor of its target page, else None."""
    if not fragment or _MADE.match(fragment) or fragment in anchors.names:
        return None
    near = nearest(fragment, anchors.names, _SURE if anchors.open else _LIKE)
    if anchors.open and not near:
        # A shortcode may make it.
        return None
    message = f"No heading or id of {place} is ‘{fragment}’."
    mend = (
        f"Did you mean #{near}?"
        if near
        else "Mend the link, or give the place {#" + fragment + "}."
    )
    return _found(link, "broken-anchor", message, mend)


def nearest(fragment: str, names: frozenset[str], least: float) -> str:
    """Return the most similar anchor, or an empty string; least: the similarity needed, 0 to 1."""
    bare = {_bare(name): name for name in sorted(names)}
    if _bare(fragment) in bare:
        return bare[_bare(fragment)]
    close = get_close_matches(fragment, sorted(names), 1, least)
    return close[0] if close else ""


def settled(
    waiting: Mapping[str, list[Awaiting]], anchors: Mapping[str, Anchors]
) -> Iterator[tuple[str, Found]]:
    """Yield a finding for each broken link into another page, with the path of its page.

    A folder of one language may stand below `/ko/` or the like on the site: if links with such a
    prefix lead into the folder, site-absolute links without it lead elsewhere and are not checked.
    """
    spoken = {item.prefix for items in waiting.values() for item in items if item.prefix}
    for path, items in waiting.items():
        for item in items:
            elsewhere = item.prefix == "" and spoken
            if elsewhere or item.target not in anchors:
                continue
            if found := broken(item.link, item.fragment, anchors[item.target], item.target):
                yield path, found


def _bare(name: str) -> str:
    return regex.sub(r"[^\p{L}\p{N}]", "", name.casefold())


def _found(link: Link, rule: str, message: str, mend: str) -> Found:
    return link.line, link.column, rule, message, mend
