"""A note as the index keeps it, each of its lines quoted as if it answered a question."""

from pathlib import Path

import numpy as np
import pytest

from assistant.answering.answer import Answer, FoundPassage
from assistant.answering.quoting import quote
from assistant.retrieval.retrieve import Hit
from index.markdown.passage_splitting import passages
from index.reading.corpus import read
from index.storage.contents import document_record, notes_of, passage_record
from ui.terminal.printed_answer import show


def quotes(
    folder: Path, source: str, limit: int = 100, name: str = "note.md"
) -> list[FoundPassage]:
    """Return the passages of a note, once for each of their lines, with that line marked.

    limit: how many words a passage has.
    """
    (folder / name).write_text(source)
    (document,) = read({"notes": folder}).documents
    cut = list(passages(document, 0, limit, lambda texts: [len(text.split()) for text in texts]))
    places = np.array([(0, each.section, len(each.lines)) for each in cut], np.int32)
    records = [document_record(document)], map(passage_record, cut)
    notes = notes_of(*records, places.reshape(-1, 3), np.array([document.language == "ko"]))
    return [
        quote(
            notes, Hit(number, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, (line,)), 1, "", "https://notes.test"
        )
        for number, passage in enumerate(cut)
        for line in range(len(passage.lines))
    ]


def marked(found: FoundPassage) -> str:
    """Return the Markdown of the line that answers."""
    span = found.highlights[0]
    return found.text[span.start : span.end]


def about(found: list[FoundPassage], words: str) -> FoundPassage:
    """Return the one whose marked line holds these words."""
    return next(each for each in found if words in marked(each))


def said(found: FoundPassage, capsys: pytest.CaptureFixture[str]) -> str:
    """Return the words that the terminal shows for it."""
    answer = Answer(
        "id", "answered", "answers", 0.9, None, "en", "q", None, "v", 1.0, (found,), None
    )
    capsys.readouterr()
    show(answer, "q", {"notes": "."}, "")
    return capsys.readouterr().out.partition("\n  ")[0]
