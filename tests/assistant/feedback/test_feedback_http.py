"""Feedback over HTTP: votes outlive the server, gaps are grouped, a full disk stops no question."""

import os
import resource
import shutil
import signal
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from running import Server
from running import server as run_server

from assistant.feedback.feedback_store import FILE
from assistant.http.rest_models import MAX_COMMENT

UNANSWERED = "What is the default restart policy?"


@pytest.fixture(scope="module")
def index(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data folder with the index alone: nobody asked anything yet."""
    folder = tmp_path_factory.mktemp("index") / "data"
    shutil.copytree(server.data_dir, folder, ignore=shutil.ignore_patterns("feedback*", "keys*"))
    return folder


@pytest.fixture(scope="module")
def fresh(index: Path) -> Iterator[Server]:
    """Return a server that nobody else asks."""
    with run_server(index) as running:
        yield running


@pytest.fixture
def client(fresh: Server) -> Iterator[httpx.Client]:
    with connected(fresh) as opened:
        yield opened


@contextmanager
def connected(server: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{server.url}/api/v1", timeout=60) as opened:
        yield opened


def ask(client: httpx.Client, question: str) -> dict[str, Any]:
    answer: dict[str, Any] = client.post("/ask", json={"question": question}).json()
    return answer


def vote(client: httpx.Client, answer_id: object, comment: object = None) -> httpx.Response:
    body = {"answer_id": answer_id, "helpful": False, "comment": comment}
    return client.post("/feedback", json=body)


def gaps(client: httpx.Client) -> dict[str, dict[str, Any]]:
    return {gap["question"]: gap for gap in client.get("/gaps").json()["gaps"]}


def test_a_vote_is_kept_and_the_latest_stands(client: httpx.Client) -> None:
    answer = ask(client, "What does CMD do?")
    response = vote(client, answer["id"], "no example")
    assert response.json() == {"answer_id": answer["id"], "helpful": False}
    (gap,) = [gap for gap in gaps(client).values() if gap["comments"] == ["no example"]]
    assert (gap["question"], gap["unanswered"], gap["voted_down"]) == ("What does CMD do?", 0, 1)
    assert gap["nearest"]["anchor"] == "dockerfile-build-process"
    client.post("/feedback", json={"answer_id": answer["id"], "helpful": True})
    assert "What does CMD do?" not in gaps(client)


@pytest.mark.parametrize("unknown", ["nothing", "0" * 32, "' OR 1=1 --", "a\x00b", "한글"])
def test_a_vote_on_an_unknown_answer(client: httpx.Client, unknown: str) -> None:
    response = vote(client, unknown)
    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert problem["type"] == "/problems/not-found"
    assert [fault["field"] for fault in problem["errors"]] == ["answer_id"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"comment": "가" * (MAX_COMMENT + 1)}, "comment"),
        ({"comment": 7}, "comment"),
        ({"helpful": "yes"}, "helpful"),
        ({"helpful": None}, "helpful"),
        ({"answer_id": ""}, "answer_id"),
        ({"answer_id": "x" * 65}, "answer_id"),
        ({"stars": 5}, "stars"),
    ],
)
def test_a_vote_that_cannot_be(client: httpx.Client, change: dict[str, Any], field: str) -> None:
    response = client.post("/feedback", json={"answer_id": "a", "helpful": True} | change)
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"
    assert [fault["field"] for fault in response.json()["errors"]] == [field]


@pytest.mark.parametrize("comment", ["가" * MAX_COMMENT, "🐳" * MAX_COMMENT, "", "a\x00b"])
def test_a_comment_that_can_be(client: httpx.Client, comment: str) -> None:
    assert vote(client, ask(client, "docker")["id"], comment).status_code == 200


def test_questions_alike_are_one_gap(client: httpx.Client) -> None:
    alike = (
        "How do I deploy to Kubernetes?",
        "how to deploy on kubernetes",
        "Deploying to Kubernetes",
    )
    for question in (alike[0], *alike, "best pasta recipe"):
        assert ask(client, question)["status"] == "not_covered"
    found = gaps(client)
    gap = found[alike[0]]
    assert (gap["count"], gap["unanswered"], gap["voted_down"]) == (4, 4, 0)
    assert set(gap["examples"]) == set(alike)
    assert found["best pasta recipe"]["count"] == 1
    first = client.get("/gaps", params={"limit": 1}).json()["gaps"]
    assert [each["count"] for each in first] == [max(each["count"] for each in found.values())]


def test_small_talk_is_no_gap(client: httpx.Client) -> None:
    talk = {"hello", "안녕하세요", "고마워요", "asdfjkl qweoiu", "🐳🐳", "?!"}
    for text in talk:
        answer = ask(client, text)
        assert (answer["status"], answer["closest"]) == ("not_covered", None)
    assert not talk & gaps(client).keys()


def test_a_full_disk_stops_no_question(fresh: Server, client: httpx.Client) -> None:
    before = ask(client, UNANSWERED)["id"]
    assert vote(client, before, "before").status_code == 200
    limits = resource.prlimit(fresh.pid, resource.RLIMIT_FSIZE)
    # No file may grow or be written: what a full disk looks like to one process.
    resource.prlimit(fresh.pid, resource.RLIMIT_FSIZE, (0, limits[1]))
    try:
        answer = ask(client, UNANSWERED)
        assert answer["grade"] == "not_covered"
        for refused in (vote(client, answer["id"], "while it is full"), client.get("/gaps")):
            assert refused.status_code in (503, 507)
            assert refused.headers["content-type"] == "application/problem+json"
            assert refused.json()["type"] == "/problems/feedback-unwritable"
            # Paths of the server are for its log.
            assert str(fresh.data_dir) not in refused.text
        assert ask(client, "What is a volume?")["status"] == "answered"
    finally:
        resource.prlimit(fresh.pid, resource.RLIMIT_FSIZE, limits)
    assert vote(client, answer["id"], "once there is room").status_code == 200
    assert set(gaps(client)[UNANSWERED]["comments"]) == {"before", "once there is room"}


def test_acknowledged_votes_outlive_a_kill(index: Path, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    shutil.copytree(index, folder, ignore=shutil.ignore_patterns("feedback*"))
    acknowledged: list[str] = []
    enough = threading.Event()

    def go_on_voting(server: Server) -> None:
        with connected(server) as client:
            while True:
                answer_id = ask(client, UNANSWERED)["id"]
                if vote(client, answer_id, "kept").status_code != 200:
                    return
                acknowledged.append(answer_id)
                if len(acknowledged) >= 30:
                    enough.set()

    def until_it_is_gone(server: Server) -> None:
        try:
            go_on_voting(server)
        except httpx.TransportError:
            return

    with run_server(folder) as running:
        voters = [threading.Thread(target=until_it_is_gone, args=(running,)) for _ in range(4)]
        for voter in voters:
            voter.start()
        assert enough.wait(60)
        os.kill(running.pid, signal.SIGKILL)
        for voter in voters:
            voter.join()
    with run_server(folder) as again, connected(again) as client:
        gap = gaps(client)[UNANSWERED]
        assert gap["voted_down"] >= len(acknowledged) >= 30
        assert vote(client, acknowledged[-1], "and again").status_code == 200
    with closing(sqlite3.connect(folder / FILE)) as database:
        kept = database.execute("SELECT id FROM answers WHERE helpful = 0 AND comment NOTNULL")
        assert {row[0] for row in kept} >= set(acknowledged)


def test_no_question_is_kept_where_none_shall_be(index: Path, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    shutil.copytree(index, folder, ignore=shutil.ignore_patterns("feedback*"))
    with run_server(folder, "--keep-questions-days", "0") as running, connected(running) as client:
        answer = ask(client, UNANSWERED)
        assert vote(client, answer["id"], "a personal comment").status_code == 200
        assert gaps(client) == {}
    for file in folder.glob("feedback*"):
        found = file.read_bytes()
        assert UNANSWERED.encode() not in found
        assert b"personal" not in found
