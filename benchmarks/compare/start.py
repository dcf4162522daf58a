"""From process start to ready and to the first answer, and one question from the shell."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.compare.processes import connected, run, served, until_answered
from benchmarks.compare.results import Spread, spread
from benchmarks.compare.systems import System

_QUESTION = "볼륨은 어디에 저장되나요?"


@dataclass(frozen=True)
class Start:
    """Seconds from process start until ready, until the first answer came, and until the chat's
    page is there, None where there is none; of a command from the shell until it ended."""

    system: str
    ready: Spread
    first: Spread
    chat: Spread | None
    shell: Spread


def measure(systems: Sequence[System], indexes: Mapping[str, Path], rounds: int) -> Sequence[Start]:
    """Return a row a system; indexes: the data of each, built."""
    served_in: dict[str, list[tuple[float, float, float]]] = {each.name: [] for each in systems}
    shell: dict[str, list[float]] = {each.name: [] for each in systems}
    # The first round brings files into memory and is not counted.
    for number in range(rounds + 1):
        for system in systems:
            data = indexes[system.name]
            one = _started(system, data)
            asked = system.command("ask", data=data, question=_QUESTION)
            seconds, _ = run(asked, system)
            if number:
                served_in[system.name].append(one)
                shell[system.name].append(seconds)
    return [
        Start(
            each.name,
            spread([ready for ready, _, _ in served_in[each.name]]),
            spread([first for _, first, _ in served_in[each.name]]),
            spread([chat for _, _, chat in served_in[each.name]]) if each.chat else None,
            spread(shell[each.name]),
        )
        for each in systems
    ]


def _started(system: System, data: Path) -> tuple[float, float, float]:
    with served(system, data) as server:
        ready = until_answered(server, system.ready)
        with connected(server, system) as ask:
            first = ready + ask(_QUESTION) / 1000
        return ready, first, until_answered(server, system.chat) if system.chat else 0.0
