"""The one way to an answer that every face takes: answered, counted, kept for the authors."""

import asyncio
import contextvars
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar, cast

import anyio
import structlog

from assistant.answer import Answer
from assistant.ask import Assistant, Question
from assistant.feedback import Feedback
from assistant.gaps import centred, encoded, remembered
from assistant.milvus import milvus as store_of
from assistant.settings import Settings
from assistant.telemetry import Metrics
from assistant.timing import Stages, measured
from index.encoder import Floats
from index.errors import Overloaded

if TYPE_CHECKING:
    from index.stores.milvus import Milvus

# Where more wait than this, whoever comes next would wait longer than a person does.
_MOST_WAITING = 500
_CORES = os.cpu_count() or 1
_LOG = structlog.get_logger()

T = TypeVar("T")


class Service:
    """Answers questions, each from one version of the index, while versions are switched.

    A request takes `assistant`, or what `per_version` returns, once and keeps it to its end.
    """

    def __init__(
        self,
        assistant: Assistant,
        feedback: Feedback,
        metrics: Metrics,
        log_questions: bool = False,
        milvus: "Milvus | None" = None,
    ) -> None:
        """Begin with this assistant; log_questions: whether their text may stand in the log.

        milvus: what searches the vectors of each version, None for FAISS.
        """
        # Held by whoever makes another version ready, so that it is done once.
        self.switching = threading.Lock()
        self.feedback = feedback
        self.metrics = metrics
        self.milvus = milvus
        self._log_questions = log_questions
        self._makers: list[Callable[[Assistant], Any]] = []
        # One reference, so that all of it is switched at once.
        self._serving: tuple[Assistant, tuple[Any, ...]] = (assistant, ())

    @property
    def assistant(self) -> Assistant:
        """Return the assistant over the version that is served now."""
        return self._serving[0]

    def per_version(self, make: Callable[[Assistant], T]) -> Callable[[], T]:
        """Return what gives make's work on the version that is served now, made beforehand.

        Called while the service is put together. What is made lives as long as its version.
        """
        number = len(self._makers)
        self._makers.append(make)
        assistant, made = self._serving
        self._serving = (assistant, (*made, make(assistant)))
        return lambda: cast(T, self._serving[1][number])

    def switch(self, assistant: Assistant) -> None:
        """Answer from another version from now on; requests under way end with theirs."""
        self._serving = (assistant, tuple(make(assistant) for make in self._makers))
        self.metrics.serves(assistant.snapshot.version)

    def ask(self, question: Question, assistant: Assistant | None = None) -> Answer:
        """Return the answer, counted and kept. Raises what `Assistant.ask` raises.

        assistant: the one that the request keeps to; None: the one that serves now.
        """
        return self.timed(question, assistant or self.assistant)[0]

    def timed(self, question: Question, assistant: Assistant) -> tuple[Answer, Stages]:
        """Return the same with the seconds of each stage."""
        with self.metrics.running.track_inprogress(), measured() as stages:
            answer = assistant.ask(question)
        self.metrics.answered(answer, stages)
        self.feedback.answered(answer, question.text)
        said = {"question": question.text} if self._log_questions else {}
        _LOG.info("answered", answer=answer.id, grade=answer.grade, ms=answer.took_ms, **said)
        return answer, stages

    async def answers(self, questions: Sequence[Question]) -> list[tuple[Answer, Stages]]:
        """Return answers in order, with the seconds of each stage. Raises Overloaded."""
        assistant = self.assistant
        return await self.apart(lambda: [self.timed(each, assistant) for each in questions])

    async def apart(self, work: Callable[[], T]) -> T:
        """Return what work returns, done in one of as many threads as there are cores.

        They are always the same ones: others would be no faster, and each that ever encoded keeps
        memory of its own. Raises Overloaded when too much waits already.
        """
        if self._turns.statistics().tasks_waiting >= _MOST_WAITING:
            raise Overloaded("Too many questions wait for an answer. Try again in a moment.")
        self.metrics.waiting.inc()
        try:
            async with self._turns:
                run = contextvars.copy_context().run
                return await asyncio.get_running_loop().run_in_executor(self._threads, run, work)
        finally:
            self.metrics.waiting.dec()

    @cached_property
    def _turns(self) -> anyio.CapacityLimiter:
        return anyio.CapacityLimiter(_CORES)

    @cached_property
    def _threads(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(_CORES, "questions")


def open_service(assistant: Assistant, settings: Settings) -> Service:
    """Return the service as the settings have it, its feedback to be closed by the caller."""
    encoder = assistant.encoder
    # The encoder outlives a version; what all questions to its notes have in common does not.
    known = remembered(lambda questions: encoded(encoder, questions))

    def vectors(questions: Sequence[str]) -> Floats:
        means = service.assistant.snapshot.contents.general.vector_means
        return centred(known(questions), means, questions)

    feedback = Feedback(settings.data_dir, settings.keep_questions_days, vectors)
    metrics = Metrics(assistant.snapshot.version)
    service = Service(assistant, feedback, metrics, settings.log_questions, store_of(settings))
    return service
