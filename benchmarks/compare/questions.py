"""Questions that no two are alike of, so that no cache can answer them."""

import random
from collections.abc import Iterator

from assistant.calibration.evaluate import read_cases
from benchmarks.compare.results import ROOT

DOCKER = ROOT / "benchmarks" / "questions" / "docker.jsonl"


def different(seed: int) -> Iterator[str]:
    """Yield questions on the Docker notes, each with a word of another one behind it, for ever."""
    asked = [case.question for case in read_cases(DOCKER) if not case.history]
    words = sorted({word for question in asked for word in question.split()})
    chosen = random.Random(seed)  # noqa: S311
    seen: set[str] = set()
    while True:
        question = f"{chosen.choice(asked)} {chosen.choice(words)}"
        if question not in seen:
            seen.add(question)
            yield question
