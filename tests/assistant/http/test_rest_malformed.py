"""Malformed requests, a hundred of each kind: the right problem, and the next one is answered."""

import json
import re
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote, urlsplit

import httpx
import pytest
from http_edge import QUESTION, assert_problem, client, exactly, sent
from running import Server

EACH = 100
JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def asking(server: Server) -> Iterator[httpx.Client]:
    with client(server) as opened:
        yield opened


@pytest.fixture(autouse=True)
def still_answers(server: Server) -> Iterator[None]:
    """After whatever was sent, a question is answered, and no trace was logged."""
    logged = len(server.log)
    yield
    response = httpx.post(f"{server.url}/api/v1/ask", json=QUESTION, timeout=60)
    assert response.json()["status"] == "answered"
    assert not any("Traceback" in line for line in server.log[logged:])


def field(number: int, value: str) -> bytes:
    name = ("limit", "min_confidence")[number % 2]
    return f'{{"question": "docker {number}", "{name}": {value}}}'.encode()


BODIES: dict[str, tuple[int, str, Callable[[int], bytes]]] = {
    "cut short": (400, "invalid-json", lambda n: json.dumps({"question": "d" * n}).encode()[:-1]),
    "no json": (400, "invalid-json", lambda n: b"question=docker" * (n + 1)),
    "two documents": (400, "invalid-json", lambda n: b'{"question": "docker"}' * (n + 2)),
    "not utf-8": (400, "invalid-json", lambda n: b'{"question": "\xff' + bytes([128 + n]) + b'"}'),
    "deep": (400, "invalid-json", lambda n: b'{"question":' + b"[" * (1000 * (n + 2))),
    "deep objects": (400, "invalid-json", lambda n: b'{"a":' * (1000 * (n % 40 + 2))),
    "twice": (400, "invalid-json", lambda n: b'{"question": "a", "limit": 1, "limit": %d}' % n),
    "twice below": (422, "invalid-request", lambda n: b'{"question": {"x%d": 1}}' % n),
    "digits": (400, "invalid-json", lambda n: field(n, "1" * (5000 + n))),
    "infinite": (400, "invalid-json", lambda n: field(n, ("NaN", "Infinity", "-Infinity")[n % 3])),
    "too large a number": (422, "invalid-request", lambda n: field(n, f"{n + 1}e999")),
    "negative": (422, "invalid-request", lambda n: field(n, f"-{n + 1}")),
    "over 64 bits": (422, "invalid-request", lambda n: field(n, str(2**70 + n))),
    "text for a number": (422, "invalid-request", lambda n: field(n, f'"{n % 2}"')),
    "truth for a number": (422, "invalid-request", lambda n: field(n, ("true", "false")[n % 2])),
    "half a character": (422, "invalid-request", lambda n: b'{"question": "\\ud8%02x"}' % n),
    "half a name": (422, "invalid-request", lambda n: b'{"question": "a", "\\ud8%02x": 1}' % n),
    "no object": (422, "invalid-request", lambda n: json.dumps([n]).encode()),
    "blank": (422, "invalid-question", lambda n: b'{"question": "%s "}' % (b"\\u200b\\t" * n)),
}  # fmt: skip


@pytest.mark.parametrize("kind", BODIES)
def test_bodies(asking: httpx.Client, kind: str) -> None:
    status, problem, body = BODIES[kind]
    for number in range(EACH):
        response = asking.post("/api/v1/ask", content=body(number), headers=JSON)
        assert_problem(response, status, problem)


def test_a_fraction_is_no_whole_number_but_json_has_no_other_three(asking: httpx.Client) -> None:
    for number in range(EACH):
        body = {"question": "docker", "limit": number + 0.5}
        problem = assert_problem(asking.post("/api/v1/ask", json=body), 422, "invalid-request")
        assert "limit" in str(problem["errors"])
    assert asking.post("/api/v1/ask", json=QUESTION | {"limit": 3.0}).status_code == 200


