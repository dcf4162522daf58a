"""Work in turn: as many pieces at once as there are processors, and none that would wait long."""

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
    """Does work in threads, first come, first served.

    The threads are always the same ones: others would be no faster, and each that ever encoded
    keeps memory of its own.
    """

    def __init__(self, threads: int | None = None) -> None:
        """threads: how many; None: as many as there are processors."""
        self._count = threads or usable_cpus()
        self._threads = ThreadPoolExecutor(self._count, "questions")
        self._seconds = _LEAST_SECONDS
        self._questions = 0
        self._lock = threading.Lock()

    @property
    def waiting(self) -> int:
        """Return how many questions have no thread yet."""
        return max(0, self._questions - self._count)

    @property
    def wait(self) -> float:
        """Return the seconds that one more would wait, by what questions took of late."""
        return self._questions * self._seconds / self._count

    async def take(self, work: Callable[[], T], questions: int = 1) -> T:
        """Return what work on so many questions returns; called on the server's loop.

        With 0 it is no question, and nothing is learned from the time that it takes. Raises
        Overloaded where it would wait too long.
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
