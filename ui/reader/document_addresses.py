"""Addresses of the documents in the reader."""

from collections.abc import Sequence
from urllib.parse import quote

from index.markdown import Document

_CORPUS = "_in/"


class DocumentAddresses:
    """Documents by address: their id, or `_in/{corpus}/{id}` where an earlier one has that id.

    The longer address finds every document. A relative link of a document read there stays in its
    corpus, since it is resolved from the same path.
    """

    def __init__(self, documents: Sequence[Document]) -> None:
        self.documents = tuple(documents)
        self._by_id: dict[str, Document] = {}
        self._by_corpus: dict[str, Document] = {}
        self._by_file: dict[tuple[str, str], Document] = {}
        for document in documents:
            self._by_id.setdefault(document.id, document)
            self._by_corpus[_long(document)] = document
            self._by_file[document.corpus, document.path] = document
        self.corpora = tuple(dict.fromkeys(document.corpus for document in documents))

    def path(self, document: Document) -> str:
        """Return a document's path below `/notes/`, encoded."""
        first = self._by_id[document.id] is document
        return quote(document.id if first else _long(document))

    def at(self, address: str) -> Document | None:
        """Return the document at an address, None where there is none."""
        return self._by_id.get(address) or self._by_corpus.get(address)

    def of_file(self, corpus: str, path: str) -> Document | None:
        """Return the document of a file, None where there is none."""
        return self._by_file.get((corpus, path))

    def folder(self, corpus: str, path: str) -> str:
        """Return the encoded path below `/notes/` of the page that lists a folder's documents.

        It is empty where the folder holds none. path: empty for the whole corpus.
        """
        listed = f"{_CORPUS}{corpus}/{path}".rstrip("/") + "/"
        return quote(listed) if self.below(listed) else ""

    def below(self, address: str) -> list[Document]:
        """Return the documents of the folder at an address from `folder`, here not encoded."""
        if not address.endswith("/"):
            return []
        return [d for d in self.documents if _long(d).startswith(address)]

    def named(self, corpus: str, id_: str) -> Document:
        """Return the document of a corpus by its id."""
        return self._by_corpus[f"{_CORPUS}{corpus}/{id_}"]

    def twins(self, document: Document) -> list[Document]:
        """Return the documents of other corpora that have the same id."""
        return [d for d in self.documents if d.id == document.id and d is not document]

    def apart(self) -> list[str]:
        """Return `corpus/id` of the documents whose id is taken, so that its address is longer."""
        return [f"{d.corpus}/{d.id}" for d in self.documents if self._by_id[d.id] is not d]

    def corpus_of(self, address: str) -> tuple[str, str]:
        """Return the corpus that an address names, empty for none, and the rest of the address."""
        for corpus in self.corpora:
            if address.startswith(f"{_CORPUS}{corpus}/"):
                return corpus, address.removeprefix(f"{_CORPUS}{corpus}/")
        return "", address

    def around(self, document: Document) -> tuple[Document | None, Document | None]:
        """Return the documents before and after a document, in the order of the notes."""
        at = next(n for n, each in enumerate(self.documents) if each is document)
        before = self.documents[at - 1] if at else None
        after = self.documents[at + 1] if at + 1 < len(self.documents) else None
        return before, after


def _long(document: Document) -> str:
    return f"{_CORPUS}{document.corpus}/{document.id}"
