"""Plain questions find their section."""

import json
from pathlib import Path
from typing import Any

import httpx
from running import Server

DATA = Path(__file__).parents[2] / "data" / "plain_questions.jsonl"


def test_plain_questions_find_the_right_section_first(server: Server) -> None:
    asked: list[dict[str, Any]] = [json.loads(line) for line in DATA.read_text().splitlines()]
    missed = []
    for item in asked:
        answer = httpx.post(
            f"{server.url}/api/v1/ask", json={"question": item["question"]}, timeout=60
        ).json()
        nearest = [*answer["passages"], answer["closest"]]
        if nearest[0]["section"]["anchor"] not in item["anchors"]:
            missed.append(item["question"])
    assert len(asked) == 30
    assert len(missed) <= 6, missed
