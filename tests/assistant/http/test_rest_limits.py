"""Rate limits over HTTP: exact to the request, by address or key, and nobody gets around them."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import httpx
import pytest
from http_edge import QUESTION, assert_problem, client, copied
from running import Server
from running import server as run_server

from assistant.serving.api_keys import Keys

LIMIT = 5
RATE = f"{LIMIT}/hour"
# Each test asks from an address of its own, so that none meets what another has used up.
_ADDRESSES = (f"127.0.{number // 250}.{number % 250 + 2}" for number in count())
JOIN = "/gradio_api/queue/join"


@pytest.fixture(scope="module")
def limited(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return a public server that believes no proxy."""
    data_dir = copied(server, tmp_path_factory.mktemp("limited"))
    with run_server(data_dir, "--public", "--host", "0.0.0.0", "--rate-limit", RATE) as running:  # noqa: S104
        yield running


@pytest.fixture(scope="module")
def proxied(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return a public server behind a proxy at 127.0.0.1."""
    data_dir = copied(server, tmp_path_factory.mktemp("proxied"))
    proxies = ("--trusted-proxies", "127.0.0.1,10.0.0.0/8")
    with run_server(data_dir, "--public", "--rate-limit", RATE, *proxies) as running:
        yield running


@pytest.fixture
def caller(limited: Server) -> Iterator[httpx.Client]:
    with client(limited, next(_ADDRESSES)) as opened:
        yield opened


def ask(caller: httpx.Client, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return caller.post("/api/v1/ask", json=QUESTION, headers=named)


def batch(caller: httpx.Client, size: int) -> httpx.Response:
    return caller.post("/api/v1/ask/batch", json={"questions": ["docker"] * size, "limit": 1})


def left(response: httpx.Response) -> int:
    assert response.status_code == 200, response.text
    assert response.headers["ratelimit-limit"] == str(LIMIT)
    assert 0 < int(response.headers["ratelimit-reset"]) <= 3600
    return int(response.headers["ratelimit-remaining"])


def assert_limited(response: httpx.Response, limit: int = LIMIT) -> None:
    problem = assert_problem(response, 429, "too-many-requests")
    assert str(limit) in str(problem["detail"])
    assert 0 < int(response.headers["retry-after"]) <= 3600
    assert response.headers["ratelimit-limit"] == str(limit)


def test_as_many_questions_as_allowed_and_not_one_more(caller: httpx.Client) -> None:
    assert [left(ask(caller)) for _ in range(LIMIT)] == [4, 3, 2, 1, 0]
    for _ in range(3):
        refused = ask(caller)
        assert_limited(refused)
        assert refused.headers["ratelimit-remaining"] == "0"


def test_another_address_has_its_own(limited: Server) -> None:
    with client(limited, next(_ADDRESSES)) as one, client(limited, next(_ADDRESSES)) as other:
        assert [ask(one).status_code for _ in range(LIMIT + 1)][-1] == 429
        assert left(ask(other)) == LIMIT - 1


def test_a_batch_costs_as_many_as_it_asks(caller: httpx.Client) -> None:
    assert left(batch(caller, 3)) == 2
    refused = batch(caller, 3)
    assert_limited(refused)
    assert refused.headers["ratelimit-remaining"] == "2"
    assert left(batch(caller, 2)) == 0
    assert_limited(ask(caller))


def test_a_batch_over_the_limit_is_told_to_ask_fewer(caller: httpx.Client) -> None:
    problem = assert_problem(batch(caller, LIMIT + 1), 429, "too-many-requests")
    assert "ask fewer" in str(problem["detail"])
    assert left(batch(caller, LIMIT)) == 0


def test_a_question_in_the_chat_counts(caller: httpx.Client) -> None:
    for _ in range(LIMIT):
        assert caller.post(JOIN, json={}).status_code == 422
    assert_limited(caller.post(JOIN, json={}))
    assert_limited(ask(caller))


def test_other_requests_have_ten_times_as_many(caller: httpx.Client) -> None:
    paths = ["/api/v1/search?q=docker", "/api/v1/documents", "/notes/docker", "/docs", "/nothing"]
    for number in range(10 * LIMIT):
        response = caller.get(paths[number % len(paths)])
        assert response.headers["ratelimit-remaining"] == str(10 * LIMIT - 1 - number)
    for path in [*paths, "/", "/openapi.json", "/gradio_api/info"]:
        assert_limited(caller.get(path), 10 * LIMIT)
    assert_limited(caller.post("/api/v1/feedback", json={}), 10 * LIMIT)
    assert left(ask(caller)) == LIMIT - 1


def test_probes_are_never_limited(caller: httpx.Client) -> None:
    for _ in range(10 * LIMIT + 5):
        assert caller.get("/health/live").status_code == 200
        assert caller.get("/health/ready").status_code == 200


def test_what_is_no_question_costs_none_but_does_not_go_on_forever(caller: httpx.Client) -> None:
    bodies = [{}, {"question": ""}, {"question": " "}, {"question": "docker", "limit": 0}]
    statuses = Counter(
        caller.post("/api/v1/ask", json=bodies[number % len(bodies)]).status_code
        for number in range(8 * LIMIT)
    )
    assert statuses == {422: 8 * LIMIT}
    assert left(ask(caller)) == LIMIT - 1
    last = [caller.post("/api/v1/ask/batch", json={}).status_code for _ in range(3 * LIMIT)]
    assert last.count(422) == 2 * LIMIT - 1
    assert last[-1] == 429


def test_without_a_trusted_proxy_nobody_says_who_asks(caller: httpx.Client) -> None:
    fields = ["X-Forwarded-For", "Forwarded", "X-Real-IP", "True-Client-IP", "CF-Connecting-IP"]
    for number in range(LIMIT):
        assert left(ask(caller, **{fields[number]: f"203.0.113.{number}"})) == LIMIT - 1 - number
    for field in fields:
        assert_limited(ask(caller, **{field: "203.0.113.99"}))
    assert_limited(ask(caller, X_Forwarded_For="for=127.0.0.1", Forwarded="for=203.0.113.7"))


def test_not_even_on_this_machine(limited: Server) -> None:
    with client(limited, "127.0.0.1") as caller:
        for number in range(LIMIT):
            assert left(ask(caller, X_Forwarded_For=f"203.0.113.{number}")) == LIMIT - 1 - number
        assert_limited(ask(caller, X_Forwarded_For="203.0.113.99"))


def test_a_trusted_proxy_says_who_asks(proxied: Server) -> None:
    with client(proxied, "127.0.0.1") as caller:
        for _ in range(LIMIT):
            ask(caller, X_Forwarded_For="203.0.113.1")
        assert_limited(ask(caller, X_Forwarded_For="203.0.113.1"))
        # What stands left of the address that the proxy saw could be written by anyone.
        assert_limited(ask(caller, X_Forwarded_For="198.51.100.7, 203.0.113.1"))
        assert_limited(ask(caller, X_Forwarded_For="203.0.113.1, 10.1.2.3"))
        assert left(ask(caller, X_Forwarded_For="203.0.113.2")) == LIMIT - 1
        assert left(ask(caller, X_Forwarded_For="203.0.113.1, 203.0.113.2")) == LIMIT - 2


def test_a_network_of_64_bits_is_one_caller(proxied: Server) -> None:
    with client(proxied, "127.0.0.1") as caller:
        for number in range(LIMIT):
            assert left(ask(caller, X_Forwarded_For=f"2001:db8::{number}")) == LIMIT - 1 - number
        assert_limited(ask(caller, X_Forwarded_For="2001:db8::ffff"))


def test_a_peer_that_is_no_trusted_proxy_is_not_believed(proxied: Server) -> None:
    with client(proxied, "127.0.0.9") as caller:
        for number in range(LIMIT):
            assert left(ask(caller, X_Forwarded_For=f"203.0.113.{number}")) == LIMIT - 1 - number
        assert_limited(ask(caller, X_Forwarded_For="203.0.113.99"))


def test_a_key_counts_apart_from_its_address(limited: Server, caller: httpx.Client) -> None:
    key = Keys(limited.data_dir).create("counted", ["ask"])
    assert [ask(caller).status_code for _ in range(LIMIT + 1)][-1] == 429
    assert left(ask(caller, X_API_Key=key)) == LIMIT - 1
    with client(limited, next(_ADDRESSES)) as elsewhere:
        assert left(ask(elsewhere, Authorization=f"Bearer {key}")) == LIMIT - 2
        # A key that is none is no way to a count of one's own.
        for number in range(LIMIT):
            assert left(ask(elsewhere, X_API_Key=f"notes_{number}")) == LIMIT - 1 - number
        assert_limited(ask(elsewhere, X_API_Key="notes_x"))


def test_keys_cannot_be_tried_forever(caller: httpx.Client) -> None:
    statuses = [
        caller.get("/metrics", headers={"X-API-Key": f"notes_{number:08x}_{'x' * 43}"}).status_code
        for number in range(10 * LIMIT + 1)
    ]
    assert statuses == [401] * 10 * LIMIT + [429]


def test_sixteen_at_once_get_exactly_as_many(limited: Server) -> None:
    addresses = [next(_ADDRESSES) for _ in range(2)]

    def one(number: int) -> tuple[str, int]:
        address = addresses[number % 2]
        with client(limited, address) as opened:
            if number % 4 == 1:
                return "invalid", opened.post("/api/v1/ask", json={"question": ""}).status_code
            return address, ask(opened).status_code

    with ThreadPoolExecutor(16) as pool:
        found = Counter(pool.map(one, range(64)))
    for address in addresses:
        assert found[address, 200] == LIMIT
        assert found[address, 429] == found.total() // 2 - LIMIT - 16 * (address == addresses[1])
    assert found["invalid", 422] == 16


def test_a_server_on_this_machine_alone_limits_nothing(server: Server) -> None:
    with client(server) as caller:
        responses = [caller.get("/api/v1/documents") for _ in range(200)]
        responses += [batch(caller, 64) for _ in range(2)]
    assert {response.status_code for response in responses} == {200}
    assert not any("ratelimit-limit" in response.headers for response in responses)
