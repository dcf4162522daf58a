"""From process start to ready and to the first answer, and one question from the shell."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.compare.processes import (
    connected,
    processor_seconds,
    run,
    served,
    until_answered,
)
from benchmarks.compare.results import Spread, spread
from benchmarks.compare.systems import System

_QUESTION = "볼륨은 어디에 저장되나요?"


@dataclass(frozen=True)
class Start:
    """Seconds from process start until ready, until the first answer came, and until the chat's
    page is there, None where there is none; of a command from the shell until it ended.

    processor: seconds that processors worked until the first answer, which depends less than the
    others on what else the machine does.
    """

    system: str
    ready: Spread
    first: Spread
    processor: Spread
    chat: Spread | None
    shell: Spread


@dataclass(frozen=True)
class _Once:
    ready: float
    first: float
    processor: float
    chat: float
    shell: float


def measure(systems: Sequence[System], indexes: Mapping[str, Path], rounds: int) -> Sequence[Start]:
    """Return a row a system; indexes: the data of each, built."""
    taken: dict[str, list[_Once]] = {each.name: [] for each in systems}
    # The first round brings files into memory and is not counted.
    for number in range(rounds + 1):
        for system in systems:
            once = _started(system, indexes[system.name])
            if number:
                taken[system.name].append(once)
    return [
        Start(
            system.name,
            spread([each.ready for each in taken[system.name]]),
            spread([each.first for each in taken[system.name]]),
            spread([each.processor for each in taken[system.name]]),
            spread([each.chat for each in taken[system.name]]) if system.chat else None,
            spread([each.shell for each in taken[system.name]]),
        )
        for system in systems
    ]


def _started(system: System, data: Path) -> _Once:
    with served(system, data) as server:
        ready = until_answered(server, system.ready)
        with connected(server, system) as ask:
            first = ready + ask(_QUESTION) / 1000
        processor = processor_seconds(server.process)
        chat = until_answered(server, system.chat) if system.chat else 0.0
    shell, _ = run(system.command("ask", data=data, question=_QUESTION), system)
    return _Once(ready, first, processor, chat, shell)
