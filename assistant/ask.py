"""From a question to an answer."""

import time
import uuid
from collections.abc import Callable, Sequence
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
from assistant.judge import JUDGES, Judge, signals
from assistant.lexicon import Lexicon
from assistant.links import highlight_url, section_url
from assistant.messages import Message, message
from assistant.rerank import Reranker
from assistant.retrieve import FUSED, Evidence, Fusion, Hit, Query, by_section, evidence, fuse
from index.encoder import Encoder, Encoding, normalise
from index.errors import QuestionError
from index.language import Language
from index.language import language as language_of
from index.store import Snapshot

MAX_QUESTION = 2000
MAX_LIMIT = 20
JUDGE = "judge.json"
_RERANKED = 10
# Of questions that the notes answer, the share that may be refused for the sake of the others.
_REFUSED = 0.05
_WORD = regex.compile(r"[\p{L}\p{N}]")
_CONTROL = regex.compile(r"[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]+")


@dataclass(frozen=True)
class Question:
    """What is asked. language: `auto`, `ko` or `en`; limit counts sections.

    min_confidence: below it the answer is `not_covered`; None leaves that to the calibration.
    """

    text: str
    limit: int = 3
    language: str = "auto"
    explain: bool = False
    min_confidence: float | None = None


@dataclass(frozen=True)
class Found:
    """What a search found: the evidence before fusion, and hits, best first, one a section."""

    evidence: Evidence
    hits: list[Hit]


@dataclass(frozen=True)
class Assistant:
    """Answers questions from one version of the index.

    risk: the share of questions graded `answers` that may be answered wrongly.
    """

    snapshot: Snapshot
    encoder: Encoder
    link_template: str
    public_url: str
    risk: float
    reranker: Reranker | None = None

    def ask(self, question: Question) -> Answer:
        """Return the answer. Raises QuestionError when the question is blank or too long."""
        started = time.perf_counter()
        typed = searchable(question.text)
        if not _WORD.search(typed):
            language = self._language(question, self.snapshot.notes.documents[0].source)
            return self._answer(started, typed, typed, language, "not_covered", 0.0, ())
        meant = self.lexicon.speller.mend(typed)
        query = self.query(meant)
        found = self.search(query)
        confidence = self.confidence(query, found)
        grade = self.grade(confidence, question.min_confidence)
        language = self._language(question, meant)
        passages = [
            self._passage(rank, hit, question.explain)
            for rank, hit in enumerate(found.hits[: question.limit], 1)
        ]
        return self._answer(started, typed, meant, language, grade, confidence, passages)

    def query(self, text: str, encoding: Encoding | None = None) -> Query:
        """Return the question analysed, and encoded if that is not done yet."""
        encoding = encoding or next(iter(self.encoder.encode([text], "query")))
        return Query(text, language_of(text), encoding, self.lexicon.words(text))

    def search(self, query: Query, fusion: Fusion = FUSED) -> Found:
        """Return what the notes have for a query."""
        contents = self.snapshot.contents
        candidates = evidence(contents, query)
        hits = by_section(contents, fuse(contents, query, candidates, fusion))
        return Found(candidates, self._reranked(query, hits) if self.reranker else hits)

    def confidence(self, query: Query, found: Found) -> float:
        """Return the probability that the first hit answers, 0 to 1."""
        contents = self.snapshot.contents
        return self.judge.confidence(
            signals(contents, query, found.evidence, found.hits), query.language
        )

    def grade(self, confidence: float, least: float | None = None) -> Grade:
        """Return what a confidence means in words; below `least` the notes do not cover it."""
        if confidence < (self.refused_below if least is None else least):
            return "not_covered"
        return "answers" if confidence >= self.sure_from else "may_answer"

    @cached_property
    def judge(self) -> Judge:
        """Return what questions to these notes are judged by."""
        return JUDGES.validate_json(self.snapshot.extras[JUDGE])

    @cached_property
    def refused_below(self) -> float:
        """Return the confidence below which the notes do not cover a question."""
        return self.judge.refusal(_REFUSED)

    @cached_property
    def sure_from(self) -> float:
        """Return the confidence from which a passage answers within the stated risk."""
        return self.judge.threshold(self.risk)

    @cached_property
    def lexicon(self) -> Lexicon:
        """Return how questions' words are read."""
        contents = self.snapshot.contents
        return Lexicon(contents.vocabulary, contents.lexical, word_test(self.encoder))

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
        grade: Grade,
        confidence: float,
        passages: Sequence[FoundPassage],
    ) -> Answer:
        covered = grade != "not_covered"
        said: dict[Grade, Message | None] = {
            "answers": None,
            "may_answer": "may_answer",
            "not_covered": "not_covered" if passages else "no_words",
        }
        name = said[grade]
        return Answer(
            id=uuid.uuid4().hex,
            status="answered" if covered else "not_covered",
            grade=grade,
            confidence=round(confidence, 4),
            message=message(name, language) if name else None,
            language=language,
            query=meant,
            corrected_from=None if typed == meant else typed,
            index_version=self.snapshot.version,
            took_ms=round((time.perf_counter() - started) * 1000, 2),
            passages=tuple(passages) if covered else (),
            closest=passages[0] if passages and not covered else None,
        )

    def _passage(self, rank: int, hit: Hit, explain: bool) -> FoundPassage:
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
            explanation=_explanation(hit) if explain else None,
        )


def _explanation(hit: Hit) -> Explanation:
    return Explanation(
        late=round(hit.late, 4),
        lines=round(hit.lines, 4),
        dense=round(hit.dense, 4),
        lexical=round(hit.lexical, 4),
        reranked=hit.reranked,
    )


def word_test(encoder: Encoder) -> Callable[[str], bool]:
    """Return what tells a word of general language: it is one piece to the tokenizer."""
    return lambda word: encoder.count_tokens([word]) == [1]


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
