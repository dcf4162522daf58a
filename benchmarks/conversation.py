"""What a question in a conversation costs over HTTP against the single question before it.

python benchmarks/conversation.py
"""

import statistics
import tempfile
import time
from pathlib import Path

import httpx
from measure import ROOT, machine, process, spread, until_answered

from assistant.calibration.evaluate import read_cases

QUESTIONS = ROOT / "benchmarks" / "questions" / "conversations.jsonl"


def main() -> None:
    """Print the table."""
    cases = [case for case in read_cases(QUESTIONS) if len(case.history) == 1]
    single: list[float] = []
    followed: list[float] = []
    with (
        tempfile.TemporaryDirectory() as folder,
        process(Path(folder), "onnx") as (running, url),
        httpx.Client(base_url=url, timeout=60) as client,
    ):
        until_answered(client, "/", running)
        _asked(client, "warm", [])
        for case in cases:
            single.append(_asked(client, case.history[0], []))
            followed.append(_asked(client, case.question, list(case.history)))
    print(f"{len(cases)} conversations of two questions; {machine()}")
    print(f"  first question {spread(single, 'ms')}")
    print(f"  second         {spread(followed, 'ms')}")
    ratio = statistics.median(followed) / statistics.median(single)
    print(f"  ratio of medians {ratio:.2f}")


def _asked(client: httpx.Client, question: str, history: list[str]) -> float:
    begun = time.perf_counter()
    body = {"question": question, "history": history}
    client.post("/api/v1/ask", json=body).raise_for_status()
    return (time.perf_counter() - begun) * 1000


if __name__ == "__main__":
    main()
