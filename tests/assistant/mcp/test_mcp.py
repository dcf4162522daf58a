"""The notes as tools for assistants, through the SDK's own client."""

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any, TypeAlias

import httpx
import jsonschema
import pytest
from http_edge import copied
from mcp import Client, MCPError, types
from running import ROOT, Server
from speaking_mcp import VERSIONS, Era, Said, T, calling, given, over_http, over_stdio, told

from assistant.answering.ask import Assistant
from assistant.calibration.calibrated_build import build_index
from assistant.mcp.mcp_server import create_server
from assistant.mcp.tools import TOOLS
from assistant.serving.service import Service, open_service
from assistant.settings import Settings
from index.encoding.onnx_encoder import OnnxEncoder
from index.reading.corpus import read

Talk: TypeAlias = Callable[[Said[T]], T]
VOLUMES = "default/docker#데이터-영속성-volumes"
COVERED = {
    "볼륨은 어디에 저장되나요?": (VOLUMES, "/var/lib/docker/volumes/"),
    "What is Docker Compose for?": ("default/docker#docker-compose-orchestration", "YAML"),
}
UNCOVERED = {"best pasta recipe": "The notes do not ", "파스타 맛있게 삶는 법": "노트에 "}
PAGE = (ROOT / "docs" / "mcp.md").read_text()
ADDRESS = "http://127.0.0.1:7860"
NOTES_TEXT = (ROOT / "corpus" / "docker.md").read_text()
ODD = {
    "가이드/설치 방법.md": "제목 없이 쓴 글이다. 설치는 명령 하나로 끝난다.\n",
    "c#.md": "# C#\n\n## 📝\n\nAn emoji is all its heading has.\n\n## Same\n\nThe first one.\n\n"
    "### Below\n\nIt stands below the first.\n\n## Same\n\nThe second one.\n",
}


@pytest.fixture(scope="module", params=["http, legacy", "http, auto", "stdio, auto"])
def talk(
    request: pytest.FixtureRequest, server: Server, tmp_path_factory: pytest.TempPathFactory
) -> Talk[Any]:
    """Return what talks to the real program over a transport, in an era of the protocol."""
    transport, era = request.param.split(", ")
    if transport == "http":
        return lambda said: over_http(server.url, said, era)
    data_dir = copied(server, tmp_path_factory.mktemp("stdio"))
    return lambda said: over_stdio(data_dir, said, era)


