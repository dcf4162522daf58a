"""From a question to an answer."""

import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import regex

from assistant.answer import (
    Answer,
    DocumentRef,
    Explanation,
    FoundPassage,
    Grade,
    Highlight,
    SectionRef,
)
from assistant.lexicon import Lexicon
from assistant.links import highlight_url, section_url
from assistant.messages import Message, message
from assistant.rerank import Reranker
from assistant.retrieve import FUSED, Fusion, Hit, Query, by_section, evidence, fuse
from index.encoder import Encoder, normalise
from index.errors import QuestionError
from index.language import Language
from index.language import language as language_of
from index.store import Snapshot

MAX_QUESTION = 2000
MAX_LIMIT = 20
_RERANKED = 10
_WORD = regex.compile(r"[\p{L}\p{N}]")
_CONTROL = regex.compile(r"[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]+")


@dataclass(frozen=True)
class Question:
    """What is asked. language: `auto`, `ko` or `en`; limit counts sections."""

    text: str
    limit: int = 3
    language: str = "auto"
    explain: bool = False


@dataclass(frozen=True)
class Assistant:
    """Answers questions from one version of the index."""

    snapshot: Snapshot
    encoder: Encoder
    link_template: str
    public_url: str
    reranker: Reranker | None = None

    def ask(self, question: Question) -> Answer:
        """Return the answer. Raises QuestionError when the question is blank or too long."""
        started = time.perf_counter()
        typed = searchable(question.text)
        if not _WORD.search(typed):
            language = self._language(question, self.snapshot.notes.documents[0].source)
            return self._answer(started, typed, typed, language, "no_words", ())
        meant = self.lexicon.speller.mend(typed)
        hits = self.search(self.query(meant))[: question.limit]
        found = [self._passage(rank, hit) for rank, hit in enumerate(hits, 1)]
        if not question.explain:
            found = [replace(passage, explanation=None) for passage in found]
        language = self._language(question, typed)
        return self._answer(started, typed, meant, language, "not_covered", found)

    def query(self, text: str) -> Query:
        """Return the question encoded and analysed."""
        encoding = next(iter(self.encoder.encode([text], "query")))
        return Query(text, language_of(text), encoding, self.lexicon.words(text))

    def search(self, query: Query, fusion: Fusion = FUSED) -> list[Hit]:
        """Return hits, best first, one a section."""
        contents = self.snapshot.contents
        hits = by_section(contents, fuse(contents, query, evidence(contents, query), fusion))
        return self._reranked(query, hits) if self.reranker else hits

    @cached_property
    def lexicon(self) -> Lexicon:
        """Return how questions' words are read."""
        contents = self.snapshot.contents
        return Lexicon(contents.vocabulary, contents.lexical, self._is_known)

    def _is_known(self, word: str) -> bool:
        # A word of general language is one piece to the tokenizer.
        return self.encoder.count_tokens([word]) == [1]

    def _reranked(self, query: Query, hits: list[Hit]) -> list[Hit]:
        assert self.reranker
        first = hits[:_RERANKED]
        scores = self.reranker.score(query.text, [self._text(hit) for hit in first])
        order = sorted(range(len(first)), key=lambda number: -scores[number])
        return [*(replace(first[n], reranked=scores[n]) for n in order), *hits[_RERANKED:]]

    def _text(self, hit: Hit) -> str:
        passage = self.snapshot.notes.passages[hit.passage]
        return passage.text(self.snapshot.notes.documents[passage.document].source)

    def _language(self, question: Question, text: str) -> Language:
        if question.language in ("ko", "en"):
            return "ko" if question.language == "ko" else "en"
        return language_of(text)

    def _answer(
        self,
        started: float,
        typed: str,
        meant: str,
        language: Language,
        none: Message,
        passages: Sequence[FoundPassage],
    ) -> Answer:
        grade: Grade = "answers" if passages else "not_covered"
        return Answer(
            id=uuid.uuid4().hex,
            status="answered" if passages else "not_covered",
            grade=grade,
            confidence=max(0.0, min(1.0, passages[0].score)) if passages else 0.0,
            message=None if passages else message(none, language),
            language=language,
            query=meant,
            corrected_from=None if typed == meant else typed,
            index_version=self.snapshot.version,
            took_ms=round((time.perf_counter() - started) * 1000, 2),
            passages=tuple(passages),
            closest=None,
        )

    def _passage(self, rank: int, hit: Hit) -> FoundPassage:
        passage = self.snapshot.notes.passages[hit.passage]
        document = self.snapshot.notes.documents[passage.document]
        section = document.sections[passage.section]
        url = section_url(self.link_template, self.public_url, document, section)
        answers = [passage.lines[number] for number in hit.answers]
        return FoundPassage(
            rank=rank,
            score=round(hit.score, 4),
            text=passage.text(document.source),
            highlights=tuple(Highlight(*passage.span(line)) for line in answers),
            line=document.source.count("\n", 0, answers[0].start) + 1,
            section=SectionRef(section.title, section.path, section.anchor, section.level),
            document=DocumentRef(
                document.id, document.title, document.corpus, document.language, document.path
            ),
            damaged=False,
            url=url,
            highlight_url=highlight_url(url, answers[0].words),
            explanation=Explanation(
                late=round(hit.late, 4),
                lines=round(hit.lines, 4),
                dense=round(hit.dense, 4),
                lexical=round(hit.lexical, 4),
                reranked=hit.reranked,
            ),
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
