"""What is aimed at, as ratios within one run, and whether it is reached."""

import operator
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from benchmarks.compare.growth import BESIDE, Growth
from benchmarks.compare.load import Ceiling, Load, Memory
from benchmarks.compare.quality import Quality
from benchmarks.compare.question import Question
from benchmarks.compare.size import Size
from benchmarks.compare.start import Start

OURS = "notes"
FULL = "notes-torch"
PLAIN = "plain"
PEERS = ("plain", "txtai")


@dataclass(frozen=True)
class Bar:
    """What is compared, what is aimed at in words, what was measured, and whether it is met."""

    what: str
    aim: str
    measured: str
    met: bool


def start(rows: Sequence[Start]) -> Iterator[Bar]:
    """Yield the bars on the start."""
    found = {row.system: row for row in rows}
    ways: tuple[tuple[str, Callable[[Start], float]], ...] = (
        ("start to ready", lambda row: row.ready.median),
        ("start to the first answer", lambda row: row.first.median),
    )
    for what, seconds in ways:
        for peer in PEERS:
            ratio = seconds(found[OURS]) / seconds(found[peer])
            yield _at_most(f"{what}, over {peer}'s", "at most 1/4", ratio, 1 / 4)


def question(rows: Sequence[Question]) -> Iterator[Bar]:
    """Yield the bar on a warm question."""
    (ours,) = (row for row in rows if row.system == OURS)
    beside = ours.http.p50 - ours.encoder.p50
    yield _at_most(
        "a warm question over HTTP, p50, beside the encoder's own time", "at most 5 ms", beside, 5,
        " ms",
    )  # fmt: skip


def load(rows: Sequence[Load], ceilings: Sequence[Ceiling]) -> Iterator[Bar]:
    """Yield the bars on many clients."""
    found = {(row.system, row.clients): row for row in rows}
    ours = found[OURS, 32]
    bare = max(each.per_second.median for each in ceilings)
    yield _at_least(
        "32 clients: throughput over the bare encoder's in a pool of threads", "at least 0.7",
        ours.per_second.median / bare, 0.7,
    )  # fmt: skip
    yield _at_least(
        "32 clients: throughput over the plain script's", "at least 1.5",
        ours.per_second.median / found[PLAIN, 32].per_second.median, 1.5,
    )  # fmt: skip
    yield _at_most(
        "32 clients: p99 over the p50 of a single client", "at most 40",
        ours.p99.median / found[OURS, 1].p50.median, 40,
    )  # fmt: skip
    most = found[OURS, 128]
    yield Bar(
        "128 clients: errors other than early 503s",
        "none",
        f"{most.failed}; {most.refused:.0%} refused by 503, the last reply in "
        f"{most.worst.high:.0f} ms",
        most.failed == 0,
    )


def memory(rows: Sequence[Memory]) -> Iterator[Bar]:
    """Yield the bars on resident memory."""
    found = {row.system: row for row in rows}
    for when, of in (("idle", "idle"), ("with 32 clients", "loaded")):
        ours, plain = (getattr(found[name], of)[0].median for name in (OURS, PLAIN))
        yield _at_most(
            f"resident memory {when}, over the plain script's", "at most 1/2", ours / plain, 1 / 2
        )


def size(rows: Sequence[Size]) -> Iterator[Bar]:
    """Yield the bar on the installed size."""
    found = {row.system: row for row in rows}
    ratio = found[OURS].whole / found[FULL].whole
    yield _at_most("light installation over the full one", "at most 1/3", ratio, 1 / 3)


def growth(rows: Sequence[Growth]) -> Iterator[Bar]:
    """Yield the bar on the cost of many passages."""
    (beside,) = (row for row in rows if row.what == BESIDE)
    small, *_, large = (float(value.split()[0]) for value in beside.values)
    yield _at_most(
        "cost beside encoding, 100,000 passages over 1,000", "at most 3", large / small, 3
    )


def quality(rows: Sequence[Quality]) -> Iterator[Bar]:
    """Yield a bar for each set of notes: not below the best peer."""
    for corpus in dict.fromkeys(row.corpus for row in rows):
        found = {r.system: r for r in rows if r.corpus == corpus and r.language == "all"}
        for what, of in (("nDCG@10", "ndcg"), ("right one first", "first")):
            value = operator.attrgetter(of)
            best = max(PEERS, key=lambda peer: value(found[peer]))
            gain = value(found[OURS]) - value(found[best])
            yield Bar(
                f"{corpus}: {what}, over the best peer's",
                "not below",
                f"{gain:+.3f} over {best}",
                gain >= 0,
            )


def _at_most(what: str, aim: str, value: float, most: float, unit: str = "") -> Bar:
    return Bar(what, aim, f"{value:.2f}{unit}", value <= most)


def _at_least(what: str, aim: str, value: float, least: float) -> Bar:
    return Bar(what, aim, f"{value:.2f}", value >= least)
