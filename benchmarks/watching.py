"""How soon a save is answered under `notes serve --watch`, and how long questions take meanwhile.

    python benchmarks/watching.py [SAVES] [--beside NOTES] [--data FOLDER]

NOTES, a folder, are served as well; FOLDER keeps their index for the next time.
"""

import argparse
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import httpx
from measure import QUESTIONS, ROOT, machine, process, spread, until_answered

_AT_REST = 100
# A reader, not a load test: so long until the next question.
_PAUSE = 0.1


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("saves", nargs="?", type=int, default=7)
    parser.add_argument("--beside", type=Path)
    parser.add_argument("--data", type=Path)
    given = parser.parse_args()
    saves = given.saves
    with tempfile.TemporaryDirectory() as folder:
        notes = Path(folder) / "notes"
        shutil.copytree(ROOT / "corpus", notes)
        corpora = f"own={notes}" + (f",beside={given.beside.resolve()}" if given.beside else "")
        os.environ |= {"NOTES_CORPUS": corpora, "NOTES_WATCH": "true"}
        with (
            process(given.data or Path(folder) / "data", "onnx") as (running, url),
            httpx.Client(base_url=url, timeout=60) as client,
        ):
            until_answered(client, "/", running)
            # The first build, which `--watch` begins with, is over once a save is answered.
            list(_meanwhile(client, _save(client, notes, 0)))
            print(f"{saves} saves of one sentence; {machine()}")
            rest = _at_rest(client)
            soon, busy = [], []
            for number in range(1, saves + 1):
                started = time.perf_counter()
                busy += _meanwhile(client, _save(client, notes, number))
                soon.append(time.perf_counter() - started)
            print(f"  from the save to the new answer {spread(soon, 's')}")
            print(f"  a question at rest              {_spread(rest)}")
            print(f"  a question meanwhile            {_spread(busy)}")


def _save(client: httpx.Client, notes: Path, number: int) -> Callable[[], bool]:
    """Change a sentence; returns what tells whether it is answered."""
    words = f"Number {number} is the lucky number of the whale."
    path = notes / "docker.md"
    kept = path.read_text("utf-8").partition("\n## Whale")[0]
    path.write_text(f"{kept}\n## Whale\n\n{words}\n", "utf-8")
    return lambda: words in _ask(client, "What is the lucky number of the whale?")


def _meanwhile(client: httpx.Client, answered: Callable[[], bool]) -> Iterator[float]:
    """Yield the milliseconds of one question after the other until the save is answered."""
    for number in count():
        yield _timed(client, number)
        if answered():
            return


def _at_rest(client: httpx.Client) -> list[float]:
    return [_timed(client, number) for number in range(_AT_REST)]


def _timed(client: httpx.Client, number: int) -> float:
    time.sleep(_PAUSE)
    started = time.perf_counter()
    _ask(client, f"{QUESTIONS[number % len(QUESTIONS)]} {time.time_ns()}")
    return (time.perf_counter() - started) * 1000


def _ask(client: httpx.Client, question: str) -> str:
    found = client.post("/api/v1/ask", json={"question": question})
    return found.raise_for_status().text


def _spread(values: list[float]) -> str:
    last = statistics.quantiles(values, n=20)[-1]
    return f"{statistics.median(values):.1f} ms, 95 of 100 within {last:.1f} ms"


if __name__ == "__main__":
    main()
