"""Servers over one Milvus and one Redis: versions, limits, and what happens while Milvus is away.

`make test-stores` runs it, and fails where a server does not start; `make test` leaves it out.
"""

import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from threading import Event
from typing import Any

import httpx
import pytest
from gradio_client import Client
from milvus_server import MilvusServer
from running import Server, free_port, notes
from running import server as run_server
from switching import QUESTIONS, clients, edition, until

from index.milvus import remote_index
from index.milvus.milvus_store import Milvus
from index.storage import store

CLIENTS = 6
FIRST, SECOND = "amber", "cobalt"
_ASKED = count()


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return a real Redis of this machine alone."""
    program = shutil.which("redis-server")
    assert program, "There is no redis-server: apt install redis-server"
    port = free_port()
    command = [program, "--bind", "127.0.0.1", "--port", str(port), "--save", ""]
    folder = tmp_path_factory.mktemp("redis")
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL)
    try:
        yield f"redis://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Return notes of the first edition."""
    (tmp_path / "notes").mkdir()
    write(tmp_path, FIRST)
    return tmp_path


def write(place: Path, word: str) -> None:
    (place / "notes" / "harbour.md").write_text(edition(word))


def build(place: Path, uri: str) -> subprocess.CompletedProcess[str]:
    done = notes(place / "data", "build", str(place / "notes"), NOTES_MILVUS_URI=uri)
    assert done.returncode == 0, done.stderr
    return done


@contextmanager
def serving(place: Path, uri: str, **settings: str) -> Iterator[Server]:
    with run_server(place / "data", NOTES_MILVUS_URI=uri, **settings) as running:
        yield running


def ask(server: Server, question: str) -> httpx.Response:
    # What was asked before is answered from memory, with Milvus or without: so each differs in a
    # limit that changes no answer.
    body = {"question": question, "min_confidence": next(_ASKED) * 1e-9}
    return httpx.post(f"{server.url}/api/v1/ask", json=body, timeout=60)


def found(response: httpx.Response) -> list[Any]:
    """Return what an answer holds but for its id and time."""
    assert response.status_code == 200, response.text
    answer = response.json()
    return [[each["text"], each["score"]] for each in answer["passages"]]


def readiness(server: Server) -> httpx.Response:
    return httpx.get(f"{server.url}/health/ready", timeout=60)


def away(response: httpx.Response) -> None:
    """Check that a response says when to come again, and that nothing of the inside shows."""
    assert response.status_code == 503, response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["type"] == "/problems/store-away"
    assert int(response.headers["retry-after"]) > 0
    assert "127.0.0.1" not in response.text


@contextmanager
def asking(server: Server, answers: Mapping[str, list[Any]]) -> Iterator[Counter[str]]:
    """Ask as several clients until the block ends; counts what they got."""

    def outcomes(number: int, ended: Event) -> Iterator[str]:
        while not ended.is_set():
            number += 1
            question = QUESTIONS[number % len(QUESTIONS)]
            response = ask(server, question)
            if response.status_code == 503:
                away(response)
                yield "away"
                time.sleep(0.05)
            else:
                yield "right" if found(response) == answers[question] else "wrong"

    with clients(CLIENTS, outcomes) as counts:
        yield counts


def test_answers_are_those_without_milvus(place: Path, milvus_uri: str) -> None:
    build(place, milvus_uri)
    with run_server(place / "data") as alone:
        expected = [found(ask(alone, question)) for question in QUESTIONS]
        assert readiness(alone).json()["milvus"] is None
    with serving(place, milvus_uri) as server:
        assert readiness(server).json()["milvus"] == "ok"
        assert [found(ask(server, question)) for question in QUESTIONS] == expected


def test_an_index_built_before_is_given_to_milvus(place: Path, milvus_uri: str) -> None:
    assert notes(place / "data", "build", str(place / "notes")).returncode == 0
    done = build(place, milvus_uri)
    assert "Nothing has changed" in done.stderr
    assert "to Milvus" in done.stderr
    assert "to Milvus" not in build(place, milvus_uri).stderr
    with serving(place, milvus_uri) as server:
        assert found(ask(server, QUESTIONS[0]))


