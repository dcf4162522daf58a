"""The targets of links in notes.

The linter, which reports broken links, and the reader, which shows no broken link, both use this
module.
"""

import os
import posixpath
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal
from unicodedata import normalize
from urllib.parse import unquote, urlsplit

import regex

from index.reading.note_files import SUFFIXES

Kind = Literal["file", "folder", "beyond", "missing"]

INDEXES = ("index", "_index", "README", "readme")
_LANGUAGE = regex.compile(r"[a-z]{2}(?:[-_][A-Za-z]{2,4})?")
_SITE_LANGUAGE = regex.compile(r"/(?P<language>[a-z]{2}(?:-[a-z]{2,4})?)(?=/)", regex.IGNORECASE)
# Where the reader itself has the notes: links are copied from there.
_READER = "/notes"
# Folders of which a site has the files at its root.
_AT_ROOT = ("static", "public")


@dataclass(frozen=True)
class Target:
    """The target of a link: its path below the folder and its fragment, both unquoted, in NFC.

    kind: `beyond` means outside the folder, or a part of a site that the folder does not show.
    language: the language in an address from the site's root (`ko` in `/ko/guide`), "" if it names
    none, None if the link is no such address.
    """

    kind: Kind
    path: str = ""
    fragment: str = ""
    language: str | None = None


