"""The subjects of a set of notes, taken from its titles."""

from collections.abc import Iterable
from itertools import islice

from index.markdown import Document, Section
from index.storage import Notes


def outline(documents: Iterable[Document], most: int) -> list[tuple[Document, Section]]:
    """Return the first `most` sections of the top two heading levels that are not empty."""
    top = (
        (document, section)
        for document in documents
        for section in document.sections
        if len(section.path) <= 2 and first_line(document, section)
    )
    return list(islice(top, most))


def subjects(notes: Notes, most: int) -> list[str]:
    """Return titles that describe the notes: document titles, or section titles if there is only
    one document."""
    if len(notes.documents) == 1:
        return [section.title for _, section in outline(notes.documents, most)]
    return [document.title for document in notes.documents[:most]]


def first_line(document: Document, section: Section) -> str:
    """Return the first line under a heading; if it has none, the first of its subsections."""
    for other in document.sections:
        if other.path[: len(section.path)] == section.path and other.start >= section.start:
            for block in other.blocks:
                return block.lines[0].shown
    return ""
