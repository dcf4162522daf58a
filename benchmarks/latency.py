"""One warm question over HTTP against the encoder's own time, and the server's memory.

python benchmarks/latency.py [QUESTIONS]
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path

import httpx
import psutil
from measure import QUESTIONS, machine, process, spread, until_answered

from assistant.settings import read_settings
from index.engines import open_encoder


def main() -> None:
    """Print the table."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    settings = read_settings()
    encoder = open_encoder("", "onnx", settings.cache_dir)
    asked = [f"{QUESTIONS[n % len(QUESTIONS)]} {n}" for n in range(count)]
    http: list[float] = []
    alone: list[float] = []
    with (
        tempfile.TemporaryDirectory() as folder,
        process(Path(folder), "onnx") as (running, url),
        httpx.Client(base_url=url, timeout=60) as client,
    ):
        until_answered(client, "/", running)
        for number, question in enumerate(["warm", *asked]):
            begun = time.perf_counter()
            client.post("/api/v1/ask", json={"question": question}).raise_for_status()
            answered = time.perf_counter()
            list(encoder.encode([question], "query"))
            encoded = time.perf_counter()
            if number:
                http.append((answered - begun) * 1000)
                alone.append((encoded - answered) * 1000)
        memory = psutil.Process(running.pid).memory_info().rss / 1e6
        maps = Path(f"/proc/{running.pid}/maps").read_text()
    print(f"One warm question, {count} different ones, interleaved; {machine()}")
    print(f"  over HTTP      {spread(http, 'ms')}")
    print(f"  encoding alone {spread(alone, 'ms')}")
    extra = statistics.median(http) - statistics.median(alone)
    print(f"  beside encoding, difference of medians: {extra:.2f} ms")
    print(f"  server with chat: {memory:.0f} MB resident, torch loaded: {'libtorch' in maps}")


if __name__ == "__main__":
    main()
