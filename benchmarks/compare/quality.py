"""How well the same systems rank: nDCG@10 and the right section first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from assistant.calibration.evaluate import Case, interval, measures
from benchmarks.compare.processes import Reply, talking
from benchmarks.compare.systems import System
from index.reading.corpus import read


@dataclass(frozen=True)
class Quality:
    """Means over the questions of a language (`ko`, `en`) or all, that the notes answer.

    gain: how much higher ours is in nDCG@10, question by question, with the 95% interval; None
    for ours itself.
    """

    corpus: str
    system: str
    language: str
    questions: int
    ndcg: float
    first: float
    third: float
    gain: tuple[float, float, float] | None


def measure(
    systems: Sequence[System],
    indexes: Mapping[str, Path],
    corpus: str,
    notes: Path,
    cases: Sequence[Case],
) -> Sequence[Quality]:
    """Return rows by system and language; ours comes first among the systems."""
    asked = [case for case in cases if case.covered and not case.history]
    anchors = {
        (document.path, section.first_line): section.anchor
        for document in read({"": notes}).documents
        for section in document.sections
    }
    found = {
        system.name: _results(system, indexes[system.name], asked, anchors) for system in systems
    }
    best = found[systems[0].name]
    rows = []
    for name, results in found.items():
        for language in ("ko", "en", "all"):
            chosen = [n for n, c in enumerate(asked) if language in (c.language, "all")]
            gains = [best[n]["nDCG@10"] - results[n]["nDCG@10"] for n in chosen]
            gain = (float(np.mean(gains)), *interval(gains)) if results is not best else None
            mean = {key: float(np.mean([results[n][key] for n in chosen])) for key in best[0]}
            rows.append(
                Quality(
                    corpus,
                    name,
                    language,
                    len(chosen),
                    mean["nDCG@10"],
                    mean["R@1"],
                    mean["R@3"],
                    gain,
                )
            )
    return rows


def _results(
    system: System, data: Path, cases: Sequence[Case], anchors: Mapping[tuple[str, int], str]
) -> list[Mapping[str, float]]:
    with talking(system, data) as ask:
        return [
            measures(case, _scores(case, ask("rank", case.question), anchors)) for case in cases
        ]


def _scores(case: Case, reply: Reply, anchors: Mapping[tuple[str, int], str]) -> dict[str, float]:
    """Return the best score by what the case's gold names: anchors, or paths of pages."""
    scores: dict[str, float] = {}
    for path, line, score in reply.ranked:
        name = anchors.get((path, line), f"{path}:{line}") if case.gold else path
        scores[name] = max(score, scores.get(name, score))
    return scores