@pytest.fixture(scope="module")
def service(
    onnx_encoder: OnnxEncoder, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """Return a service over notes of odd names and shapes."""
    folder = tmp_path_factory.mktemp("odd")
    for name, text in ODD.items():
        (folder / "odd notes" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "odd notes" / name).write_text(text)
    snapshot = build_index(
        read({"odd": folder / "odd notes"}), folder / "data", onnx_encoder, lambda _: None
    )
    assistant = Assistant(snapshot, onnx_encoder, "/notes/{document}#{anchor}", "", 0.25)
    opened = open_service(assistant, Settings(data_dir=folder / "data"))
    with closing(opened.feedback):
        yield opened


def inside(service: Service, said: Said[T]) -> T:
    """Return what comes of talking to a server in this process."""

    async def talk() -> T:
        async with Client(create_server(service, address="http://notes")) as client:
            return await said(client)

    return asyncio.run(talk())


def test_all_of_it_in_one_conversation(talk: Talk[Any]) -> None:
    async def conversation(client: Client) -> None:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert list(tools) == ["ask", "search", "fetch"]

        async def call(tool: str, **arguments: Any) -> dict[str, Any]:
            gave = given(await client.call_tool(tool, arguments))
            jsonschema.validate(gave, tools[tool].output_schema or {})
            return gave

        for question, (id_, words) in COVERED.items():
            answer = await call("ask", question=question, limit=2)
            passage = answer["passages"][0]
            assert (answer["status"], answer["closest"], passage["id"]) == ("answered", None, id_)
            assert any(words in quote for quote in passage["quotes"])
            found = await call("search", query=question)
            assert id_ in [result["id"] for result in found["results"][:2]]
            section = await call("fetch", id=id_)
            assert (section["url"], words in section["text"]) == (passage["url"], True)
        for question, message in UNCOVERED.items():
            answer = await call("ask", question=question)
            assert (answer["status"], answer["grade"]) == ("not_covered", "not_covered")
            assert (answer["passages"], message in answer["message"]) == ([], True)
            assert await call("fetch", id=answer["closest"]["id"])
        with pytest.raises(MCPError, match="There are: ask, search, fetch"):
            await client.call_tool("delete")

    talk(conversation)


@pytest.mark.parametrize("era", VERSIONS)
def test_each_version_of_the_protocol_is_spoken(server: Server, era: Era) -> None:
    async def version(client: Client) -> str:
        return client.protocol_version

    assert over_http(server.url, version, era) == VERSIONS[era]


def test_a_model_is_told_what_it_needs_to_know(server: Server) -> None:
    async def described(client: Client) -> tuple[str, list[types.Tool]]:
        return client.instructions or "", (await client.list_tools()).tools

    instructions, tools = over_http(server.url, described)
    for words in ("word for word", "`url`", "not_covered"):
        assert words in instructions
    for tool in tools:
        assert tool.annotations
        assert (tool.annotations.read_only_hint, tool.annotations.open_world_hint) == (True, False)
        assert tool.input_schema["additionalProperties"] is False
        assert "`url`" in (tool.description or "")
    ask, search, fetch = tools
    assert "not_covered" in (ask.description or "")
    for tool in (ask, search):
        assert "Dockerfile (Build Process)" in (tool.description or "")
    assert [ask.input_schema["required"], search.input_schema["required"]] == [
        ["question"],
        ["query"],
    ]
    assert list(fetch.input_schema["properties"]) == fetch.input_schema["required"] == ["id"]
    assert ask.input_schema["properties"]["question"]["maxLength"] == 2000


class TestWhatIsGiven:
    def test_every_word_stands_in_the_notes(self, server: Server) -> None:
        for question in COVERED:
            answer = given(over_http(server.url, calling("ask", question=question, limit=20)))
            assert len(answer["passages"]) > 2
            for passage in answer["passages"]:
                assert passage["text"] in NOTES_TEXT
                assert passage["quotes"]
                assert all(quote in passage["text"] for quote in passage["quotes"])

    def test_results_are_as_other_assistants_expect_them(self, server: Server) -> None:
        found = given(over_http(server.url, calling("search", query="볼륨")))
        assert list(found) == ["results"]
        for result in found["results"]:
            assert list(result) == ["id", "title", "url", "text"]
            assert all(isinstance(value, str) and value for value in result.values())
            assert "<" not in result["text"]
        section = given(over_http(server.url, calling("fetch", id=VOLUMES)))
        assert list(section) == ["id", "title", "text", "url", "metadata"]
        assert all(isinstance(value, str) for value in section["metadata"].values())

    def test_the_text_says_the_same_as_the_structure(self, server: Server) -> None:
        for tool, argument in (("ask", "question"), ("search", "query")):
            result = over_http(server.url, calling(tool, **{argument: "볼륨이 뭐야?"}))
            (content,) = result.content
            assert isinstance(content, types.TextContent)
            assert json.loads(content.text) == result.structured_content

    def test_a_section_is_whole_and_its_lines_are_true(self, server: Server) -> None:
        section = given(over_http(server.url, calling("fetch", id=VOLUMES)))
        first, last = map(int, section["metadata"]["lines"].split("-"))
        lines = NOTES_TEXT.splitlines()
        assert section["text"].splitlines() == lines[first - 1 : last]
        assert section["text"].startswith("## 📝데이터 영속성")
        assert section["title"] == "Docker 학습 노트 › 데이터 영속성 (Volumes)"
        assert section["metadata"]["file"] == "docker.md"

    def test_links_lead_to_the_section(self, server: Server) -> None:
        result = given(over_http(server.url, calling("search", query="compose")))["results"][0]
        url, _, anchor = result["url"].partition("#")
        page = httpx.get(url)
        assert (url.startswith(server.url), page.status_code) == (True, 200)
        assert f'id="{anchor}"' in page.text

    def test_an_answer_can_be_voted_on(self, server: Server) -> None:
        answer = given(over_http(server.url, calling("ask", question="What is a volume?")))
        vote = {"answer_id": answer["answer_id"], "helpful": True}
        assert httpx.post(f"{server.url}/api/v1/feedback", json=vote).status_code == 200

    def test_calls_at_once_give_what_calls_in_turn_give(self, server: Server) -> None:
        questions = [*COVERED, *UNCOVERED] * 5

        async def asked(client: Client, question: str) -> Any:
            result = given(await client.call_tool("ask", {"question": question}))
            return {**result, "answer_id": ""}

        async def at_once(client: Client) -> list[Any]:
            return await asyncio.gather(*(asked(client, each) for each in questions))

        async def in_turn(client: Client) -> list[Any]:
            return [await asked(client, each) for each in questions]

        assert over_http(server.url, at_once) == over_http(server.url, in_turn)


class TestOddNotes:
    def test_every_section_can_be_read_by_its_id(self, service: Service) -> None:
        documents = service.assistant.snapshot.notes.documents
        ids = {
            f"odd/{document.id}#{section.anchor}".removesuffix("#"): document.source[
                section.start : section.end
            ]
            for document in documents
            for section in document.sections
        }
        assert {"odd/가이드/설치 방법", "odd/c##same", "odd/c##same-1", "odd/c##below"} < ids.keys()
        for id_, text in ids.items():
            assert given(inside(service, calling("fetch", id=id_)))["text"] == text
        assert "### Below" in ids["odd/c##same"]

    def test_a_search_gives_such_ids(self, service: Service) -> None:
        for query, id_ in (("설치", "odd/가이드/설치 방법"), ("second one", "odd/c##same-1")):
            result = given(inside(service, calling("search", query=query)))["results"][0]
            assert result["id"] == id_
            assert result["url"].startswith("http://notes/notes/")

    def test_another_version_answers_once_it_serves(
        self, service: Service, docker: Assistant
    ) -> None:
        before = service.assistant
        service.switch(docker)
        try:
            gave = given(inside(service, calling("fetch", id=VOLUMES)))
            assert gave["metadata"]["index_version"] == docker.snapshot.version
            assert "no section" in told(inside(service, calling("fetch", id="odd/c##same")))
        finally:
            service.switch(before)


class TestThePage:
    def test_its_example_prints_what_it_says(self, server: Server) -> None:
        code = next(block for block in blocks("sh") if "curl" in block)
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", code.replace(ADDRESS, server.url)],  # noqa: S607
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        assert [done.stdout.replace(server.url, ADDRESS)] == blocks("text")

    def test_its_settings_can_be_pasted(self) -> None:
        for block in blocks("json"):
            json.loads(block)

    def test_it_names_every_field(self) -> None:
        for tool in TOOLS.values():
            for model in (tool.takes, tool.gives):
                for field in model.model_fields:
                    assert f"`{field}`" in PAGE, field


def blocks(language: str) -> list[str]:
    """Return the page's blocks in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


def test_a_server_without_assistants_does_not_load_the_sdk() -> None:
    code = "import sys, ui.app.server; print('mcp' in sys.modules); import mcp"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.returncode) == ("False\n", 0)
