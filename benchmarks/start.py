"""From process start to ready and to the first answer, ONNX Runtime against sentence-transformers.

python benchmarks/start.py [REPEATS]
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path

import httpx
from measure import QUESTIONS, machine, process, spread, until_answered

ENGINES = ("onnx", "torch")


def start(data_dir: Path, engine: str) -> tuple[float, float]:
    """Return seconds until the chat is there and the server ready, and until the first answer."""
    begun = time.perf_counter()
    with process(data_dir, engine) as (running, url), httpx.Client(base_url=url) as client:
        until_answered(client, "/health/ready", running)
        until_answered(client, "/", running)
        ready = time.perf_counter() - begun
        answer = client.post("/api/v1/ask", json={"question": QUESTIONS[0]}, timeout=60)
        answer.raise_for_status()
        return ready, time.perf_counter() - begun


def main() -> None:
    """Print the table."""
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    measured: dict[str, list[tuple[float, float]]] = {engine: [] for engine in ENGINES}
    with tempfile.TemporaryDirectory() as folder:
        for engine in ENGINES:  # builds the index and exports what is missing
            start(Path(folder), engine)
        for _ in range(repeats):
            for engine in ENGINES:
                measured[engine].append(start(Path(folder), engine))
    print(f"Start, index built, {repeats} repeats, interleaved; {machine()}")
    for engine, times in measured.items():
        ready, first = zip(*times, strict=True)
        print(f"  {engine:6} ready {spread(ready, 's')}, first answer {spread(first, 's')}")
    for number, what in enumerate(("ready", "first answer")):
        onnx, torch = (statistics.median(t[number] for t in measured[e]) for e in ENGINES)
        print(f"  onnx / torch, {what}: {onnx / torch:.2f}")


if __name__ == "__main__":
    main()
