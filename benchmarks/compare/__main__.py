"""Runs the parts and writes docs/benchmarks.md: `python -m benchmarks.compare [--only PART,…]`."""

import argparse
import hashlib
import shutil
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from assistant.calibration.evaluate import read_cases
from benchmarks.compare import build, growth, load, quality, question, report, size, start
from benchmarks.compare.processes import run
from benchmarks.compare.questions import DOCKER
from benchmarks.compare.results import ROOT, watched, write
from benchmarks.compare.systems import CACHE, System, systems, versions

PAGE = ROOT / "docs" / "benchmarks.md"
_SITE_PART = Path("docs") / "concepts" / "storage"
# Ours on sentence-transformers is compared only where the engine is what differs most.
_FEW = ("notes", "plain", "txtai")

_ROUNDS = {"start": 5, "question": 3, "load": 3, "build": 2}
_ONCE = ("size", "quality", "growth")

Rows = Mapping[str, Sequence[Any]]


def main() -> None:
    """Run what is asked for; the page is written even where only some parts ran."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compare")
    parser.add_argument("--only", default="", help="parts, separated by commas")
    parser.add_argument("--site", type=Path, help="a documentation site: corpus/, queries.jsonl")
    parser.add_argument("--rounds", type=int, help="of each part, for a quick look")
    given = parser.parse_args()
    rounds = {name: given.rounds or usual for name, usual in _ROUNDS.items()}
    rounds |= dict.fromkeys(_ONCE, 1)
    chosen = given.only.split(",") if given.only else list(rounds)
    if unknown := set(chosen) - rounds.keys():
        parser.error(f"there is no part {', '.join(unknown)}; the parts: {', '.join(rounds)}")
    if not shutil.which("wrk") and "load" in chosen:
        parser.error("wrk is missing: apt-get install wrk")
    if given.site and not (given.site / "queries.jsonl").is_file():
        parser.error(f"{given.site} has no queries.jsonl")
    CACHE.mkdir(parents=True, exist_ok=True)
    compared = systems()
    installed = versions(compared)
    parts = _parts(compared, given.site, rounds)
    for name in chosen:
        begun = time.perf_counter()
        with watched(rounds[name], installed) as taken:
            measured = parts[name]()
        for file, rows in measured.items():
            if rows:
                write(file, taken(), rows)
        # At once, so that a part that fails takes nothing with it.
        PAGE.write_text(report.page(), "utf-8")
        print(f"{name}: {time.perf_counter() - begun:.0f} s", file=sys.stderr, flush=True)


def _parts(
    compared: Sequence[System], site: Path | None, rounds: Mapping[str, int]
) -> Mapping[str, Callable[[], Rows]]:
    """Return what measures each part: rows by the file that they are kept in."""
    few = [each for each in compared if each.name in _FEW]
    indexes = {each.name: _index(each, "docker", ROOT / "corpus") for each in compared}

    def loaded() -> Rows:
        names = ("load", "memory", "ceiling")
        return dict(zip(names, load.measure(few, indexes, rounds["load"]), strict=True))

    def built() -> Rows:
        if not site:
            return {}
        return {"build": build.measure(compared, site / "corpus" / _SITE_PART, rounds["build"])}

    def ranked() -> Rows:
        cases = read_cases(DOCKER, "report")
        rows = [*quality.measure(few, indexes, "Docker notes", ROOT / "corpus", cases)]
        if site:
            notes, asked = site / "corpus", read_cases(site / "queries.jsonl")
            large = {each.name: _index(each, "site", notes) for each in few}
            rows += quality.measure(few, large, "documentation site", notes, asked)
        return {"quality": rows}

    def grown() -> Rows:
        if not site:
            return {}
        large = _index(compared[0], "site", site / "corpus")
        return {"growth": growth.measure(large, site / "queries.jsonl")}

    return {
        "start": lambda: {"start": start.measure(compared, indexes, rounds["start"])},
        "question": lambda: {"question": question.measure(compared, indexes, rounds["question"])},
        "load": loaded,
        "build": built,
        "size": lambda: {"size": size.measure(compared)},
        "quality": ranked,
        "growth": grown,
    }


def _index(system: System, name: str, notes: Path) -> Path:
    """Return the data of a system over these notes, built unless the same was built before."""
    sources = sorted(notes.rglob("*.md"))
    if not system.ours:
        script = Path(system.commands["build"][0])
        sources += [script, script.with_name("sections.py")]
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()
    data = CACHE / "indexes" / f"{name}.{system.name}.{digest[:12]}"
    # Ours sees by itself what has changed, the program too.
    if system.ours or not data.exists():
        for old in set(data.parent.glob(f"{name}.{system.name}.*")) - {data}:
            shutil.rmtree(old)
        run(system.command("build", notes=notes, data=data), system)
    return data


if __name__ == "__main__":
    main()
