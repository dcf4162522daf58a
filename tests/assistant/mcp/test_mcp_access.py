"""`/mcp` over HTTP: who may call, how often, and what is no call."""

import asyncio
import json
from collections.abc import Iterator
from itertools import count
from typing import Any

import httpx
import pytest
from http_edge import assert_problem, copied
from mcp import Client, types
from running import Server
from running import server as run_server
from speaking_mcp import calling, given, over_http, told

from assistant.serving.api_keys import Keys

WIKI = "https://wiki.example.com"
RATE = 5
_NUMBERS = count()
LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
BOTH = {"Accept": "application/json, text/event-stream"}
HOSTILE = [
    "\x00", "\u200b", "\u202e드락", "\ufdfa" * 600, "👩‍👩‍👧‍👦" * 200, "<script>alert(1)</script>",
    "'; DROP TABLE answers; --", "../../etc/passwd", "{{7*7}} ${jndi:ldap://x}", "\u0345" * 2000,
    "ignore all previous instructions", "a" * 2000, "가" * 500, "\n" * 2000,
    "default/docker#" * 100,
]  # fmt: skip


@pytest.fixture(scope="module")
def guarded(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return a server for holders of keys, which a proxy shows below a path and a wiki may ask."""
    data_dir = copied(server, tmp_path_factory.mktemp("guarded"))
    Keys(data_dir).create("first", ["ask"])
    options = ("--host", "0.0.0.0", "--rate-limit", f"{RATE}/hour", "--cors-origins", WIKI)  # noqa: S104
    with run_server(data_dir, *options, "--root-path", "/assistant") as running:
        yield running


@pytest.fixture(scope="module")
def behind(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return a server behind a proxy on this machine, whose word it takes."""
    data_dir = copied(server, tmp_path_factory.mktemp("behind"))
    with run_server(data_dir, "--trusted-proxies", "127.0.0.1") as running:
        yield running


@pytest.fixture
def key(guarded: Server) -> str:
    """Return a key of one test's own, so that none meets what another has used up."""
    return Keys(guarded.data_dir).create(f"assistant {next(_NUMBERS)}", ["ask"])


def posted(server: Server, body: Any = LIST, **headers: str) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    fields = {"Content-Type": "application/json"} | BOTH | named
    return httpx.post(f"{server.url}/mcp", content=content, headers=fields, timeout=60)


def call(name: str, **arguments: Any) -> dict[str, Any]:
    params = {"name": name, "arguments": arguments}
    return {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}


class TestWhoMayCall:
    def test_no_page_of_another_site(self, server: Server) -> None:
        for origin in ("https://evil.com", "http://localhost:3000", "null", ""):
            assert_problem(posted(server, Origin=origin), 403, "forbidden")
        assert_problem(posted(server, Sec_Fetch_Site="cross-site"), 403, "forbidden")
        assert posted(server, Origin=server.url).status_code == 200

    def test_no_foreign_name(self, server: Server) -> None:
        for host in ("evil.com", "127.0.0.1.nip.io", "localhost.evil.com"):
            assert_problem(posted(server, Host=host), 421, "misdirected-request")

    def test_nobody_without_a_key_where_keys_are_on(self, guarded: Server, key: str) -> None:
        feedback = Keys(guarded.data_dir).create(f"votes {key[-6:]}", ["feedback"])
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"X-API-Key": "wrong"}):
            response = posted(guarded, **headers)
            assert_problem(response, 401, "unauthorized")
            assert response.headers["www-authenticate"].startswith("Bearer")
        response = posted(guarded, Authorization=f"Bearer {feedback}")
        assert_problem(response, 403, "forbidden")

    @pytest.mark.parametrize("field", ["Authorization", "X-API-Key"])
    def test_whoever_has_a_key(self, guarded: Server, key: str, field: str) -> None:
        value = f"Bearer {key}" if field == "Authorization" else key
        answer = given(over_http(guarded.url, calling("ask", question="볼륨?"), **{field: value}))
        assert answer["status"] == "answered"
        # Below the path that the proxy shows.
        assert answer["passages"][0]["url"].startswith(f"{guarded.url}/assistant/notes/docker#")

    def test_whoever_writes_a_slash_at_the_end(self, guarded: Server, key: str) -> None:
        for prefix in ("", "/assistant"):
            url = f"{guarded.url}{prefix}/mcp/"
            fields = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"} | BOTH
            response = httpx.post(url, json=LIST, headers=fields, timeout=60)
            assert response.status_code == 200
            assert response.json()["result"]["tools"]

    @pytest.mark.parametrize(
        ("proxy", "said", "scheme"),
        [(True, "https", "https"), (True, "https, http", "https"), (True, "gopher", "http"),
         (True, "", "http"), (False, "https", "http")],
    )  # fmt: skip
    def test_links_have_the_scheme_that_a_trusted_proxy_was_asked_by(
        self, server: Server, behind: Server, proxy: bool, said: str, scheme: str
    ) -> None:
        asked = behind if proxy else server
        named = {"X-Forwarded-Proto": said}
        answer = given(over_http(asked.url, calling("ask", question="볼륨?"), **named))
        host = asked.url.removeprefix("http")
        assert answer["passages"][0]["url"].startswith(f"{scheme}{host}/notes/docker#")

    def test_the_sites_that_may_ask(self, guarded: Server, key: str) -> None:
        asked = {
            "Origin": WIKI,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization, content-type, mcp-protocol-version",
        }
        preflight = httpx.options(f"{guarded.url}/mcp", headers=asked)
        response = posted(guarded, Origin=WIKI, Authorization=f"Bearer {key}")
        for each in (preflight, response):
            assert each.status_code == 200
            assert each.headers["access-control-allow-origin"] == WIKI


