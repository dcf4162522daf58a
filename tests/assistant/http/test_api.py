"""REST over HTTP against the running server."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

import httpx
import pytest
from running import Server

KEYS = {
    "id", "status", "grade", "confidence", "message", "language", "query", "corrected_from",
    "index_version", "took_ms", "passages", "closest", "missing",
}  # fmt: skip


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, timeout=60) as opened:
        yield opened


def ask(client: httpx.Client, **body: Any) -> httpx.Response:
    return client.post("/api/v1/ask", json=body)


@pytest.mark.parametrize(
    ("question", "language", "anchors"),
    [
        (
            "컨테이너를 지우면 데이터는 어떻게 되나요?",
            "ko",
            {"데이터-영속성-volumes", "image-vs-container"},
        ),
        (
            "What is the difference between an image and a container?",
            "en",
            {"image-vs-container"},
        ),
    ],
)
def test_a_question_is_answered(
    client: httpx.Client, question: str, language: str, anchors: set[str]
) -> None:
    response = ask(client, question=question)
    assert response.status_code == 200
    answer = response.json()
    assert answer.keys() == KEYS
    assert answer["status"] == "answered"
    assert answer["language"] == language
    assert answer["query"] == question
    first = answer["passages"][0]
    assert first["section"]["anchor"] in anchors
    assert first["document"]["id"] == "docker"
    assert unquote(first["url"]) == f"/notes/docker#{first['section']['anchor']}"
    assert first["highlight_url"].startswith(first["url"] + ":~:text=")
    assert first["highlights"]


def test_every_passage_is_word_for_word(client: httpx.Client, server: Server) -> None:
    source = (server.data_dir.parent / "corpus" / "docker.md").read_text()
    answer = ask(client, question="도커 볼륨과 바인드 마운트의 차이", limit=6).json()
    for passage in answer["passages"]:
        assert passage["text"] in source
        for span in passage["highlights"]:
            words = passage["text"][span["start"] : span["end"]]
            assert words.strip() == words != ""
        best = passage["highlights"][0]
        words = passage["text"][best["start"] : best["end"]]
        assert words.split("\n")[0] in source.split("\n")[passage["line"] - 1]


def test_limit_counts_sections(client: httpx.Client) -> None:
    for limit in (1, 3, 20):
        passages = ask(client, question="docker image", limit=limit).json()["passages"]
        anchors = [passage["section"]["anchor"] for passage in passages]
        assert len(set(anchors)) == len(anchors) <= limit
        assert [passage["rank"] for passage in passages] == list(range(1, len(anchors) + 1))


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"question": ""}, 422, "question"),
        ({"question": "   \n\t"}, 422, "question"),
        ({"question": "\u200b\u0007"}, 422, "question"),
        ({"question": "가" * 2001}, 422, "question"),
        ({"question": "x" * 100_000}, 422, "question"),
        ({"question": 7}, 422, "question"),
        ({"question": None}, 422, "question"),
        ({"question": ["docker"]}, 422, "question"),
        ({}, 422, "question"),
        ({"question": "docker", "limit": 0}, 422, "limit"),
        ({"question": "docker", "limit": 21}, 422, "limit"),
        ({"question": "docker", "limit": "3"}, 422, "limit"),
        ({"question": "docker", "limit": True}, 422, "limit"),
        ({"question": "docker", "language": "fr"}, 422, "language"),
        ({"question": "docker", "colour": "red"}, 422, "colour"),
        ({"question": "docker", "min_confidence": -0.1}, 422, "min_confidence"),
        ({"question": "docker", "min_confidence": 1.1}, 422, "min_confidence"),
        ({"question": "docker", "min_confidence": "much"}, 422, "min_confidence"),
        ({"question": "docker", "explain": "yes"}, 422, "explain"),
    ],
)
def test_bad_fields_are_named(
    client: httpx.Client, body: dict[str, Any], status: int, field: str
) -> None:
    response = ask(client, **body)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert problem["status"] == status
    assert problem["type"].startswith("/problems/")
    assert [fault["field"] for fault in problem["errors"]] == [field]
    assert field in problem["detail"] or "question" in problem["detail"]


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b'{"question": "\\ud800 docker"}', 422),
        (b'{"question": "docker"', 400),
        (b"question=docker", 400),
        (b"\xff\xfe", 400),
        (b"", 422),
        (b"[]", 422),
        (b'{"question": "' + b"x" * 300_000 + b'"}', 413),
    ],
)
def test_bad_bodies_are_problems(client: httpx.Client, content: bytes, status: int) -> None:
    response = client.post(
        "/api/v1/ask", content=content, headers={"content-type": "application/json"}
    )
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["detail"]
    assert ask(client, question="docker").status_code == 200


@pytest.mark.parametrize(("question", "language"), [("🐳🐳", "ko"), ("?!", "ko")])
def test_a_question_without_words_is_not_covered(
    client: httpx.Client, question: str, language: str
) -> None:
    answer = ask(client, question=question).json()
    assert (answer["status"], answer["grade"], answer["passages"]) == (
        "not_covered",
        "not_covered",
        [],
    )
    assert answer["language"] == language
    assert answer["message"]


@pytest.mark.parametrize(
    ("question", "language", "said"),
    [
        ("비행기 표는 어떻게 환불하나요?", "ko", "노트에 ‘비행기’, ‘환불’은 나오지 않아요."),
        ("best pasta recipe", "en", "The notes do not mention ‘pasta’."),
    ],
)
def test_a_question_about_other_things_is_not_covered(
    client: httpx.Client, question: str, language: str, said: str
) -> None:
    response = ask(client, question=question)
    assert response.status_code == 200
    answer = response.json()
    assert answer.keys() == KEYS
    assert (answer["status"], answer["grade"]) == ("not_covered", "not_covered")
    assert (answer["language"], answer["message"]) == (language, said)
    assert answer["passages"] == []
    assert 0 <= answer["confidence"] < 0.5
    shape = ask(client, question="docker").json()["passages"][0]
    closest = answer["closest"]
    if closest is not None:
        assert closest.keys() == shape.keys()
        assert closest["section"].keys() == shape["section"].keys()
        assert closest["rank"] == 1


def test_a_question_in_another_language_is_told_so_in_it(client: httpx.Client) -> None:
    answer = ask(client, question="best pasta recipe", language="ko").json()
    assert (answer["language"], answer["message"]) == ("ko", "노트에 ‘pasta’은(는) 나오지 않아요.")


def test_a_least_confidence_is_kept(client: httpx.Client) -> None:
    question = "볼륨은 어디에 저장되나요?"
    calibrated = ask(client, question=question).json()
    assert calibrated["closest"] is None
    refused = ask(client, question=question, min_confidence=1).json()
    assert (refused["status"], refused["passages"]) == ("not_covered", [])
    assert refused["closest"] == calibrated["passages"][0]
    answered = ask(client, question="best pasta recipe", min_confidence=0).json()
    assert (answered["status"], answered["closest"]) == ("answered", None)
    assert answered["passages"]
    assert answered["grade"] == "may_answer"
    assert answered["message"]


def test_stages_are_shown_where_asked(client: httpx.Client) -> None:
    plain = ask(client, question="docker image").json()["passages"]
    explained = ask(client, question="docker image", explain=True).json()["passages"]
    assert [passage["explanation"] for passage in plain] == [None] * len(plain)
    assert [passage["url"] for passage in plain] == [passage["url"] for passage in explained]
    for passage in explained:
        stages = passage["explanation"]
        assert stages.keys() == {"late", "lines", "dense", "lexical", "gist", "reranked"}
        assert stages.pop("reranked") is not None
        assert all(isinstance(value, float) for value in stages.values())
        assert 0 <= stages["lexical"] <= 1


def test_a_misspelt_question_is_mended_and_told(client: httpx.Client) -> None:
    answer = ask(client, question="ehzj zjsxpdlsj").json()
    assert (answer["query"], answer["corrected_from"]) == ("도커 컨테이너", "ehzj zjsxpdlsj")
    assert answer["status"] == "answered"
    assert ask(client, question="도커 컨테이너").json()["corrected_from"] is None


def test_control_characters_do_no_harm(client: httpx.Client) -> None:
    answer = ask(client, question="볼륨은\u0000 어디에\u0007\r\n 저장돼?").json()
    assert answer["query"] == "볼륨은 어디에 저장돼?"


def test_decomposed_hangul_is_the_same_question(client: httpx.Client) -> None:
    import unicodedata

    question = "볼륨은 어디에 저장되나요?"
    composed = ask(client, question=question).json()
    decomposed = ask(client, question=unicodedata.normalize("NFD", question)).json()
    assert composed["query"] == decomposed["query"]
    assert composed["passages"] == decomposed["passages"]


def test_what_is_not_there(client: httpx.Client) -> None:
    for method, path, status in [
        ("GET", "/api/v1/nothing", 404),
        ("GET", "/api/v1/ask", 405),
        ("DELETE", "/health/live", 405),
    ]:
        response = client.request(method, path)
        assert response.status_code == status
        assert response.headers["content-type"] == "application/problem+json"


def test_health(client: httpx.Client) -> None:
    assert client.get("/health/live").json() == {"status": "live"}
    ready = client.get("/health/ready").json()
    assert ready["status"] == "ready"
    assert ready["index_version"] == ask(client, question="docker").json()["index_version"]


def test_openapi_describes_the_call(client: httpx.Client) -> None:
    assert client.get("/docs").status_code == 200
    spec = client.get("/openapi.json").json()
    call = spec["paths"]["/api/v1/ask"]["post"]
    assert call["operationId"] == "ask"
    assert {"200", "422"} <= call["responses"].keys()
    assert "application/problem+json" in json.dumps(call["responses"]["422"])


def test_every_reference_in_the_description_leads_somewhere(client: httpx.Client) -> None:
    spec = client.get("/openapi.json").json()

    def references(value: object) -> list[str]:
        if isinstance(value, dict):
            own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
            return own + [found for item in value.values() for found in references(item)]
        return [f for item in value for f in references(item)] if isinstance(value, list) else []

    found = references(spec)
    assert found
    for reference in found:
        place = spec
        for part in reference.removeprefix("#/").split("/"):
            place = place[part]


def test_a_body_that_is_declared_too_large_is_refused_unread(server: Server) -> None:
    import socket

    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=20) as sender:
        head = f"POST /api/v1/ask HTTP/1.1\r\nHost: {host}\r\nContent-Length: 999999999\r\n\r\n"
        sender.sendall(head.encode())
        assert sender.recv(1000).startswith(b"HTTP/1.1 413")


def test_what_is_no_json_is_told_so(client: httpx.Client) -> None:
    for content in (b"\xff\xfe", b"[" * 30_000):
        headers = {"content-type": "application/json"}
        problem = client.post("/api/v1/ask", content=content, headers=headers).json()
        assert problem["type"] == "/problems/invalid-json"
    plain = client.post("/api/v1/ask", content=b'{"question": "docker"}').json()
    assert "Content-Type: application/json" in plain["detail"]


def test_many_at_once(server: Server) -> None:
    from concurrent.futures import ThreadPoolExecutor

    questions = ["볼륨은 어디에 저장돼?", "What is a layer?", "compose up", "VM 부팅 시간"] * 8

    def first(question: str) -> str:
        answer = httpx.post(f"{server.url}/api/v1/ask", json={"question": question}, timeout=60)
        return str(answer.json()["passages"][0]["url"])

    alone = {question: first(question) for question in set(questions)}
    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(first, questions)) == [alone[question] for question in questions]


@pytest.mark.parametrize(
    ("history", "field", "limit"),
    [
        (["docker"] * 11, "history", "10"),
        (["docker"] * 500, "history", "10"),
        (["volumes", "x" * 2001], "history", "2000"),
        (["가" * 2001], "history", "2000"),
        ([""], "history", "1"),
        ([7], "history", ""),
        ("docker", "history", ""),
        (None, "history", ""),
    ],
)
def test_history_has_limits_that_are_named(
    client: httpx.Client, history: Any, field: str, limit: str
) -> None:
    response = ask(client, question="where is it stored?", history=history)
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"
    (fault,) = response.json()["errors"]
    assert fault["field"].split(".")[0] == field
    assert limit in str(fault).replace(",", "")


def test_history_at_its_limits_is_taken(client: httpx.Client) -> None:
    long = [f"{number} docker compose ".ljust(2000, "x") for number in range(10)]
    response = ask(client, question="볼륨은 어디에 저장되나요?", history=long)
    assert response.status_code == 200
    assert response.json()["passages"][0]["section"]["anchor"] == "데이터-영속성-volumes"


def test_the_answer_says_how_a_follow_up_was_understood(client: httpx.Client) -> None:
    body = {"question": "그건 어디에 저장돼?", "history": ["볼륨이 뭐야?"]}
    answer = ask(client, **body).json()
    assert answer.keys() == KEYS
    assert answer["passages"][0]["section"]["anchor"] == "데이터-영속성-volumes"
    assert answer["query"] != body["question"]
    assert answer["query"].endswith(body["question"])
    assert ask(client, question=body["question"], history=[]).json()["query"] == body["question"]
