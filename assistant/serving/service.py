"""The service behind REST, chat, Slack and MCP: it answers, counts and stores each question."""

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, cast

import structlog

from assistant.answering import Answer, Assistant, Question, Stages, measured
from assistant.feedback import Feedback, centred_question, encoded_question, remembered
from assistant.milvus_connection import milvus as store_of
from assistant.serving.telemetry import Metrics
from assistant.serving.worker_pool import WorkerPool
from assistant.settings import Settings
from index.arrays import Floats

if TYPE_CHECKING:
    from index.milvus.milvus_store import Milvus

_LOG = structlog.get_logger()

T = TypeVar("T")


class Service:
    """Answers questions, each from one version of the index, while versions are switched.

    A request reads `assistant`, or calls a function from `per_version`, only once, and uses that
    object to its end.
    """

    def __init__(
        self,
        assistant: Assistant,
        feedback: Feedback,
        metrics: Metrics,
        log_questions: bool = False,
        milvus: "Milvus | None" = None,
    ) -> None:
        """assistant: the first one to serve. log_questions: whether the log may hold their text.

        milvus: the store that searches the vectors of each version, None for FAISS.
        """
        # Held by whoever makes another version ready, so that it is done once.
        self.switching = threading.Lock()
        self.workers = WorkerPool()
        self.feedback = feedback
        self.metrics = metrics
        self.milvus = milvus
        metrics.waiting.set_function(lambda: self.workers.waiting)
        self._log_questions = log_questions
        self._makers: list[Callable[[Assistant], Any]] = []
        # One reference, so that all of it is switched at once.
        self._serving: tuple[Assistant, tuple[Any, ...]] = (assistant, ())

    @property
    def assistant(self) -> Assistant:
        """Return the assistant over the version that is served now."""
        return self._serving[0]

    def per_version(self, make: Callable[[Assistant], T]) -> Callable[[], T]:
        """Return a function that gives `make(assistant)` for the version that is served now.

        `make` is called once for each version, before it is served, and its result lives as long
        as the version. Once versions may be switched, the caller must hold `switching`.
        """
        assistant, made = self._serving
        first = make(assistant)
        number = len(self._makers)
        self._makers.append(make)
        self._serving = (assistant, (*made, first))
        return lambda: cast(T, self._serving[1][number])

    def switch(self, assistant: Assistant) -> None:
        """Serve another version from now on; running requests finish with the one they have."""
        self._serving = (assistant, tuple(make(assistant) for make in self._makers))
        self.metrics.serves(assistant.snapshot.version)

    def ask(self, question: Question, assistant: Assistant | None = None) -> Answer:
        """Return the answer, and count and store it. Raises like `Assistant.ask`.

        assistant: the one that the request uses; None takes the one that is served now.
        """
        return self.timed(question, assistant or self.assistant)[0]

    def timed(self, question: Question, assistant: Assistant) -> tuple[Answer, Stages]:
        """Return the answer like `ask`, with the seconds of each stage."""
        with self.metrics.running.track_inprogress(), measured() as stages:
            answer = assistant.ask(question)
        self.metrics.answered(answer, stages)
        self.feedback.answered(answer, question.text)
        said = {"question": question.text} if self._log_questions else {}
        _LOG.info("answered", answer=answer.id, grade=answer.grade, ms=answer.took_ms, **said)
        return answer, stages

    async def answers(self, questions: Sequence[Question]) -> list[tuple[Answer, Stages]]:
        """Return the answers in the order of the questions, with the seconds of each stage.

        Raises Overloaded where the questions would wait too long, else like `Assistant.ask`.
        """
        assistant = self.assistant
        return await self.workers.take(
            lambda: [self.timed(each, assistant) for each in questions], len(questions)
        )


def open_service(assistant: Assistant, settings: Settings) -> Service:
    """Return a service by the settings; the caller must close its `feedback`."""
    encoder = assistant.encoder
    # The encoder outlives a version; what all questions to its notes have in common does not.
    known = remembered(lambda questions: encoded_question(encoder, questions))

    def vectors(questions: Sequence[str]) -> Floats:
        means = service.assistant.snapshot.contents.general.vector_means
        return centred_question(known(questions), means, questions)

    feedback = Feedback(settings.data_dir, settings.keep_questions_days, vectors)
    metrics = Metrics(assistant.snapshot.version)
    service = Service(assistant, feedback, metrics, settings.log_questions, store_of(settings))
    return service