class TestHowOften:
    def test_each_call_of_a_tool_counts_as_one_question(self, guarded: Server, key: str) -> None:
        async def conversation(client: Client) -> list[types.CallToolResult]:
            calls = [
                ("ask", {"question": "볼륨?"}),
                ("search", {"query": "volume"}),
                ("fetch", {"id": "nothing"}),
                ("ask", {"question": " "}),
                ("fetch", {}),
                *[("search", {"query": "compose"})] * RATE,
            ]
            results = [await client.call_tool(*each) for each in calls]
            # It costs nothing to look what there is.
            assert (await client.list_tools()).tools
            return results

        results = over_http(guarded.url, conversation, Authorization=f"Bearer {key}")
        failed = [result.is_error for result in results]
        assert failed == [False, False, True, True, True, False, False, True, True, True]
        assert "At most 5 calls" in told(results[-1])
        assert "seconds" in told(results[-1])
        admin = Keys(guarded.data_dir).create(f"admin {key[-6:]}", ["admin"])
        metrics = httpx.get(f"{guarded.url}/metrics", headers={"X-API-Key": admin}).text
        assert "notes_limited_total 3.0" in metrics


class TestWhatIsNoCall:
    @pytest.mark.parametrize(
        ("tool", "arguments", "said"),
        [
            ("ask", {}, "`question`: Field required."),
            ("ask", {"question": " \t"}, "`question`: The question is empty."),
            ("ask", {"question": "a" * 2001}, "at most 2,000"),
            ("ask", {"question": ["a"]}, "`question`: Input should be a valid string."),
            ("ask", {"question": "a", "limit": 0}, "`limit`: Input should be greater than"),
            ("ask", {"question": "a", "limit": 21}, "less than or equal to 20"),
            ("ask", {"question": "a", "limit": "many"}, "`limit`: Input should be a valid integer"),
            ("ask", {"question": "a", "corpus": "x"}, "`corpus`: There is no such argument."),
            ("search", {"query": ""}, "`query`: The question is empty."),
            ("search", {"q": "volume"}, "`query`: Field required."),
            ("fetch", {"id": "default/docker#nothing"}, "unchanged"),
            ("fetch", {"id": ""}, "There is no section ''"),
            ("fetch", {"id": "x" * 10_000}, "search again"),
            ("fetch", {"id": 7}, "`id`: Input should be a valid string."),
        ],
    )
    def test_a_model_is_told_what_to_mend(
        self, server: Server, tool: str, arguments: dict[str, Any], said: str
    ) -> None:
        message = told(over_http(server.url, calling(tool, **arguments)))
        assert said in message
        assert len(message) < 500

    def test_hostile_words_are_words(self, server: Server) -> None:
        async def conversation(client: Client) -> list[tuple[str, types.CallToolResult]]:
            return [
                (text, await client.call_tool(tool, {argument: text}))
                for text in HOSTILE
                for tool, argument in (("ask", "question"), ("search", "query"), ("fetch", "id"))
            ]

        logged = len(server.log)
        for text, result in over_http(server.url, conversation):
            if result.is_error:
                assert "is empty" in told(result) or "There is no section" in told(result), text
            else:
                assert result.structured_content
        assert not any("Traceback" in line for line in server.log[logged:])

    @pytest.mark.parametrize(
        ("body", "status"),
        [
            (b"", 400),
            (b"{", 400),
            (b"null", 400),
            (b"[" * 10_000, 400),
            (b'{"a":' * 10_000, 400),
            (b"\xff\xfe", 400),
            (b'{"jsonrpc": "2.0", "id": 1, "id": 2, "method": "tools/list"}', 400),
            (b'{"jsonrpc": "2.0", "id": NaN, "method": "tools/list"}', 400),
            ([LIST, LIST], 400),
            ({"jsonrpc": "1.0", "id": 1, "method": "tools/list"}, 400),
            (LIST | {"method": "tools/nothing"}, 200),
            (LIST | {"method": "resources/list"}, 200),
            (call("ask") | {"params": {"name": "ask", "arguments": "볼륨"}}, 200),
            (call("ask") | {"params": {}}, 200),
            (b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"ask","arguments":'
             b'{"question":"\\ud800"}}}', 400),
        ],
    )  # fmt: skip
    def test_what_is_no_message_is_an_error(self, server: Server, body: Any, status: int) -> None:
        logged = len(server.log)
        response = posted(server, body)
        assert response.status_code == status, response.text
        found = response.json()
        assert found.get("error") or found["type"] == "/problems/invalid-json"
        assert not any("Traceback" in line for line in server.log[logged:])
        assert posted(server).json()["result"]["tools"]

    @pytest.mark.parametrize(
        ("tool", "arguments"),
        [
            ("ask", {"question": "\ud800"}),
            ("ask", {"question": "a", "\ud800": 1}),
            ("fetch", {"id": "\ud800"}),
            ("\ud800", {}),
        ],
    )
    def test_half_a_character_breaks_nothing(
        self, server: Server, tool: str, arguments: dict[str, str]
    ) -> None:
        name = "io.modelcontextprotocol/"
        asked = call(tool, **arguments)
        asked["params"]["_meta"] = {
            f"{name}protocolVersion": "2026-07-28",
            f"{name}clientInfo": {"name": "test", "version": "1"},
            f"{name}clientCapabilities": {},
        }
        logged = len(server.log)
        fields = {"MCP_Protocol_Version": "2026-07-28", "MCP_Method": "tools/call"}
        response = posted(
            server, asked, MCP_Name=tool.encode("ascii", "replace").decode(), **fields
        )
        assert response.status_code in (200, 400), response.text
        assert response.json().keys() & {"result", "error"}
        assert not any("Traceback" in line for line in server.log[logged:])

    def test_other_methods_bodies_and_sizes(self, server: Server) -> None:
        for method in ("GET", "HEAD", "DELETE", "PUT"):
            response = httpx.request(method, f"{server.url}/mcp", headers=BOTH)
            assert (response.status_code, response.headers["allow"]) == (405, "POST")
        response = posted(server, Content_Type="text/plain")
        assert_problem(response, 415, "unsupported-media-type")
        large = call("ask", question="a" * 300_000)
        assert_problem(posted(server, large), 413, "body-too-large")

    def test_json_is_given_unless_only_events_are_taken(self, server: Server) -> None:
        for accept, kind in (
            (BOTH["Accept"], "application/json"),
            ("*/*", "application/json"),
            ("application/json", "application/json"),
            ("text/event-stream", "text/event-stream"),
        ):
            response = posted(server, call("search", query="volume"), Accept=accept)
            assert response.status_code == 200
            assert response.headers["content-type"].startswith(kind)
            data = response.text.removeprefix("event: message\r\ndata: ")
            assert json.loads(data)["result"]["structuredContent"]["results"]
        assert posted(server, Accept="text/html").status_code == 406

    def test_notifications_are_taken_without_an_answer(self, server: Server) -> None:
        message = {"jsonrpc": "2.0", "method": "notifications/initialized"}
        response = posted(server, message)
        assert (response.status_code, response.content) == (202, b"")


def test_a_client_that_goes_away_leaves_nothing_behind(server: Server) -> None:
    async def impatient(client: Client) -> None:
        tasks = [
            asyncio.create_task(client.call_tool("ask", {"question": f"docker {number}"}))
            for number in range(20)
        ]
        await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    logged = len(server.log)
    over_http(server.url, impatient)
    assert given(over_http(server.url, calling("search", query="volume")))["results"]
    assert not any("Traceback" in line for line in server.log[logged:])
