"""What the benchmarks share: a server to measure, and medians with their range."""

import os
import platform
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

ROOT = Path(__file__).parents[1]
QUESTIONS = [
    "컨테이너를 지우면 데이터는 어떻게 되나요?",
    "What is the difference between an image and a container?",
    "볼륨은 어디에 저장돼?",
    "why is my docker build so slow",
    "docker compose up이랑 docker run 차이",
    "VM보다 빠른 이유가 뭐야",
    "which Dockerfile instruction installs dependencies?",
    "바인드 마운트는 언제 써요?",
]


def spread(values: Sequence[float], unit: str, digits: int = 2) -> str:
    """Return the median with the range, as `2.10 s (2.01 to 2.30)`."""
    low, high = min(values), max(values)
    middle = statistics.median(values)
    return f"{middle:.{digits}f} {unit} ({low:.{digits}f} to {high:.{digits}f})"


def machine() -> str:
    """Return what the numbers were measured on."""
    return f"{os.cpu_count()} cores, Python {platform.python_version()}, {platform.machine()}"


@contextmanager
def process(data_dir: Path, engine: str) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """Start `notes serve`; yields the process and its address at once, before it is ready."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = os.environ | {"NOTES_DATA_DIR": str(data_dir), "NOTES_ENGINE": engine}
    command = [sys.executable, "-m", "ui", "serve", "--port", str(port)]
    running = subprocess.Popen(
        command, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    try:
        yield running, f"http://127.0.0.1:{port}"
    finally:
        running.terminate()
        running.wait(30)


def until_answered(client: httpx.Client, path: str, running: subprocess.Popen[bytes]) -> None:
    """Return once the path answers 200; raises RuntimeError when the server ended instead."""
    while running.poll() is None:
        try:
            if client.get(path).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.01)
    raise RuntimeError("The server ended before it was ready.")
