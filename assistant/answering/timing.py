"""Measures how long each stage of an answer takes."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Literal, TypeAlias

Stage = Literal["recall", "read", "encode", "search", "judge", "quote"]
Stages: TypeAlias = dict[Stage, float]

_STAGES: ContextVar[Stages | None] = ContextVar("stages", default=None)


@contextmanager
def measured() -> Iterator[Stages]:
    """Yield a dict that fills with the seconds of each stage while the block runs."""
    stages: Stages = {}
    token = _STAGES.set(stages)
    try:
        yield stages
    finally:
        _STAGES.reset(token)


@contextmanager
def stage(name: Stage) -> Iterator[None]:
    """Add the time of the block to this stage, if it runs within `measured`."""
    stages = _STAGES.get()
    started = time.perf_counter()
    yield
    if stages is not None:
        stages[name] = stages.get(name, 0.0) + time.perf_counter() - started
