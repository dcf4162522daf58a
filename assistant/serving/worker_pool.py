"""Runs work in threads, one for each processor, and refuses work that would wait too long."""

import asyncio
import contextvars
import math
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from index.cpus import usable_cpus
from index.errors import Overloaded

# Whoever would wait longer is told so at once.
_LONGEST_WAIT = 2.0
# What a question is taken for before any was measured, and at least: answers that are remembered
# take next to nothing, and those behind them may not be.
_LEAST_SECONDS = 0.005
# How much the latest piece of work counts in the mean: one that is slow for a reason of its own
# must turn nobody away.
_LATEST = 0.03

T = TypeVar("T")


class WorkerPool:
    """Runs work in threads, first come, first served.

    The number of threads is fixed: more would be no faster, and each thread that has encoded a
    text keeps memory of its own.
    """

    def __init__(self, threads: int | None = None) -> None:
        """threads: the number of threads; None takes one for each usable processor."""
        self._count = threads or usable_cpus()
        self._threads = ThreadPoolExecutor(self._count, "questions")
        self._seconds = _LEAST_SECONDS
        self._questions = 0
        self._lock = threading.Lock()

    @property
    def waiting(self) -> int:
        """Return the number of questions that wait for a thread."""
        return max(0, self._questions - self._count)

    @property
    def wait(self) -> float:
        """Return the seconds that one more question would wait, by the times of recent ones."""
        return self._questions * self._seconds / self._count

    async def take(self, work: Callable[[], T], questions: int = 1) -> T:
        """Run work in a thread and return its result; call this on the server's event loop.

        questions: the number of questions in the work; 0 for other work, whose time does not count
        for `wait`. Raises Overloaded where the work would wait over two seconds.
        """
        if self.wait > _LONGEST_WAIT:
            raise Overloaded(
                "Too many questions wait for an answer. Try again in a moment.",
                math.ceil(self.wait),
            )
        run = contextvars.copy_context().run
        self._questions += questions
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, run, self._timed, work, questions)
        finally:
            self._questions -= questions

    def _timed(self, work: Callable[[], T], questions: int) -> T:
        started = time.perf_counter()
        try:
            return work()
        finally:
            if questions:
                self._learn((time.perf_counter() - started) / questions)

    def _learn(self, seconds: float) -> None:
        with self._lock:
            mean = self._seconds + _LATEST * (seconds - self._seconds)
            self._seconds = max(mean, _LEAST_SECONDS)
