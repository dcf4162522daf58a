"""From a question to an answer: the one code path that chat, REST, Slack and MCP share."""

from assistant.answering.answer import (
    Answer,
    DocumentRef,
    FoundPassage,
    Grade,
    Highlight,
    SectionRef,
    Status,
)
from assistant.answering.ask import (
    JUDGE,
    MAX_HISTORY,
    MAX_LIMIT,
    MAX_QUESTION,
    SMALLTALK,
    Assistant,
    Question,
    searchable,
    word_test,
)
from assistant.answering.corpus_outline import first_line, outline, subjects
from assistant.answering.messages import caveat, program_message
from assistant.answering.quoting import document_ref, section_ref
from assistant.answering.timing import Stages, measured

__all__ = [
    "JUDGE",
    "MAX_HISTORY",
    "MAX_LIMIT",
    "MAX_QUESTION",
    "SMALLTALK",
    "Answer",
    "Assistant",
    "DocumentRef",
    "FoundPassage",
    "Grade",
    "Highlight",
    "Question",
    "SectionRef",
    "Stages",
    "Status",
    "caveat",
    "document_ref",
    "first_line",
    "measured",
    "outline",
    "program_message",
    "searchable",
    "section_ref",
    "subjects",
    "word_test",
]
