"""Parallel reading of many files by worker processes."""

import gc
import multiprocessing
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from index.errors import CorpusError

Item = TypeVar("Item")
Result = TypeVar("Result")

# Below so many files, starting processes takes longer than it saves.
_MANY = 512
_BATCH = 32
# Batches a worker may be ahead of who takes the results: more would only fill the memory.
_AHEAD = 4
# What is made of a page is free of cycles; looking for them often takes a tenth of the time.
_COLLECT = 100_000


def each_in_processes(
    one: Callable[[Item], Result], items: Sequence[Item], workers: int
) -> Iterator[Result]:
    """Yield the result of a function for each item, in order; only a few batches are in memory.

    Worker processes are started only for many items; they must be able to import the function.
    Passes on the errors of the function and raises CorpusError if a worker dies.
    """
    if workers < 2 or len(items) < _MANY:
        yield from map(one, items)
        return
    batches = (items[start : start + _BATCH] for start in range(0, len(items), _BATCH))
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, context, gc.set_threshold, (_COLLECT,))
    running: deque[Future[list[Result]]] = deque()
    try:
        for batch in batches:
            running.append(pool.submit(_all, one, batch))
            if len(running) > _AHEAD * workers:
                yield from running.popleft().result()
        while running:
            yield from running.popleft().result()
    except BrokenProcessPool as error:
        raise CorpusError(
            "A process that read the notes ended too early, perhaps for want of memory. "
            "Free some, then try again."
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _all(one: Callable[[Item], Result], batch: Sequence[Item]) -> list[Result]:
    return [one(item) for item in batch]
