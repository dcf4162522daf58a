"""The page docs/benchmarks.md, written from what the parts measured when they last ran."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.compare import bars
from benchmarks.compare.bars import Bar
from benchmarks.compare.build import Build
from benchmarks.compare.growth import SIZES, Growth
from benchmarks.compare.load import Ceiling, Load, Memory
from benchmarks.compare.quality import Quality
from benchmarks.compare.question import Question
from benchmarks.compare.results import REPORTS, Percentiles, Spread, Taken, read
from benchmarks.compare.size import Size
from benchmarks.compare.start import Start

_TITLES = {
    "notes": "Notes Assistant, light",
    "notes-torch": "Notes Assistant, sentence-transformers",
    "plain": "plain script",
    "txtai": "txtai",
}
_INTRODUCTION = """\
# Side by side

<!-- `make bench` writes this page; edit benchmarks/compare/report.py instead. -->

What a team would use instead, over the same notes, with the same model, on the same machine, in one
run: `make bench` (`make bench ONLY=start,load` for some parts). It wants `wrk`, and installs each
system into an environment of its own in the user's cache folder.

- **Notes Assistant, light**: as installed without torch, the encoder on ONNX Runtime from weights
  of 4 and 8 bits, `notes serve` with the chat.
- **Notes Assistant, sentence-transformers**: the same with `NOTES_ENGINE=torch`.
- **plain script**: [plain.py](../benchmarks/peers/plain.py), what one would write instead:
  sentence-transformers, FAISS, a vector a section, the best sections returned.
- **txtai**: [with_txtai.py](../benchmarks/peers/with_txtai.py), its hybrid of vectors and BM25.

Both peers answer over FastAPI by the same [few lines](../benchmarks/peers/face.py). They find
sections; they do not judge, mark, mend or refuse, which ours does in every number here. The peers
take the first 512 tokens of a section, as the model does.

