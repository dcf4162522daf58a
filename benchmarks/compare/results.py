"""What a part measured, on what, and its file in `benchmarks/reports/compare`."""

import json
import os
import platform
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

import psutil
from pydantic import TypeAdapter

ROOT = Path(__file__).parents[2]
REPORTS = ROOT / "benchmarks" / "reports" / "compare"

Row = TypeVar("Row")


@dataclass(frozen=True)
class Spread:
    """A median with its range."""

    median: float
    low: float
    high: float


@dataclass(frozen=True)
class Percentiles:
    """Of all that was timed, in milliseconds; low and high: of the rounds' medians."""

    p50: float
    p95: float
    p99: float
    low: float
    high: float


@dataclass(frozen=True)
class Taken:
    """On what a part was measured, when, how often, and with what installed, by system.

    others: the share of the processors, 0 to 1, that programs beside it took meanwhile.
    """

    machine: str
    day: str
    rounds: int
    versions: Mapping[str, str]
    others: float


def spread(values: Sequence[float]) -> Spread:
    """Return the median and the range of at least one value."""
    return Spread(statistics.median(values), min(values), max(values))


def percentiles(rounds: Sequence[Sequence[float]]) -> Percentiles:
    """Return the percentiles of all values, each by nearest rank; no round is empty."""
    values = sorted(value for each in rounds for value in each)
    middles = [statistics.median(each) for each in rounds]

    def rank(share: int) -> float:
        return values[-(-len(values) * share // 100) - 1]

    return Percentiles(rank(50), rank(95), rank(99), min(middles), max(middles))


@contextmanager
def watched(rounds: int, versions: Mapping[str, str]) -> Iterator[Callable[[], Taken]]:
    """Yield what tells, at the end, on what was measured meanwhile; every child must have ended."""
    before = _used()

    def taken() -> Taken:
        whole, busy, own = (after - then for after, then in zip(_used(), before, strict=True))
        others = max(0.0, busy - own) / whole
        return Taken(_machine(), date.today().isoformat(), rounds, versions, round(others, 3))

    yield taken


def write(part: str, how: Taken, rows: Sequence[Any], folder: Path = REPORTS) -> None:
    """Keep what a part measured; rows: of one dataclass."""
    folder.mkdir(parents=True, exist_ok=True)
    kept = {"taken": asdict(how), "rows": [asdict(row) for row in rows]}
    text = json.dumps(kept, ensure_ascii=False, indent=1)
    (folder / f"{part}.json").write_text(text + "\n", "utf-8")


def read(part: str, kind: type[Row], folder: Path = REPORTS) -> tuple[Taken, list[Row]] | None:
    """Return what a part measured when it last ran, None where it never has."""
    path = folder / f"{part}.json"
    if not path.is_file():
        return None
    kept = json.loads(path.read_text("utf-8"))
    rows = TypeAdapter(list[kind]).validate_python(kept["rows"])  # type: ignore[valid-type]
    return TypeAdapter(Taken).validate_python(kept["taken"]), rows


def _used() -> tuple[float, float, float]:
    """Return seconds since the start that the processors had, were busy, and worked for this."""
    times = psutil.cpu_times()
    idle = times.idle + times.iowait
    # Guests are counted as users already.
    whole = sum(times) - times.guest - times.guest_nice
    return whole, whole - idle, sum(os.times()[:4])


def _machine() -> str:
    memory = psutil.virtual_memory().total / 1e9
    return (
        f"{_processor()}, {os.cpu_count()} cores, {memory:.0f} GB of memory, "
        f"{platform.system()}, Python {platform.python_version()}"
    )


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
