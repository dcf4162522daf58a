"""The one way to an answer that every face takes: answered, counted, kept for the authors."""

import asyncio
import contextvars
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import anyio
import structlog

from assistant.answer import Answer
from assistant.ask import Assistant, Question
from assistant.feedback import Feedback
from assistant.gaps import question_vectors
from assistant.settings import Settings
from assistant.telemetry import Metrics
from assistant.timing import Stages, measured
from index.errors import Overloaded

# Where more wait than this, whoever comes next would wait longer than a person does.
_MOST_WAITING = 500
_CORES = os.cpu_count() or 1
_LOG = structlog.get_logger()

T = TypeVar("T")


@dataclass(frozen=True)
class Service:
    """Answers questions; log_questions: whether their text may stand in the log."""

    assistant: Assistant
    feedback: Feedback
    metrics: Metrics
    log_questions: bool = False

    def ask(self, question: Question) -> Answer:
        """Return the answer, counted and kept. Raises what `Assistant.ask` raises."""
        return self.timed(question)[0]

    def timed(self, question: Question) -> tuple[Answer, Stages]:
        """Return the same with the seconds of each stage."""
        with self.metrics.running.track_inprogress(), measured() as stages:
            answer = self.assistant.ask(question)
        self.metrics.answered(answer, stages)
        self.feedback.answered(answer, question.text)
        said = {"question": question.text} if self.log_questions else {}
        _LOG.info("answered", answer=answer.id, grade=answer.grade, ms=answer.took_ms, **said)
        return answer, stages

    async def answers(self, questions: Sequence[Question]) -> list[tuple[Answer, Stages]]:
        """Return answers in order, with the seconds of each stage. Raises Overloaded."""
        return await self.apart(lambda: [self.timed(question) for question in questions])

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


def feedback_for(assistant: Assistant, settings: Settings) -> Feedback:
    """Return where answers to the notes' questions are kept, as the settings have it."""
    means = assistant.snapshot.contents.general.vector_means
    return Feedback(
        settings.data_dir,
        settings.keep_questions_days,
        lambda questions: question_vectors(assistant.encoder, means, questions),
    )
