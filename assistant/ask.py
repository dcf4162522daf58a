"""From a question to an answer."""

import time
import uuid
from dataclasses import dataclass

import regex

from assistant.answer import Answer, DocumentRef, FoundPassage, Highlight, SectionRef
from assistant.links import highlight_url, section_url
from assistant.messages import message
from assistant.retrieve import Hit, Query, search
from index.analyzer import analyze
from index.encoder import Encoder, normalise
from index.errors import QuestionError
from index.language import Language
from index.language import language as language_of
from index.store import Snapshot

MAX_QUESTION = 2000
MAX_LIMIT = 20
_WORD = regex.compile(r"[\p{L}\p{N}]")
_CONTROL = regex.compile(r"[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]+")


@dataclass(frozen=True)
class Question:
    """What is asked. language: `auto`, `ko` or `en`; limit counts sections."""

    text: str
    limit: int = 3
    language: str = "auto"


@dataclass(frozen=True)
class Assistant:
    """Answers questions from one version of the index."""

    snapshot: Snapshot
    encoder: Encoder
    link_template: str
    public_url: str

    def ask(self, question: Question) -> Answer:
        """Return the answer. Raises QuestionError when the question is blank or too long."""
        started = time.perf_counter()
        query = searchable(question.text)
        language = self._language(question, query)
        if not _WORD.search(query):
            return self._answer(started, query, language, [])
        encoding = next(iter(self.encoder.encode([query], "query")))
        asked = Query(query, language_of(query), encoding, tuple(analyze(query)))
        hits = search(self.snapshot.contents, asked)[: question.limit]
        return self._answer(started, query, language, hits)

    def _language(self, question: Question, query: str) -> Language:
        if question.language in ("ko", "en"):
            return "ko" if question.language == "ko" else "en"
        return language_of(
            query if _WORD.search(query) else self.snapshot.notes.documents[0].source
        )

    def _answer(self, started: float, query: str, language: Language, hits: list[Hit]) -> Answer:
        passages = tuple(self._passage(rank, hit) for rank, hit in enumerate(hits, 1))
        return Answer(
            id=uuid.uuid4().hex,
            status="answered" if passages else "not_covered",
            grade="answers" if passages else "not_covered",
            confidence=max(0.0, min(1.0, passages[0].score)) if passages else 0.0,
            message=None if passages else message("no_words", language),
            language=language,
            query=query,
            corrected_from=None,
            index_version=self.snapshot.version,
            took_ms=round((time.perf_counter() - started) * 1000, 2),
            passages=passages,
            closest=None,
        )

    def _passage(self, rank: int, hit: Hit) -> FoundPassage:
        passage = self.snapshot.notes.passages[hit.passage]
        document = self.snapshot.notes.documents[passage.document]
        section = document.sections[passage.section]
        url = section_url(self.link_template, self.public_url, document, section)
        line = passage.lines[hit.line]
        return FoundPassage(
            rank=rank,
            score=round(hit.score, 4),
            text=passage.text(document.source),
            highlights=(Highlight(*passage.span(line)),),
            line=document.source.count("\n", 0, line.start) + 1,
            section=SectionRef(section.title, section.path, section.anchor, section.level),
            document=DocumentRef(
                document.id, document.title, document.corpus, document.language, document.path
            ),
            damaged=False,
            url=url,
            highlight_url=highlight_url(url, line.words),
        )


def searchable(question: str) -> str:
    """Return the question as it is searched: normalised, on one line, no control characters.

    Raises QuestionError when it is blank or longer than 2,000 characters.
    """
    if len(question) > MAX_QUESTION:
        raise QuestionError(
            f"The question has {len(question):,} characters; at most {MAX_QUESTION:,} are read. "
            "Ask in one or two sentences.",
            "too_long",
        )
    query = " ".join(_CONTROL.sub(" ", normalise(question)).split())
    if not query:
        raise QuestionError("The question is empty. Write what you would like to know.", "empty")
    return query
