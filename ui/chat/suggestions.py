"""Suggests next questions: examples from the notes, and titles of nearby sections."""

from collections.abc import Sequence

from assistant.answering import Answer, Assistant, FoundPassage
from index.language import Language, language
from index.markdown import Document

_MOST = 3

_Place = tuple[str, str, str]


class Suggestions:
    """Suggestions from the example questions in the front matter, by the section that answers."""

    def __init__(self, assistant: Assistant) -> None:
        notes = assistant.snapshot.notes
        self._documents = {(d.corpus, d.id): d for d in notes.documents}
        self._offered: list[tuple[str, _Place]] = []
        for document in notes.documents:
            for question in document.examples:
                hits = assistant.read(question).found.hits
                passage = notes.passages[hits[0].passage]
                found = notes.documents[passage.document]
                anchor = found.sections[passage.section].anchor
                self._offered.append((question, (found.corpus, found.id, anchor)))

    def after(self, answer: Answer, asked: Sequence[str]) -> list[str]:
        """Return at most three next questions after an answer, none of them asked before."""
        shown = [*answer.passages, *([answer.closest] if answer.closest else [])]
        if not shown:
            return []
        places = list(dict.fromkeys(place for each in shown for place in self._near(each)))
        found = [
            question
            for place in places
            for question, answered in self._offered
            if answered == place and language(question) == answer.language
        ]
        found += [title for place in places[1:] if (title := self._title(place, answer.language))]
        known = {_folded(question) for question in asked}
        fresh = [question for question in found if _folded(question) not in known]
        return list(dict.fromkeys(fresh))[:_MOST]

    def _near(self, passage: FoundPassage) -> list[_Place]:
        """Return the places of a passage's section, the next section, and the previous one."""
        document = self._documents[passage.document.corpus, passage.document.id]
        anchors = _anchors(document)
        at = anchors.index(passage.section.anchor) if passage.section.anchor in anchors else 0
        near = [passage.section.anchor, *anchors[at + 1 : at + 2], *anchors[max(0, at - 1) : at]]
        return [(document.corpus, document.id, anchor) for anchor in near]

    def _title(self, place: _Place, asked: Language) -> str:
        document = self._documents[place[0], place[1]]
        title = next(s.title for s in document.sections if s.anchor == place[2])
        return title if document.language == asked or title.isascii() else ""


def _anchors(document: Document) -> list[str]:
    return [section.anchor for section in document.sections if section.blocks and section.anchor]


def _folded(question: str) -> str:
    return "".join(char for char in question.lower() if char.isalnum())
