"""One warm question, in process and over HTTP, beside the encoder's own time."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from benchmarks.compare.processes import connected, served, talking, until_answered
from benchmarks.compare.questions import different
from benchmarks.compare.results import Percentiles, percentiles
from benchmarks.compare.systems import System

_QUESTIONS = 100
_WARM = 10


@dataclass(frozen=True)
class Question:
    """Milliseconds of a question over HTTP, inside the process, and of its encoding alone."""

    system: str
    http: Percentiles
    inside: Percentiles
    encoder: Percentiles


def measure(
    systems: Sequence[System], indexes: Mapping[str, Path], rounds: int
) -> Sequence[Question]:
    """Return a row a system; every question is another one."""
    asked = different(seed=1)
    taken: dict[str, list[tuple[list[float], list[float], list[float]]]]
    taken = {each.name: [] for each in systems}
    for _ in range(rounds):
        for system in systems:
            taken[system.name].append(_round(system, indexes[system.name], asked))
    return [
        Question(name, *(percentiles([each[way] for each in rounds]) for way in range(3)))
        for name, rounds in taken.items()
    ]


def _round(
    system: System, data: Path, asked: Iterator[str]
) -> tuple[list[float], list[float], list[float]]:
    with ExitStack() as stack:
        server = stack.enter_context(served(system, data))
        inside = stack.enter_context(talking(system, data))
        until_answered(server, system.chat or system.ready)
        over_http = stack.enter_context(connected(server, system))
        for question in islice(asked, _WARM):
            over_http(question)
            inside("ask", question)
        # One way after the other, so that each finds its own memory warm.
        return (
            [over_http(question) for question in islice(asked, _QUESTIONS)],
            [inside("ask", question).ms for question in islice(asked, _QUESTIONS)],
            [inside("encode", question).ms for question in islice(asked, _QUESTIONS)],
        )