@pytest.mark.parametrize("path", ["/api/v1/ask", "/api/v1/ask/batch", "/api/v1/feedback"])
def test_other_kinds_of_bodies(asking: httpx.Client, path: str) -> None:
    kinds = ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
    for number in range(EACH):
        headers = {"Content-Type": kinds[number % 3] if number % 4 else f"x/{number}"}
        response = asking.post(path, content=b'{"question": "docker"}', headers=headers)
        assert_problem(response, 415, "unsupported-media-type")


def test_huge_bodies(server: Server, asking: httpx.Client) -> None:
    for number in range(EACH):
        size = 256 * 1024 + 1 + number
        if number % 2:
            # Chunked: how much comes is known only by counting.
            response = asking.post("/api/v1/ask", content=iter([b"x" * size]), headers=JSON)
        else:
            response = asking.post("/api/v1/ask", content=b"x" * size, headers=JSON)
        assert_problem(response, 413, "body-too-large")
    for path in ("/api/v1/feedback", "/gradio_api/queue/join", "/nothing"):
        assert_problem(asking.post(path, content=b"x" * 300_000), 413, "body-too-large")


def test_the_largest_body_is_read(asking: httpx.Client) -> None:
    body = b'{"question": "docker"}'
    largest = body + b" " * (256 * 1024 - len(body))
    assert asking.post("/api/v1/ask", content=largest, headers=JSON).status_code == 200


def test_slow_bodies(server: Server, asking: httpx.Client) -> None:
    place = urlsplit(server.url)
    head = b"POST /api/v1/ask HTTP/1.1\r\nHost: localhost\r\nContent-Length: 999\r\n\r\n{"

    def slow(number: int) -> bytes:
        with socket.create_connection((place.hostname, place.port), timeout=60) as opened:
            opened.sendall(head + b" " * number)
            said = b""
            while b"/problems/" not in said and (part := opened.recv(4096)):
                said += part
            return said

    with ThreadPoolExecutor(EACH) as pool:
        waiting = [pool.submit(slow, number) for number in range(EACH)]
        assert asking.post("/api/v1/ask", json=QUESTION).status_code == 200
        for answer in waiting:
            said = answer.result()
            assert said.startswith(b"HTTP/1.1 408")
            assert b"/problems/request-timeout" in said


def test_bodies_that_end_early(server: Server) -> None:
    place = urlsplit(server.url)
    for number in range(EACH):
        with socket.create_connection((place.hostname, place.port), timeout=30) as opened:
            head = f"POST /api/v1/ask HTTP/1.1\r\nHost: localhost\r\nContent-Length: {number + 9}"
            opened.sendall(f"{head}\r\n\r\n{{".encode())


DOTS = ("..", "%2e%2e", ".%2e", "%2e.", "..%2f..", "%2e%2e%2f%2e%2e", "..%5c..", "....//")