def test_milvus_killed_and_restarted_under_load(place: Path, milvus_server: MilvusServer) -> None:
    build(place, milvus_server.uri)
    with serving(place, milvus_server.uri) as server:
        answers = {question: found(ask(server, question)) for question in QUESTIONS}
        with asking(server, answers) as counts:
            until(lambda: counts["right"] > 20, "questions are answered")
            milvus_server.kill()
            until(lambda: counts["away"] > 20, "questions are refused")
            away(readiness(server))
            restarted = time.monotonic()
            milvus_server.start()
            until(lambda: readiness(server).status_code == 200, "it is ready again")
            print(f"Ready {time.monotonic() - restarted:.1f} s after the restart of Milvus began")
            right = counts["right"]
            until(lambda: counts["right"] > right + 20, "questions are answered again")
        print(counts)
        assert not counts["wrong"]
        assert server.process.poll() is None


def test_a_build_without_milvus_leaves_the_old_version(
    place: Path, milvus_server: MilvusServer
) -> None:
    build(place, milvus_server.uri)
    before = store.current(place / "data")
    write(place, SECOND)
    done = notes(
        place / "data", "build", str(place / "notes"), NOTES_MILVUS_URI="http://127.0.0.1:9"
    )
    assert done.returncode == 2
    assert "Milvus at http://127.0.0.1:9 does not answer" in done.stderr
    assert store.current(place / "data") == before
    assert [path.name for path in (place / "data" / "versions").iterdir()] == [before]


def test_a_server_starts_without_milvus_and_answers_once_it_is_there(
    place: Path, milvus_server: MilvusServer
) -> None:
    build(place, milvus_server.uri)
    milvus_server.kill()
    try:
        with serving(place, milvus_server.uri) as server:
            away(readiness(server))
            away(ask(server, QUESTIONS[0]))
            shown = Client(server.url, verbose=False).predict(QUESTIONS[0], api_name="/ask")
            assert "지금은 찾을 수 없어요" in shown[1]
            milvus_server.start()
            until(lambda: readiness(server).status_code == 200, "it is ready")
            assert found(ask(server, QUESTIONS[0]))
    finally:
        milvus_server.kill()
        milvus_server.start()


def test_two_servers_share_versions_and_limits(
    place: Path, milvus_uri: str, redis_url: str
) -> None:
    build(place, milvus_uri)
    settings = {"NOTES_REDIS_URL": redis_url, "NOTES_RATE_LIMIT": "12/hour"}
    with (
        serving(place, milvus_uri, **settings) as one,
        serving(place, milvus_uri, **settings) as other,
    ):
        servers = (one, other)
        for server in servers:
            assert FIRST in ask(server, QUESTIONS[0]).json()["passages"][0]["text"]
        before = store.current(place / "data")
        write(place, SECOND)
        with ThreadPoolExecutor(1) as beside:
            building = beside.submit(build, place, milvus_uri)
            for server in servers:
                until(lambda s=server: readiness(s).json()["index_version"] != before, "it follows")
            switched = (place / "data" / "current").stat().st_mtime
            print(f"Both servers followed within {time.time() - switched:.2f} s of the switch")
            building.result()
        for server in servers:
            assert SECOND in ask(server, QUESTIONS[0]).json()["passages"][0]["text"]
        # Four were asked: what one has spent the other does not have.
        statuses = [ask(servers[n % 2], QUESTIONS[0]).status_code for n in range(12)]
        assert statuses == [200] * 8 + [429] * 4
    snapshot = store.load(place / "data")
    milvus = Milvus(milvus_uri)
    name = remote_index.collection(snapshot.manifest, place / "data")
    assert milvus.alias(remote_index.alias(snapshot.manifest)) == name
    milvus.close()


def test_going_back_lets_the_alias_go_back(place: Path, milvus_uri: str) -> None:
    milvus = Milvus(milvus_uri)
    names = []
    for word in (FIRST, SECOND, "ochre", "violet"):
        write(place, word)
        build(place, milvus_uri)
        manifest = store.load(place / "data").manifest
        names.append(remote_index.collection(manifest, place / "data"))
    # Three versions are kept, and their collections.
    assert [milvus.has(name) for name in names] == [False, True, True, True]
    oldest = store.versions(place / "data")[-1].version
    done = notes(place / "data", "rollback", oldest, NOTES_MILVUS_URI=milvus_uri)
    assert done.returncode == 0, done.stderr
    assert milvus.alias(remote_index.alias(manifest)) == names[1]
    with serving(place, milvus_uri) as server:
        assert SECOND in ask(server, QUESTIONS[0]).json()["passages"][0]["text"]
    milvus.close()
