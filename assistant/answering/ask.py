"""The assistant: it takes a question and returns an answer."""

import hashlib
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache, partial, reduce
from typing import Literal

import regex

from assistant.answering.answer import Answer, FoundPassage, Grade
from assistant.answering.corpus_outline import subjects
from assistant.answering.messages import Message, caveat, program_message
from assistant.answering.quoting import quote
from assistant.answering.remembered import Answers
from assistant.answering.timing import stage
from assistant.interpretation import (
    Interpretation,
    Lexicon,
    Memory,
    SmallTalk,
    Talk,
    Turn,
    corrected,
    is_gibberish,
    likeliest,
    stands_alone,
    together,
    without_courtesies,
)
from assistant.interpretation import read as read_smalltalk
from assistant.retrieval import (
    FUSED,
    JUDGES,
    SIGNALS,
    Found,
    Fusion,
    Hit,
    Judge,
    Query,
    Reader,
    find,
    reader_of,
    scope,
    signals,
)
from index.arrays import Mask
from index.encoding import Encoder, Encoding
from index.errors import IndexMismatch, QuestionError
from index.language import Language
from index.language import language as language_of
from index.normalising import normalise
from index.storage import REBUILD, Snapshot

MAX_QUESTION = 2000
MAX_LIMIT = 20
MAX_HISTORY = 10
JUDGE = "judge.json"
SMALLTALK = "smalltalk.npy"
_SUBJECTS = 7
# Names that the notes lack, said at most.
_NAMED = 2
# Questions and titles whose encodings are kept, 50 kB each: a conversation comes back to them.
_ENCODED = 512
# Of questions that the notes answer, the share that may be refused for the sake of the others.
_REFUSED = 0.05
_WORD = regex.compile(r"[\p{L}\p{N}]")
_CONTROL = regex.compile(r"[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]+")