@pytest.mark.parametrize("number", range(5))
def test_paths_that_lead_out(server: Server, number: int) -> None:
    for trick in range(EACH // 5):
        dots = DOTS[trick % len(DOTS)]
        ends = (
            "/etc/passwd",
            "%2fetc%2fpasswd",
            "%00",
            "%00.md",
            "/docker.md",
            "%ff%fe",
            "%0d%0aX:1",
        )
        start = ("/notes/", "/notes/docker/", "/assets/", "/static/", "/static-offline-docs/")[
            number
        ]
        path = start + f"{dots}/" * (trick % 7) + dots + ends[trick % len(ends)]
        status, headers, text = exactly(server, "GET", path)
        assert status in (400, 403, 404), path
        assert "root:" not in text
        assert "Traceback" not in text
        assert "x" not in headers


def test_long_paths(server: Server) -> None:
    for number in range(EACH):
        path = ("/notes/", "/api/v1/documents/", "/", "/problems/")[number % 4]
        status, _, text = exactly(server, "GET", path + quote("가") * (50 * number + 1))
        assert status == 404
        assert len(text) < 100_000


def test_paths_to_documents(server: Server) -> None:
    tricks = ["..", "%2e%2e%2fdocker", "docker%00", "%2fdocker", "docker%2f", "docker/..", "DOCKER",
              "docker%20", "docker.md", "%ff"]  # fmt: skip
    for number in range(EACH):
        trick = tricks[number % len(tricks)] + "%2f" * (number // len(tricks))
        status, _, text = exactly(server, "GET", f"/api/v1/documents/{trick}/sections")
        assert status == 404, trick
        assert json.loads(text)["type"] == "/problems/not-found"


def test_a_request_id_carries_nothing_else(server: Server, asking: httpx.Client) -> None:
    odd = [
        "a%0d%0aSet-Cookie:x=1",
        "a b",
        "a\tb",
        "가",
        "x" * 65,
        "",
        "<script>",
        "a;b",
        '"',
        "a,b",
    ]
    for number in range(EACH):
        given = odd[number % len(odd)] + (";" * (number // len(odd)))
        headers = [("X-Request-ID", given.encode())]
        response = asking.get("/health/live", headers=headers)
        assert response.status_code == 200
        assert re.fullmatch(r"[0-9a-f]{32}", response.headers["x-request-id"])
        assert "set-cookie" not in response.headers


NO_HTTP = [
    b"HELLO\r\n\r\n",
    b"GET / HTTP/x\r\nHost: localhost\r\n\r\n",
    b"GET /\x00 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: localhost\r\nX: a\x00b\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Request-ID: a\r\n\x0bSet-Cookie: x=1\r\n\r\n",
    b"POST /api/v1/ask HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    b"POST /api/v1/ask HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"GET  / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost localhost\r\n\r\n",
]


@pytest.mark.parametrize("number", range(len(NO_HTTP)))
def test_what_is_no_http(server: Server, number: int) -> None:
    for _ in range(EACH // len(NO_HTTP)):
        said = sent(server, NO_HTTP[number])
        assert said.startswith(b"HTTP/1.1 400")
        assert b"application/problem+json" in said
        assert b'"/problems/bad-request"' in said
        assert b"set-cookie" not in said.lower()


def test_a_head_that_never_ends(server: Server) -> None:
    for _ in range(EACH // 10):
        said = sent(server, b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 200_000)
        # What was not read of it may reset the connection before the answer is read.
        assert not said or said.startswith(b"HTTP/1.1 400")


@pytest.mark.parametrize(
    "query",
    ["", "q=", "q=%20", "q=%E2%80%8B", "limit=1", "q=a&limit=0", "q=a&limit=21", "q=a&limit=x",
     "q=a&limit=1e999", "q=a&limit=NaN", "q=a&limit=1.5", "q=a&offset=-1", "q=a&offset=10001",
     f"q=a&offset={2**70}", f"q={'a' * 2001}", "q=a&document=nothing", "q=a&corpus=nothing",
     "q=a" + "&document=docker" * 101, "q=a&limit=", "q=a&corpus=" + "x" * 501],
)  # fmt: skip
def test_searches_that_cannot_be(asking: httpx.Client, query: str) -> None:
    for _ in range(EACH // 20):
        response = asking.get(f"/api/v1/search?{query}")
        blank = query in ("q=%20", "q=%E2%80%8B")
        problem = assert_problem(response, 422, "invalid-question" if blank else "invalid-request")
        faults = problem["errors"]
        assert isinstance(faults, list)
        assert faults[0]["field"].split(".")[0] in ("q", "limit", "offset", "document", "corpus")


def test_one_blank_question_of_a_batch_is_named(asking: httpx.Client) -> None:
    body = {"questions": ["docker", " \t"]}
    problem = assert_problem(asking.post("/api/v1/ask/batch", json=body), 422, "invalid-question")
    assert isinstance(problem["errors"], list)
    assert problem["errors"][0]["field"] == "questions.1"


@pytest.mark.parametrize("count", [0, 65, 1000])
def test_a_batch_is_of_1_to_64(asking: httpx.Client, count: int) -> None:
    body = {"questions": ["docker"] * count}
    assert_problem(asking.post("/api/v1/ask/batch", json=body), 422, "invalid-request")


def test_many_faults_are_not_all_told(asking: httpx.Client) -> None:
    body = {"question": "docker"} | {f"x{number}": 1 for number in range(10_000)}
    problem = assert_problem(asking.post("/api/v1/ask", json=body), 422, "invalid-request")
    assert isinstance(problem["errors"], list)
    assert len(problem["errors"]) == 20
