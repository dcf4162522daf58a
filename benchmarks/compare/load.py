"""Throughput, tail and memory under load, by wrk on loopback; the bare encoder as the ceiling."""

import json
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks.compare.processes import (
    Server,
    connected,
    memory,
    processor_seconds,
    served,
    until_answered,
)
from benchmarks.compare.questions import different
from benchmarks.compare.results import ROOT, Spread, spread
from benchmarks.compare.systems import System

CLIENTS = (1, 8, 32, 128)
_SECONDS = 6
# More than any system answers in that time.
_AT_MOST = 1000 * _SECONDS
_WARM = 30
_POOLS = (1, 2, 32)
_SCRIPT = Path(__file__).with_name("load.lua")


@dataclass(frozen=True)
class Load:
    """What so many clients got, each asking again as soon as it is answered.

    per_second: questions answered. processor: milliseconds that processors worked for one, which
    depends less than the others on what else the machine does. p50, p95, p99, worst: milliseconds
    of every reply. refused: share of replies that were a 503. failed: how many were another error
    or none, in all rounds.
    """

    system: str
    clients: int
    per_second: Spread
    processor: Spread
    p50: Spread
    p95: Spread
    p99: Spread
    worst: Spread
    refused: float
    failed: int


@dataclass(frozen=True)
class Memory:
    """Megabytes at rest after thirty answers, and the most while 32 clients ask: resident (RSS),
    proportional (PSS), its own (USS)."""

    system: str
    idle: tuple[Spread, Spread, Spread]
    loaded: tuple[Spread, Spread, Spread]


@dataclass(frozen=True)
class Ceiling:
    """Questions a second that the bare encoder encodes in a pool of so many threads, and the
    milliseconds that processors work for one."""

    threads: int
    per_second: Spread
    processor: Spread


Sizes = tuple[float, float, float]


def measure(
    systems: Sequence[System], indexes: Mapping[str, Path], rounds: int
) -> tuple[Sequence[Load], Sequence[Memory], Sequence[Ceiling]]:
    """Return rows by system and clients, by system, and of the encoder alone."""
    taken: dict[str, list[_Round]] = {each.name: [] for each in systems}
    bare: dict[int, list[dict[str, float]]] = {threads: [] for threads in _POOLS}
    for number in range(rounds):
        for threads, found in bare.items():
            found.append(_bare(systems[0], threads, different(seed=number)))
        for system in systems:
            taken[system.name].append(_round(system, indexes[system.name], different(seed=number)))
    return (
        [
            _row(name, clients, [each.said[clients] for each in found])
            for name, found in taken.items()
            for clients in CLIENTS
        ],
        [
            Memory(
                name,
                _spreads([each.idle for each in found]),
                _spreads([each.loaded for each in found]),
            )
            for name, found in taken.items()
        ],
        [
            Ceiling(
                threads,
                spread([each["per_second"] for each in found]),
                spread([each["processor_ms"] for each in found]),
            )
            for threads, found in bare.items()
        ],
    )


@dataclass(frozen=True)
class _Round:
    """said: what wrk found, by clients."""

    idle: Sizes
    loaded: Sizes
    said: Mapping[int, Mapping[str, Any]]


def _round(system: System, data: Path, asked: Iterator[str]) -> _Round:
    with served(system, data) as server:
        until_answered(server, system.chat or system.ready)
        with connected(server, system) as ask:
            for question in islice(asked, _WARM):
                ask(question)
        time.sleep(1)
        idle = memory(server.process)
        found = {clients: _loaded(server, system, clients, asked) for clients in CLIENTS}
    said = {clients: result for clients, (result, _) in found.items()}
    return _Round(idle, found[32][1], said)


def _loaded(
    server: Server, system: System, clients: int, asked: Iterator[str]
) -> tuple[dict[str, Any], Sizes]:
    """Return what wrk found, and the most memory meanwhile."""
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".jsonl") as bodies:
        for question in islice(asked, _AT_MOST):
            bodies.write(json.dumps({"question": question}, ensure_ascii=False) + "\n")
        bodies.flush()
        address = f"http://127.0.0.1:{server.port}{system.asks}"
        command = ["wrk", "--threads", "1", "--connections", str(clients)]
        command += ["--duration", f"{_SECONDS}s", "--timeout", "60s", "--script", str(_SCRIPT)]
        with (
            ThreadPoolExecutor(1) as watching,
            subprocess.Popen(
                [*command, address, "--", bodies.name], stdout=subprocess.PIPE, text=True
            ) as wrk,
        ):
            worked = processor_seconds(server.process)
            most = watching.submit(_most, server.process, wrk)
            said, _ = wrk.communicate()
            if wrk.returncode:
                raise RuntimeError(f"wrk ended with {wrk.returncode}: {said[-300:]}")
            result: dict[str, Any] = json.loads(said.splitlines()[-1])
            worked = processor_seconds(server.process) - worked
            result["processor_ms"] = worked * 1000 / max(result["answered"], 1)
            return result, most.result()


def _most(process: subprocess.Popen[bytes], until: subprocess.Popen[str]) -> Sizes:
    found = []
    while until.poll() is None:
        time.sleep(1)
        found.append(memory(process))
    return max(rss for rss, _, _ in found), max(p for _, p, _ in found), max(u for _, _, u in found)


def _bare(system: System, threads: int, asked: Iterator[str]) -> dict[str, float]:
    done = subprocess.run(
        [system.python, "-m", "benchmarks.compare.ceiling", str(threads), str(_SECONDS)],
        cwd=ROOT,
        env=system.surroundings(),
        input="\n".join(islice(asked, _AT_MOST)),
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


def _row(system: str, clients: int, results: Sequence[Mapping[str, Any]]) -> Load:
    def over_rounds(name: str) -> Spread:
        return spread([each[name] for each in results])

    answered = sum(each["answered"] for each in results)
    refused = sum(each["refused"] for each in results)
    return Load(
        system,
        clients,
        spread([each["answered"] / each["seconds"] for each in results]),
        over_rounds("processor_ms"),
        over_rounds("p50"),
        over_rounds("p95"),
        over_rounds("p99"),
        over_rounds("worst"),
        refused / max(answered + refused, 1),
        sum(each["failed"] for each in results),
    )


def _spreads(values: Sequence[Sizes]) -> tuple[Spread, Spread, Spread]:
    rss, pss, uss = zip(*values, strict=True)
    return spread(rss), spread(pss), spread(uss)