Systems take turns within each round; a number is the median of the rounds, with its range. Over
HTTP, under load and in process no question is asked twice, so that no cache answers.
"""


@dataclass(frozen=True)
class _Part:
    """name: of its file. table: its rows as Markdown lines; bars: those on it."""

    name: str
    row: type[Any]
    heading: str
    table: Callable[[Sequence[Any]], Iterator[str]]
    said: str = ""


def page(folder: Path = REPORTS) -> str:
    """Return the page as Markdown; parts that never ran are left out."""
    found = {part.name: read(part.name, part.row, folder) for part in _PARTS}
    blocks = [_INTRODUCTION]
    rows = {name: part[1] for name, part in found.items() if part}
    blocks.append("## What is aimed at\n" + "\n".join(_bars(list(reached(rows)))) + "\n")
    for part in _PARTS:
        kept = found[part.name]
        if kept:
            lines = [f"## {part.heading}", *filter(None, [part.said]), ""]
            blocks.append("\n".join([*lines, *part.table(kept[1]), "", _how(kept[0])]) + "\n")
    blocks.append("\n".join(_installed([part[0] for part in found.values() if part])) + "\n")
    return "\n".join(blocks)


def reached(rows: dict[str, list[Any]]) -> Iterator[Bar]:
    """Yield all bars of the parts that ran."""
    if "start" in rows:
        yield from bars.start(rows["start"])
    if "question" in rows:
        yield from bars.question(rows["question"])
    if "load" in rows:
        yield from bars.load(rows["load"], rows["ceiling"])
        yield from bars.memory(rows["memory"])
    if "size" in rows:
        yield from bars.size(rows["size"])
    if "growth" in rows:
        yield from bars.growth(rows["growth"])
    if "quality" in rows:
        yield from bars.quality(rows["quality"])


def _bars(found: Sequence[Bar]) -> Iterator[str]:
    yield "| what | aimed at | measured | |"
    yield "|---|---|---|---|"
    for bar in found:
        met = "reached" if bar.met else "**missed**"
        yield f"| {bar.what} | {bar.aim} | {bar.measured} | {met} |"


def _start(rows: Sequence[Start]) -> Iterator[str]:
    yield "| | ready | first answer | processor | chat's page | one question from the shell |"
    yield "|---|---|---|---|---|---|"
    for row in rows:
        chat = _spread(row.chat, 2) if row.chat else "–"
        found = (_spread(each, 2) for each in (row.ready, row.first, row.processor))
        yield _row(row.system, *found, chat, _spread(row.shell, 2))


def _question(rows: Sequence[Question]) -> Iterator[str]:
    yield "| | | p50 (of the rounds) | p95 | p99 |"
    yield "|---|---|---|---|---|"
    for row in rows:
        ways = (("over HTTP", row.http), ("in process", row.inside), ("encoder", row.encoder))
        for way, found in ways:
            yield _row(row.system, way, _middle(found), f"{found.p95:.1f}", f"{found.p99:.1f}")


def _load(rows: Sequence[Load]) -> Iterator[str]:
    columns = (
        "clients | questions/s | processor ms | p50 ms | p95 ms | p99 ms | last ms | 503 | errors"
    )
    yield f"| | {columns} |"
    yield "|---|---|---|---|---|---|---|---|---|---|"
    for row in rows:
        yield _row(
            row.system,
            str(row.clients),
            _spread(row.per_second, 1),
            f"{row.processor.median:.1f}",
            *(f"{each.median:.0f}" for each in (row.p50, row.p95, row.p99, row.worst)),
            f"{row.refused:.1%}" if row.refused else "0",
            str(row.failed),
        )


def _ceiling(rows: Sequence[Ceiling]) -> Iterator[str]:
    yield "| threads | questions/s | processor ms |"
    yield "|---|---|---|"
    for row in rows:
        yield f"| {row.threads} | {_spread(row.per_second, 1)} | {row.processor.median:.1f} |"


def _memory(rows: Sequence[Memory]) -> Iterator[str]:
    yield "| | | resident (RSS) | proportional (PSS) | its own (USS) |"
    yield "|---|---|---|---|---|"
    for row in rows:
        for when, found in (("idle", row.idle), ("32 clients", row.loaded)):
            yield _row(row.system, when, *(_spread(each, 0) for each in found))


def _build(rows: Sequence[Build]) -> Iterator[str]:
    yield "| | passages | from nothing | per 1,000 passages | one sentence changed |"
    yield "|---|---|---|---|---|"
    for row in rows:
        seconds = (_spread(each, 1) for each in (row.whole, row.thousand, row.edit))
        yield _row(row.system, str(row.passages), *seconds)


def _size(rows: Sequence[Size]) -> Iterator[str]:
    yield "| | libraries | program | models | together |"
    yield "|---|---|---|---|---|"
    for row in rows:
        parts = (row.libraries, row.program, row.models, row.whole)
        yield _row(row.system, *(f"{each:,.0f} MB" for each in parts))


def _growth(rows: Sequence[Growth]) -> Iterator[str]:
    yield f"| | {' | '.join(f'{size:,}' for size in SIZES)} |"
    yield "|---|---|---|---|"
    for row in rows:
        yield _row(row.what, *row.values)


def _quality(rows: Sequence[Quality]) -> Iterator[str]:
    yield "| | notes | questions | nDCG@10 | first | first three | ours is better in nDCG@10 by |"
    yield "|---|---|---|---|---|---|---|"
    for row in rows:
        gain = "–"
        if row.gain:
            mean, low, high = row.gain
            gain = f"{mean:+.3f} ({low:+.3f} to {high:+.3f})"
        asked = f"{row.questions} {row.language}"
        numbers = (f"{each:.3f}" for each in (row.ndcg, row.first, row.third))
        yield _row(row.system, row.corpus, asked, *numbers, gain)


def _how(taken: Taken) -> str:
    rounds = "once" if taken.rounds == 1 else f"in {taken.rounds} rounds"
    return (
        f"Measured {taken.day}, {rounds}, on {taken.machine}; "
        f"other programs took {taken.others:.0%} of the processors meanwhile."
    )


def _installed(all_taken: Sequence[Taken]) -> Iterator[str]:
    yield "## Installed\n"
    yield "| | |\n|---|---|"
    if all_taken:
        latest = max(all_taken, key=lambda each: each.day)
        for title, versions in latest.versions.items():
            yield f"| {title} | {versions} |"


def _row(system: str, *cells: str) -> str:
    return f"| {' | '.join((_TITLES.get(system, system), *cells))} |"


def _spread(value: Spread, digits: int) -> str:
    return f"{value.median:,.{digits}f} ({value.low:,.{digits}f} to {value.high:,.{digits}f})"


def _middle(value: Percentiles) -> str:
    return f"{value.p50:.1f} ({value.low:.1f} to {value.high:.1f})"


_PARTS = (
    _Part(
        "start",
        Start,
        "Start",
        _start,
        "Seconds from the start of the process, index built. Processor: what cores worked until\n"
        "the first answer.",
    ),
    _Part(
        "question",
        Question,
        "One warm question",
        _question,
        "Milliseconds. In process: the program's own function, without HTTP.",
    ),
    _Part(
        "load",
        Load,
        "Many at once",
        _load,
        "By wrk on loopback, beside the server on the same cores; each client asks again as soon\n"
        "as it is answered. Processor: milliseconds that the cores worked for one question; other\n"
        "milliseconds are of every reply, refusals too.",
    ),
    _Part(
        "ceiling",
        Ceiling,
        "The bare encoder in a pool of threads",
        _ceiling,
        "What no server can exceed on this machine; the light one's encoder.",
    ),
    _Part("memory", Memory, "Memory", _memory, "MB of a server, ours with its chat."),
    _Part(
        "build",
        Build,
        "Build",
        _build,
        "Seconds of the whole command over a part of a Korean documentation site. Ours encodes\n"
        "lines too, for the sentence that answers; after an edit the plain script builds anew.",
    ),
    _Part("size", Size, "Installed size", _size),
    _Part(
        "growth",
        Growth,
        "Growth",
        _growth,
        "An index of the documentation site made larger by disturbing its vectors, token states\n"
        "and words (`benchmarks/scale.py`).",
    ),
    _Part(
        "quality",
        Quality,
        "Quality",
        _quality,
        "The reported half of the questions on the Docker notes, by section, and those on the\n"
        "documentation site, by page; with the 95% interval of the difference (bootstrap).",
    ),
)
