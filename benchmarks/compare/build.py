"""Seconds to build an index from nothing, and after one sentence was changed."""

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import regex

from benchmarks.compare.processes import run
from benchmarks.compare.results import Spread, spread
from benchmarks.compare.systems import System

# Ours prints `… 12 passages, …`, the peers the bare number of sections that they keep.
_COUNT = regex.compile(r"(\d+) passages, in|^(\d+)$", regex.MULTILINE)


@dataclass(frozen=True)
class Build:
    """Seconds of a build from nothing, of 1,000 passages at that pace, and after an edit.

    passages: what the system cut the same notes into.
    """

    system: str
    passages: int
    whole: Spread
    thousand: Spread
    edit: Spread


def measure(systems: Sequence[System], notes: Path, rounds: int) -> Sequence[Build]:
    """Return a row a system."""
    whole: dict[str, list[float]] = {each.name: [] for each in systems}
    edit: dict[str, list[float]] = {each.name: [] for each in systems}
    counts: dict[str, int] = {}
    for _ in range(rounds):
        for system in systems:
            with tempfile.TemporaryDirectory() as folder:
                own, data = Path(folder) / "notes", Path(folder) / "data"
                shutil.copytree(notes, own)
                command = system.command("build", notes=own, data=data)
                seconds, said = run(command, system)
                counts[system.name] = _count(said)
                whole[system.name].append(seconds)
                page = sorted(own.rglob("*.md"))[-1]
                page.write_text(f"{page.read_text('utf-8')}\nOne more sentence.\n", "utf-8")
                seconds, _ = run(command, system)
                edit[system.name].append(seconds)
    return [
        Build(
            name,
            counts[name],
            spread(whole[name]),
            spread([seconds * 1000 / counts[name] for seconds in whole[name]]),
            spread(edit[name]),
        )
        for name in counts
    ]


def _count(said: str) -> int:
    found = _COUNT.search(said)
    if not found:
        raise RuntimeError(f"No number of passages in {said[-300:]!r}")
    return int(found[1] or found[2])
