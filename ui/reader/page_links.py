"""Resolves links and pictures of a document to addresses in the reader that are served."""

import posixpath
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from urllib.parse import quote, urlsplit

from index.markdown import Document
from index.markdown.dialects import front_matter
from index.reading import Folder, Target, folder_of, is_home
from ui.reader import pictures
from ui.reader.document_addresses import DocumentAddresses

_FRAGMENT = "!$&'()*+,-./:;=?@_~"


class Leads:
    """Resolves the links of documents in all corpora, by the folders as they are now."""

    def __init__(self, shelf: DocumentAddresses, places: Mapping[str, str]) -> None:
        """places: the folder or the single file of each corpus."""
        self._shelf = shelf
        self._roots = {name: folder_of(Path(place)) for name, place in places.items()}
        by_corpus: dict[str, list[Document]] = {name: [] for name in places}
        for document in shelf.documents:
            by_corpus.setdefault(document.corpus, []).append(document)
        self._folders = {
            name: Folder(
                self._roots.get(name, Path()),
                [document.path for document in documents],
                partial(_aliases, documents),
            )
            for name, documents in by_corpus.items()
        }

    def link(self, document: Document, href: str, wiki: bool = False) -> str | None:
        """Return the target of a link as a path below `/notes/`, or `#fragment` in the document.

        Empty where the target is not served. None for an address elsewhere, which stays as it is.
        """
        target = self._folders[document.corpus].target(document.path, href, wiki)
        if target is None:
            return None
        if target.kind == "file" and target.path == document.path:
            return f"#{_fragment(href, target)}"
        path = self._path(document.corpus, target)
        return path and path + (f"#{_fragment(href, target)}" if target.fragment else "")

    def picture(self, document: Document, src: str, wiki: bool = False) -> str:
        """Return the path of a picture below `/notes/`, empty where it is not served."""
        target = self._folders[document.corpus].target(document.path, src, wiki)
        return self._file(document.corpus, target.path) if target else ""

    def at(self, address: str) -> str:
        """Return the path below `/notes/` for the path of a file or folder, or for a note's name.

        address: relative to the folder of a corpus. Empty where nothing is found.
        """
        named, path = self._shelf.corpus_of(address)
        for corpus in [named] if named else self._folders:
            for wiki in (False, True):
                href = quote(path if wiki else f"/{path}")
                target = self._folders[corpus].target("", href, wiki) if path else None
                if target and (found := self._path(corpus, target)) and found != quote(address):
                    return found
        return ""

    def _path(self, corpus: str, target: Target) -> str:
        if target.kind == "folder":
            return self._shelf.folder(corpus, target.path)
        if target.kind != "file":
            return ""
        if found := self._shelf.of_file(corpus, target.path):
            return self._shelf.path(found)
        if is_home(target.path):
            # It holds no text, but stands for its folder.
            return self._shelf.folder(corpus, posixpath.dirname(target.path))
        return self._file(corpus, target.path)

    def _file(self, corpus: str, path: str) -> str:
        if corpus in self._roots and pictures.find(self._roots[corpus], path):
            return f"{pictures.PLACE}{quote(corpus, safe='')}/{quote(path)}"
        return ""


def _fragment(href: str, target: Target) -> str:
    # What a browser looks for by itself is passed on as it is written.
    written = urlsplit(href).fragment
    return written if ":~:" in written else quote(target.fragment, safe=_FRAGMENT)


def _aliases(documents: Sequence[Document]) -> dict[str, str]:
    found: dict[str, str] = {}
    for document in documents:
        for alias in front_matter.aliases(document.source):
            found.setdefault(alias, document.path)
    return found
