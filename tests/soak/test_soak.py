"""Sixteen clients mix good, bad and limited requests: nothing fails, and limits are exact.

`make soak` sets SOAK_SECONDS, and then measures memory too.
"""

import os
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle

import httpx
import psutil
import pytest
from http_edge import client, copied
from running import Server
from running import server as run_server

from assistant.serving.api_keys import Keys

SECONDS = float(os.environ.get("SOAK_SECONDS", "3"))
MEASURED = "SOAK_SECONDS" in os.environ
CLIENTS = 16
# So many per hour, used up within the first seconds; half of the clients have no limit to meet.
LIMIT = 10
# Until every kind of request has been seen often, memory grows by what is kept on purpose.
_WARM_SECONDS = SECONDS / 3
_GROWTH = 1.05
JSON = {"Content-Type": "application/json"}
QUESTIONS = ["볼륨은 어디에 저장돼?", "What is a layer?", "best pasta recipe", "ehzj zjsxpdlsj"]

Kind = tuple[str, str, bytes, set[int]]
KINDS: list[Kind] = [
    *(("POST", "/api/v1/ask", f'{{"question": "{text}"}}'.encode(), {200}) for text in QUESTIONS),
    ("POST", "/api/v1/ask/batch", b'{"questions": ["compose up", "VM"], "limit": 2}', {200}),
    ("GET", "/api/v1/search?q=dock", b"", {200}),
    ("POST", "/api/v1/ask", b'{"question": "docker"', {400}),
    ("POST", "/api/v1/ask", b'{"question": "docker", "limit": 1e999}', {422}),
    ("POST", "/api/v1/ask", b"x" * 300_000, {413}),
    ("POST", "/api/v1/feedback", b'{"answer_id": "none", "helpful": false}', {404}),
    # Taken for an admin's, since no honest client sends dots.
    ("GET", "/notes/..%2f..%2fetc%2fpasswd", b"", {401, 403}),
    ("GET", "/notes/docker%00", b"", {404}),
    ("GET", "/notes/docker", b"", {200}),
    ("GET", "/metrics", b"", {401, 403}),
    ("GET", "/api/v1/nothing", b"", {404}),
    ("GET", "/", b"", {200}),
]


@pytest.fixture(scope="module")
def busy(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    data_dir = copied(server, tmp_path_factory.mktemp("busy"))
    with run_server(data_dir, "--public", "--rate-limit", f"{LIMIT}/hour") as running:
        yield running


def test_sixteen_clients(busy: Server) -> None:
    until = time.monotonic() + SECONDS
    with ThreadPoolExecutor(CLIENTS) as pool:
        runs = [pool.submit(asked, busy, number, until) for number in range(CLIENTS)]
        memory = [] if not MEASURED else list(measured(busy, until))
        found = [run.result() for run in runs]
    total = sum(found, Counter[str]())
    print(dict(total))
    assert not [outcome for outcome in total if outcome.startswith("unexpected")]
    for number, outcomes in enumerate(found):
        if number % 2:
            assert outcomes["questions"] == LIMIT
            assert outcomes["requests"] == 10 * LIMIT
    if memory:
        print(f"memory: {memory[0] / 2**20:.0f} MB at first, {max(memory) / 2**20:.0f} MB at most")
        assert max(memory) <= _GROWTH * memory[0]


def asked(server: Server, number: int, until: float) -> Counter[str]:
    """Return how often each outcome came about, asking one kind after the other.

    Each client with an odd number goes on until its limits are used up, whatever the time.
    """
    limited = number % 2 == 1
    found: Counter[str] = Counter()
    key = {} if limited else {"X-API-Key": ""}
    with client(server, f"127.0.1.{number + 1}") as opened:
        for step, kind in enumerate(cycle(KINDS)):
            if time.monotonic() >= until and not (limited and _goes_on(found)):
                return found
            if not limited and step % len(KINDS) == 0:
                # A key of its own, once what the last one may ask is used up.
                name = f"soak-{number}-{step}"
                key = {"X-API-Key": Keys(server.data_dir).create(name, ["ask", "feedback"])}
            _count(found, kind, _response(opened, kind, key))
    return found


def _goes_on(found: Counter[str]) -> bool:
    return found["questions refused"] < 10 or found["requests refused"] < 10


def _response(opened: httpx.Client, kind: Kind, key: dict[str, str]) -> httpx.Response:
    method, path, body, _ = kind
    headers = JSON | key if body else key
    return opened.request(method, path, content=body or None, headers=headers)


def _count(found: Counter[str], kind: Kind, response: httpx.Response) -> None:
    method, path, _, expected = kind
    window = "questions" if response.headers.get("ratelimit-limit") == str(LIMIT) else "requests"
    if window == "requests" and (path.startswith("/api/v1/ask") or 401 in expected):
        window = "attempts"
    if response.status_code == 429:
        found[f"{window} refused"] += 1
    elif response.status_code in expected:
        found[str(response.status_code)] += 1
        cost = 2 if path.endswith("/batch") else 1
        found[window] += cost if "ratelimit-limit" in response.headers else 0
    else:
        found[f"unexpected {response.status_code} for {method} {path}: {response.text[:200]}"] += 1


def measured(server: Server, until: float) -> Iterator[int]:
    """Yield the memory that the server holds, from when it has warmed up on."""
    time.sleep(_WARM_SECONDS)
    process = psutil.Process(server.pid)
    while time.monotonic() < until:
        yield process.memory_info().rss
        time.sleep(1)