class Folder:
    """A folder of notes, which resolves the links in its pages."""

    def __init__(
        self,
        root: Path,
        notes: Iterable[str] = (),
        aliases: Callable[[], Mapping[str, str]] = dict,
    ) -> None:
        """notes: paths that count as existing even if they are not on disk.

        aliases: a function that returns the paths of notes by their alternative names.
        """
        self.root = os.path.realpath(root)
        self._notes = tuple(notes)
        self._aliases = aliases
        self._listed: dict[str, dict[str, tuple[Kind, str]]] = {}
        self._lowered: dict[str, dict[str, str]] = {}

    def target(self, page: str, href: str, wiki: bool = False) -> Target | None:
        """Return the target of a link in a page, or None for an address outside the notes' site.

        page: the path of the page below the folder. wiki: whether the link has the form `[[name]]`.
        """
        try:
            parts = urlsplit(href.strip())
        except ValueError:
            return None
        if parts.scheme or parts.netloc or href.startswith("//"):
            return None
        path, fragment = _plain(parts.path), _plain(parts.fragment)
        if not path:
            return None if parts.query else Target("file", page, fragment)
        if path.startswith("/"):
            return self._absolute(path, fragment, page)
        found = self._named(page, path) if wiki else self._relative(page, path)
        return Target(*found, fragment)

    def _absolute(self, path: str, fragment: str, page: str) -> Target:
        language = _SITE_LANGUAGE.match(path)
        ways = [(path, "")]
        ways += [(path[language.end() :], language["language"])] if language else []
        ways += [(path[len(_READER) :], "")] if path.startswith(f"{_READER}/") else []
        for way, spoken in ways:
            kind, found = self._at(way.lstrip("/"), page)
            if kind != "missing":
                return Target(kind, found, fragment, spoken)
        for each in _AT_ROOT:
            if self._kind(f"{each}{path}") == "file":
                return Target("file", f"{each}{path}", fragment, "")
        for way, spoken in ways:
            kind, found = self._at(self._spelled(way), page)
            if kind in ("file", "folder"):
                return Target(kind, found, fragment, spoken)
        return Target("beyond", "", fragment, "")

    def _spelled(self, address: str) -> str:
        """Return a page's address in the spelling of its file, since sites use lower case.

        `/guide/setup` becomes `Guide/Setup` if that is the path on disk. An address that names a
        Markdown file keeps its spelling.
        """
        path = address.strip("/")
        if not path or path.lower().endswith(SUFFIXES):
            return path
        spelled = ""
        for part in path.split("/"):
            spelled = posixpath.join(spelled, self._lower(spelled).get(part.casefold(), part))
        return spelled + "/" * address.endswith("/")

    def _lower(self, folder: str) -> Mapping[str, str]:
        """Return the names in a folder by their lower case; notes also stand without suffix."""
        if (known := self._lowered.get(folder)) is not None:
            return known
        names = sorted(self._listing(folder))
        found = {_stem(name).casefold(): _stem(name) for name in names}
        found |= {name.casefold(): name for name in names}
        self._lowered[folder] = found
        return found

    def _relative(self, page: str, path: str) -> tuple[Kind, str]:
        above, name = posixpath.split(page)
        stem = posixpath.splitext(name)[0]
        # Sites often show a page as a folder of its own, and links are written for that.
        bases = [above] if stem in INDEXES else [above, posixpath.join(above, stem)]
        ways = [self._at(posixpath.join(base, path), page) for base in bases]
        there = next((way for way in ways if way[0] in ("file", "folder")), None)
        return there or (("beyond", "") if ("beyond", "") in ways else ("missing", ""))

    def _at(self, path: str, page: str) -> tuple[Kind, str]:
        """Return the kind and path of the file or folder that a path below the folder names.

        A path may be that of a file, a page's address without suffix, or a folder, which stands for
        its index page if it has one.
        """
        slash = path.endswith("/")
        path = posixpath.normpath(path) if path else "."
        if path == ".." or path.startswith("../"):
            return "beyond", ""
        pages = () if path == "." else self._pages(path, page, slash)
        home = (
            index
            for name in (INDEXES if self._kind(path) == "folder" else ())
            for index in self._pages(posixpath.normpath(f"{path}/{name}"), page)
        )
        # A slash at the end asks for the folder.
        ways = (home, pages) if slash else (pages, home)
        for found in (each for way in ways for each in way):
            return "file", found
        return ("folder", "" if path == "." else path) if self._kind(path) else ("missing", "")

    def _pages(self, path: str, page: str, slash: bool = False) -> Iterator[str]:
        """Yield the files that a path may name: the path itself, with a suffix, or in a language.

        slash: whether the link ends in a slash, so that the path itself cannot be a file.
        """
        stem = path.removesuffix(".html").removesuffix(".htm")
        named = (stem + suffix for suffix in SUFFIXES)
        for candidate in named if slash else (path, *named):
            if self._kind(candidate) == "file":
                yield candidate
        for suffix in SUFFIXES:
            stem = stem.removesuffix(suffix)
        above, name = posixpath.split(stem)
        own = _spoken(posixpath.basename(page), "")
        tongues = {
            _spoken(other, name): other for other in self._listing(above) if other.startswith(name)
        }
        for language in sorted(tongues, key=lambda each: (each != own, each)):
            if language:
                yield posixpath.join(above, tongues[language])

    def _named(self, page: str, name: str) -> tuple[Kind, str]:
        """Return the target of `[[name]]`, which is a path, a name in any folder, or an alias."""
        for kind, found in (self._at(name, page), self._relative(page, name)):
            if kind == "file":
                return kind, found
        wanted = name.casefold()
        near = posixpath.dirname(page)
        paths = [
            path
            for path in self._by_name.get(posixpath.basename(wanted), ())
            if f"/{_stem(path)}".casefold().endswith(f"/{wanted}")
            or f"/{path}".casefold().endswith(f"/{wanted}")
        ]
        if paths:
            nearest = min(
                paths, key=lambda each: (posixpath.dirname(each) != near, each.count("/"))
            )
            return "file", nearest
        alias = self._by_alias.get(normalize("NFC", name).casefold())
        return ("file", alias) if alias else ("missing", "")

    @cached_property
    def _by_alias(self) -> Mapping[str, str]:
        return {normalize("NFC", name).casefold(): path for name, path in self._aliases().items()}

    @cached_property
    def _by_name(self) -> Mapping[str, list[str]]:
        """Return the paths of all files by name in lower case; notes also stand without suffix."""
        found: dict[str, list[str]] = defaultdict(list)
        for path in dict.fromkeys((*self._notes, *self._below(""))):
            name = posixpath.basename(path).casefold()
            for each in {name, _stem(name)}:
                found[each].append(path)
        return found

    def _below(self, folder: str) -> Iterator[str]:
        for name, (kind, _) in sorted(self._listing(folder).items()):
            path = posixpath.join(folder, name)
            if kind == "file":
                yield path
            elif not name.startswith("."):
                yield from self._below(path)

    def _kind(self, path: str) -> Kind | None:
        if path == ".":
            return "folder"
        above, name = posixpath.split(path)
        return self._listing(above).get(name, (None, ""))[0]

    def _listing(self, folder: str) -> Mapping[str, tuple[Kind, str]]:
        """Return the entries of a folder by their names in NFC, each with its path on disk.

        Any name on disk may be decomposed Unicode, independently of the others.
        """
        if (known := self._listed.get(folder)) is not None:
            return known
        above, name = posixpath.split(folder)
        place = self._listing(above).get(name, (None, ""))[1] if folder else self.root
        found = dict(self._noted.get(folder, {}))
        try:
            with os.scandir(place) as entries:
                for entry in entries:
                    kind: Kind = "folder" if entry.is_dir() else "file"
                    found[normalize("NFC", entry.name)] = kind, entry.path
        except (OSError, ValueError):
            pass
        self._listed[folder] = found
        return found

    @cached_property
    def _noted(self) -> Mapping[str, dict[str, tuple[Kind, str]]]:
        found: dict[str, dict[str, tuple[Kind, str]]] = defaultdict(dict)
        for path in self._notes:
            kind: Kind = "file"
            while path and posixpath.basename(path) not in found[posixpath.dirname(path)]:
                found[posixpath.dirname(path)][posixpath.basename(path)] = kind, ""
                path, kind = posixpath.dirname(path), "folder"
        return found


def is_home(path: str) -> bool:
    """Return whether a note is the home page of its folder: `index.md`, or `guide/guide.md`."""
    above, name = posixpath.split(path)
    stem = _stem(name)
    return stem != name and (stem in INDEXES or stem == posixpath.basename(above))


def _spoken(file: str, name: str) -> str:
    """Return the language in a file name: `name.ko.mdx` gives `ko`; an empty string if none.

    name: the part before the language; an empty one allows any.
    """
    stem = next((file.removesuffix(each) for each in SUFFIXES if file.endswith(each)), "")
    before, _, language = stem.rpartition(".")
    return language if before and name in ("", before) and _LANGUAGE.fullmatch(language) else ""


def _stem(path: str) -> str:
    return next((path[: -len(each)] for each in SUFFIXES if path.lower().endswith(each)), path)


def _plain(text: str) -> str:
    return normalize("NFC", unquote(text, errors="replace"))
