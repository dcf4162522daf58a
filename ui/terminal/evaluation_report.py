"""`notes eval`: the report of a run, as tables and as JSON."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import regex
from rich.console import Console
from rich.table import Table

from assistant.answering import Assistant
from assistant.calibration import MEASURES, Case, Result, evaluate
from index.errors import SettingsError

Numbers = dict[str, float]
_PIPED_WIDTH = 120
_BAR = regex.compile(r"(?P<name>[^<>=]+?)\s*>=\s*(?P<least>\d+(\.\d+)?)")


def run(assistant: Assistant, cases: Sequence[Case], compare: bool) -> Mapping[str, list[Result]]:
    """Return results by method: only `fused`, or with `compare` all of ABLATIONS."""
    chosen = evaluate.ABLATIONS if compare else {"fused": evaluate.ABLATIONS["fused"]}
    return {name: evaluate.evaluate(assistant, cases, f) for name, f in chosen.items()}


def summary(runs: Mapping[str, list[Result]]) -> dict[str, Numbers]:
    """Return the numbers of the report by group: language, kind, method, abstention, time."""
    found: dict[str, Numbers] = {}
    for group, results in evaluate.grouped(runs["fused"]).items():
        found[group] = _group(results)
    for method in [name for name in runs if name != "fused"]:
        for language in ("ko", "en"):
            if numbers := _difference(runs["fused"], runs[method], language):
                found[f"{language} {method}"] = numbers
    alone = [result for result in runs["fused"] if not result.case.history]
    followed = [result for result in runs["fused"] if result.case.history]
    if alone:
        found["abstention"] = _abstention(alone)
        found["time"] = _times(alone)
    if followed:
        found["conversation abstention"] = _abstention(followed)
        found["conversation time"] = {"whole ms": _median([r.times.whole for r in followed])}
    return found


def missed(numbers: Mapping[str, Numbers], bars: Sequence[str]) -> list[str]:
    """Return the bars that the numbers miss, each with its number: `ko R@1>=0.92: 0.9000`.

    Raises SettingsError where a bar cannot be parsed or names an unknown number.
    """
    values = {f"{g} {name}": value for g, items in numbers.items() for name, value in items.items()}
    found = []
    for bar in bars:
        match = _BAR.fullmatch(bar.strip())
        if not match or match["name"] not in values:
            known = "; ".join(values)
            raise SettingsError(f"{bar!r} is no bar. Write NAME>=NUMBER; the names: {known}")
        value = values[match["name"]]
        if not value >= float(match["least"]):
            found.append(f"{bar}: {value:.4f}")
    return found


def show(numbers: Mapping[str, Numbers], title: str) -> None:
    """Print the numbers, one table for groups with the same columns, intervals in brackets."""
    console = Console()
    if not console.is_terminal:
        console.width = _PIPED_WIDTH
    console.print(title)
    shapes: dict[tuple[str, ...], list[str]] = {}
    for group, items in numbers.items():
        shapes.setdefault(tuple(items), []).append(group)
    for names, groups in shapes.items():
        columns = [name for name in names if not name.endswith((" low", " high"))]
        table = Table(box=None, header_style="bold", pad_edge=False)
        table.add_column("", no_wrap=True)
        for column in columns:
            table.add_column(column, no_wrap=True)
        for group in groups:
            table.add_row(group, *(_shown(name, numbers[group]) for name in columns))
        console.print(table)


def write(path: Path, numbers: Mapping[str, Numbers], results: Sequence[Result]) -> None:
    """Write the numbers and each question's result as JSON."""
    questions = [
        {
            "id": r.case.id,
            "kind": r.case.kind,
            "confidence": round(r.confidence, 4),
            "grade": r.grade,
            **{name: None if value != value else value for name, value in r.measures.items()},
        }
        for r in results
    ]
    clean = {
        group: {name: None if value != value else round(value, 4) for name, value in items.items()}
        for group, items in numbers.items()
    }
    text = json.dumps({"summary": clean, "questions": questions}, ensure_ascii=False, indent=1)
    path.write_text(text + "\n", "utf-8")


def _shown(name: str, values: Numbers) -> str:
    value = values[name]
    if value != value:
        return "–"
    if name == "n":
        return f"{value:.0f}"
    if f"{name} low" in values:
        return f"{value:.3f} ({values[f'{name} low']:.2f} to {values[f'{name} high']:.2f})"
    return f"{value:.3f}"


def _group(results: Sequence[Result]) -> Numbers:
    found: Numbers = {"n": len(results)}
    for name in MEASURES:
        values = [result.measures[name] for result in results]
        found[name] = float(np.mean(values))
        if name in ("R@1", "nDCG@10"):
            found[f"{name} low"], found[f"{name} high"] = evaluate.interval(values)
    marked = [result.highlighted for result in results if result.highlighted]
    found["mark"] = float(np.mean([both[1] for both in marked])) if marked else float("nan")
    found["first mark"] = float(np.mean([both[0] for both in marked])) if marked else float("nan")
    return found


def _difference(fused: Sequence[Result], other: Sequence[Result], language: str) -> Numbers:
    ours = [r for r in fused if r.case.language == language and not r.case.history]
    theirs = [r for r in other if r.case.language == language and not r.case.history]
    gain = evaluate.paired(ours, theirs, "nDCG@10")
    if not len(gain):
        return {}
    covered = [r for r in theirs if r.case.covered]
    low, high = evaluate.interval(gain.tolist())
    return {
        "alone R@1": float(np.mean([r.measures["R@1"] for r in covered])),
        "alone nDCG@10": float(np.mean([r.measures["nDCG@10"] for r in covered])),
        "fused gains nDCG@10": float(gain.mean()),
        "fused gains nDCG@10 low": low,
        "fused gains nDCG@10 high": high,
    }


def _abstention(results: Sequence[Result]) -> Numbers:
    cases = [r.case for r in results]
    found = evaluate.separation(cases, [r.confidence for r in results])
    covered = [r for r in results if r.case.covered]
    uncovered = [r for r in results if not r.case.covered]
    sure = [r for r in results if r.grade == "answers"]
    wrong = [not evaluate.is_right(result) for result in sure]
    marked = [r.highlighted[0] for r in sure if r.highlighted]
    return {
        "AUROC": found.auroc,
        "AUROC hard": found.hard,
        "told so": found.told,
        "told so hard": found.told_hard,
        "refused": _share([r.grade == "not_covered" for r in covered]),
        "uncovered refused": _share([r.grade == "not_covered" for r in uncovered]),
        "uncovered asserted": _share([r.grade == "answers" for r in uncovered]),
        "sure": len(sure) / len(results),
        "sure but wrong": float(np.mean(wrong)) if wrong else 0.0,
        "sure first mark": _share(marked),
        "covered sure": _share([r.grade == "answers" for r in covered]),
        "ECE": evaluate.calibration_error(results),
    }


def _share(values: Sequence[bool]) -> float:
    return float(np.mean(values)) if values else float("nan")


def _times(results: Sequence[Result]) -> Numbers:
    return {
        "encode ms": _median([r.times.encoding for r in results]),
        "search ms": _median([r.times.search for r in results]),
        "judge ms": _median([r.times.judge for r in results]),
        "whole ms": _median([r.times.whole for r in results]),
    }


def _median(values: Sequence[float]) -> float:
    return float(np.median(values))