@dataclass(frozen=True)
class Question:
    """A question with its options.

    limit: the number of sections at most. language: of the messages, `auto`, `ko` or `en`.
    min_confidence: below it the answer is `not_covered`; None takes the calibrated threshold.
    history: earlier questions of the conversation, oldest first. corpora, documents: names of the
    corpora and documents to answer from; empty means all.
    """

    text: str
    limit: int = 3
    language: str = "auto"
    explain: bool = False
    min_confidence: float | None = None
    history: tuple[str, ...] = ()
    corpora: tuple[str, ...] = ()
    documents: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """The decision on a question: its corrected text, the search result, the confidence, the grade.

    said: the message shown instead of passages, for example a greeting; reading is None then.
    """

    question: Question
    meant: str
    language: Language
    grade: Grade
    confidence: float
    said: Message | None
    reading: Interpretation | None = None


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
    reranker: Reader | None = None
    fusion: Fusion = FUSED

    def ask(self, question: Question) -> Answer:
        """Return the answer to a question.

        Raises QuestionError when the question is blank or too long, UnknownName when a named
        corpus or document does not exist.
        """
        started = time.perf_counter()
        asked = _asked(question)
        with stage("recall"):
            answer = self._answers.recall(asked)
        if answer is None:
            answer = self._answer(self._outcome(asked))
            self._answers.keep(asked, answer)
        took = round((time.perf_counter() - started) * 1000, 2)
        return replace(answer, id=uuid.uuid4().hex, took_ms=took)

    def within(self, corpora: Sequence[str], documents: Sequence[str]) -> Mask | None:
        """Return a mask, bool (passages,), of the named corpora and documents; None means all."""
        return scope(self.snapshot.notes, corpora, documents)

    def read(
        self, typed: str, turn: Turn | None = None, within: Mask | None = None
    ) -> Interpretation:
        """Return the interpretation of a question, corrected and searched.

        turn: the earlier question that this one may follow up on.
        """
        with stage("read"):
            meant = self.lexicon.meant(typed)
        alone = self._searched((meant,), self._encoded(meant), within)
        if not turn or stands_alone(meant, self.snapshot.contents.lexical.frequency):
            return replace(alone, talk=self._talk(alone, alone.confidence))
        joined, titled, ahead = self.followed(alone, turn, within)
        if talk := self._talk(alone, max(alone.confidence, joined.confidence)):
            return replace(alone, talk=talk)
        found = likeliest(alone, joined, titled, ahead)
        if not alone.query.missing:
            return found
        # A name that the notes never mention is not answered by what was asked before it.
        return replace(found, confidence=min(found.confidence, alone.confidence))

    def followed(
        self, alone: Interpretation, turn: Turn, within: Mask | None = None
    ) -> tuple[Interpretation, Interpretation, float]:
        """Return two interpretations of a question as a follow-up, and a lead in score.

        The first is the question joined with the earlier ones, the second the question behind the
        title of the section that answered last. The lead is the score of the first hit of the
        question alone minus the score which that search gave the section that answered last.
        """
        (meant,) = alone.asked
        asked = turn.joined(meant)
        joined = self._searched(asked, reduce(together, map(self._encoded, asked)), within)
        if corrected(meant)[0]:
            # The last section's title would bring back what is taken back.
            titled = joined
        else:
            under = together(self._encoded(turn.title), alone.query)
            titled = self._searched((turn.title, meant), under, within)
        scores = {self._section(hit): hit.score for hit in alone.found.hits}
        first = alone.found.hits[0].score
        return joined, titled, first - scores.get(turn.section, 0.0)

    def turn(self, history: tuple[str, ...], within: Mask | None = None) -> Turn | None:
        """Return the last question of the history as it was understood, small talk left out.

        None where the history is empty or has only small talk.
        """
        if not history:
            return None
        known = self._memory.recall((_key(within), *history))
        if known is None:
            before = self.turn(history[:-1], within)
            reading = self.read(history[-1], before, within)
            known = before if reading.talk else self._turn(reading)
            if known:
                self._memory.keep((_key(within), *history), known)
        return known

    def query(self, text: str, encoding: Encoding | None = None) -> Query:
        """Return the analysed query of a text; the text is encoded if no encoding is given."""
        return _query(self.encoder, self.lexicon, text, encoding)

    def search(self, query: Query, within: Mask | None = None) -> Found:
        """Return the hits for a query; `within`, bool (passages,), limits the search."""
        with stage("search"):
            return find(self.snapshot.contents, query, self.reader, self.fusion, within)

    def confidence(self, query: Query, found: Found) -> float:
        """Return the probability that the first hit answers the query, 0 to 1."""
        contents = self.snapshot.contents
        with stage("judge"):
            found_signals = signals(contents, query, found.evidence, found.hits)
            return self.judge.confidence(found_signals, query.language)

    def grade(self, confidence: float, least: float | None = None) -> Grade:
        """Return the grade of a confidence; below `least` the grade is `not_covered`."""
        if confidence < (self.refused_below if least is None else least):
            return "not_covered"
        return "answers" if confidence >= self.sure_from else "may_answer"

    @cached_property
    def reader(self) -> Reader | None:
        """Return the reader of the best passages, None where the index allows none."""
        return reader_of(self.snapshot.contents, self.reranker)

    @cached_property
    def judge(self) -> Judge:
        """Return the judge that was calibrated for these notes.

        Raises IndexMismatch when another program version or another reader calibrated the index.
        """
        judge = JUDGES.validate_json(self.snapshot.extras[JUDGE])
        if len(judge.learned.weights) != len(SIGNALS):
            raise IndexMismatch(
                f"The index was calibrated by another version of the program. {REBUILD}"
            )
        name = self.reader.name if self.reader else ""
        if judge.reader != name:
            raise IndexMismatch(
                f"The index was calibrated for the reader {judge.reader!r}, and {name!r} reads now "
                f"(NOTES_RERANKER). {REBUILD}"
            )
        return judge

    @cached_property
    def refused_below(self) -> float:
        """Return the confidence below which a question is graded `not_covered`."""
        return self.judge.refusal(_REFUSED)

    @cached_property
    def sure_from(self) -> float:
        """Return the confidence from which a question is graded `answers`, by the stated risk."""
        return self.judge.threshold(self.risk)

    @cached_property
    def smalltalk(self) -> SmallTalk:
        """Return the small-talk phrases, such as greetings and thanks."""
        return read_smalltalk(self.snapshot.extras[SMALLTALK])

    @cached_property
    def _memory(self) -> Memory:
        return Memory()

    @cached_property
    def _encoded(self) -> Callable[[str], Query]:
        # Without the assistant in it, so that a version is freed when its last request ends.
        return lru_cache(_ENCODED)(partial(_query, self.encoder, self.lexicon))

    @cached_property
    def lexicon(self) -> Lexicon:
        """Return the lexicon that corrects questions and analyses their words."""
        contents = self.snapshot.contents
        return Lexicon(contents.vocabulary, contents.lexical, word_test(self.encoder))

    def _searched(
        self, asked: tuple[str, ...], query: Query, within: Mask | None
    ) -> Interpretation:
        found = self.search(query, within=within)
        return Interpretation(asked, query, found, self.confidence(query, found))

    def _turn(self, reading: Interpretation) -> Turn:
        document, section = self._section(reading.found.hits[0])
        title = self.snapshot.notes.documents[document].sections[section].title
        return Turn(reading.asked, (document, section), title)

    def _section(self, hit: Hit) -> tuple[int, int]:
        passage = self.snapshot.notes.passages[hit.passage]
        return passage.document, passage.section

    def _quote(self, hit: Hit, rank: int, explain: bool) -> FoundPassage:
        return quote(self.snapshot.notes, hit, rank, self.link_template, self.public_url, explain)

    def _language(self, question: Question, text: str) -> Language:
        if question.language in ("ko", "en"):
            return "ko" if question.language == "ko" else "en"
        return language_of(text)

    @cached_property
    def _answers(self) -> Answers:
        return Answers()

    @cached_property
    def _topics(self) -> list[str]:
        return subjects(self.snapshot.notes, _SUBJECTS)

    def outcome(self, question: Question) -> Outcome:
        """Return the decision on a question, before an answer is written. Raises like `ask`."""
        return self._outcome(_asked(question))

    def _outcome(self, question: Question) -> Outcome:
        """Return the outcome of a question that `_asked` has normalised."""
        typed, history = question.text, question.history
        within = self.within(question.corpora, question.documents)
        if not _WORD.search(typed):
            language = self._language(question, self.snapshot.notes.documents[0].source)
            return Outcome(question, typed, language, "not_covered", 0.0, "no_words")
        if within is not None and not within.any():
            language = self._language(question, typed)
            return Outcome(question, typed, language, "not_covered", 0.0, "not_covered")
        reading = self.read(typed, self.turn(history, within), within)
        meant = reading.asked[-1]
        language = self._language(question, meant)
        with stage("judge"):
            talk = reading.talk or self._gibberish(reading)
        if talk:
            return Outcome(question, meant, language, "not_covered", reading.confidence, talk)
        self._memory.keep((_key(within), *history, typed), self._turn(reading))
        grade = self.grade(reading.confidence, question.min_confidence)
        return Outcome(question, meant, language, grade, reading.confidence, None, reading)

    def _talk(self, alone: Interpretation, confidence: float) -> Talk | None:
        with stage("judge"):
            return self.smalltalk.kind(self.snapshot.contents, alone.query, confidence)

    def _gibberish(self, reading: Interpretation) -> Literal["gibberish"] | None:
        if len(reading.asked) > 1:
            return None
        query = reading.query
        noise = is_gibberish(query.text, self.snapshot.contents, query.words, self.encoder)
        return "gibberish" if noise else None

    def _answer(self, outcome: Outcome) -> Answer:
        """Return the answer for an outcome; its id and time are still empty."""
        question, reading = outcome.question, outcome.reading
        hits = reading.found.hits[: question.limit] if reading else []
        with stage("quote"):
            passages = [self._quote(h, rank, question.explain) for rank, h in enumerate(hits, 1)]
        covered = outcome.grade != "not_covered"
        missing = reading.query.missing[:_NAMED] if reading and outcome.grade != "answers" else ()
        return Answer(
            id="",
            status="answered" if covered else "not_covered",
            grade=outcome.grade,
            confidence=round(outcome.confidence, 4),
            message=self._message(outcome, missing),
            language=outcome.language,
            query=reading.query.text if reading else outcome.meant,
            corrected_from=None if question.text == outcome.meant else question.text,
            index_version=self.snapshot.version,
            took_ms=0.0,
            passages=tuple(passages) if covered else (),
            closest=passages[0] if passages and not covered else None,
            missing=missing,
        )

    def _message(self, outcome: Outcome, missing: Sequence[str]) -> str | None:
        if outcome.said:
            return program_message(outcome.said, outcome.language, self._topics)
        if outcome.grade == "answers":
            return None
        return caveat(outcome.grade, outcome.language, missing)


def _query(
    encoder: Encoder, lexicon: Lexicon, text: str, encoding: Encoding | None = None
) -> Query:
    if encoding is None:
        with stage("encode"):
            encoding = next(iter(encoder.encode([text], "query")))
    with stage("read"):
        return lexicon.query(text, encoding)


def _asked(question: Question) -> Question:
    """Return the question normalised, so that equal questions share one remembered answer."""
    history = (searchable(text) for text in question.history if _WORD.search(text))
    return replace(
        question,
        text=without_courtesies(searchable(question.text)),
        history=tuple(map(without_courtesies, history)),
    )


def _key(within: Mask | None) -> str:
    return "" if within is None else hashlib.sha256(within.tobytes()).hexdigest()


def word_test(encoder: Encoder) -> Callable[[str], bool]:
    """Return a function that tells whether a word is general language: one tokenizer piece."""
    return lambda word: encoder.count_tokens([word]) == [1]


def searchable(question: str) -> str:
    """Return the question ready for search: normalised, on one line, without control characters.

    Raises QuestionError when the question is blank or longer than 2,000 characters.
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
