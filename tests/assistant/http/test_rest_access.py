"""Who may do what, over HTTP: each rule, and what tries to get around it."""

import base64
import json
import re
import signal
import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from http_edge import QUESTION, assert_problem, client, copied, exactly, sent
from running import Server, free_port, notes
from running import server as run_server

from assistant.feedback.feedback_store import FILE
from assistant.serving.api_keys import Keys

EVERYWHERE = "0.0.0.0"  # noqa: S104
WIKI = "https://wiki.example.com"
JOIN = "/gradio_api/queue/join"
VOTE = {"answer_id": "0" * 32, "helpful": True}
OPEN = ["/health/live", "/health/ready", "/problems/", "/problems/not-found"]
READING = ["/", "/config", "/theme.css", "/gradio_api/info", "/notes", "/notes/", "/notes/docker",
           "/docs", "/openapi.json", "/api/v1/search?q=docker", "/api/v1/documents",
           "/api/v1/documents/docker/sections"]  # fmt: skip
ADMINS = ["/metrics", "/api/v1/gaps"]
CALLS: list[tuple[str, str, Any, str | None]] = [
    *(("GET", path, None, None) for path in OPEN),
    *(("GET", path, None, "ask") for path in READING),
    ("POST", "/api/v1/ask", QUESTION, "ask"),
    ("POST", "/api/v1/ask/batch", {"questions": ["docker"]}, "ask"),
    ("POST", JOIN, {}, "ask"),
    ("POST", "/api/v1/feedback", VOTE, "feedback"),
    *(("GET", path, None, "admin") for path in ADMINS),
    ("DELETE", "/api/v1/documents", None, "admin"),
    ("PUT", "/api/v1/feedback", VOTE, "admin"),
]
GRADIO = ["/gradio_api/upload", "/gradio_api/upload_progress?upload_id=1", "/gradio_api/call/ask",
          "/gradio_api/run/ask", "/gradio_api/run/predict", "/gradio_api/predict", "/upload",
          "/run/predict", "/api/predict", "/gradio_api/file=/etc/passwd", "/file=/etc/passwd",
          "/gradio_api/file/etc/passwd", "/gradio_api/proxy=http://127.0.0.1:1/", "/login",
          "/gradio_api/stream/a/b/c", "/gradio_api/reset", "/gradio_api/component_server",
          "/gradio_api/queue/status", "/gradio_api/cancel", "/monitoring", "/logout", "/token",
          "/gradio_api/deep_link", "/custom_component/x/y/z/w", "/gradio_api/mcp/sse",
          "/gradio_api/login_check", "/dev/reload", "/gradio_api/vibe-code/"]  # fmt: skip


@pytest.fixture(scope="module")
def guarded(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return a server for holders of keys, without a limit, which others reach by one name."""
    data_dir = copied(server, tmp_path_factory.mktemp("guarded"))
    Keys(data_dir).create("first", ["ask"])
    options = ("--host", EVERYWHERE, "--rate-limit", "0", "--allowed-hosts", "notes.example.com")
    with run_server(data_dir, *options, "--log-questions") as running:
        yield running


@pytest.fixture(scope="module")
def public(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return a server for anyone, which a proxy shows below a path, and a wiki may ask."""
    data_dir = copied(server, tmp_path_factory.mktemp("public"))
    options = ("--public", "--host", EVERYWHERE, "--cors-origins", WIKI)
    with run_server(data_dir, *options, "--root-path", "/assistant") as running:
        yield running


@pytest.fixture(scope="module")
def keys(guarded: Server) -> dict[str, str]:
    kept = Keys(guarded.data_dir)
    found = {scope: kept.create(scope, [scope]) for scope in ("ask", "feedback", "admin")}
    found["revoked"] = kept.create("gone", ["admin"])
    kept.revoke("gone")
    return found


def call(server: Server, method: str, path: str, body: Any, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    with client(server) as opened:
        return opened.request(method, path, json=body, headers=named)


class TestOnThisMachine:
    @pytest.mark.parametrize(("method", "path", "body", "scope"), CALLS)
    def test_nothing_needs_a_key(
        self, server: Server, method: str, path: str, body: Any, scope: str | None
    ) -> None:
        assert call(server, method, path, body).status_code not in (401, 403, 429)

    @pytest.mark.parametrize(("method", "path", "body", "scope"), CALLS)
    def test_a_foreign_name_reaches_nothing(
        self, server: Server, method: str, path: str, body: Any, scope: str | None
    ) -> None:
        for host in ("evil.com", "localhost.evil.com", "127.0.0.1.nip.io:7860", "0.0.0.0", ""):  # noqa: S104
            response = call(server, method, path, body, Host=host)
            assert_problem(response, 421, "misdirected-request")

    @pytest.mark.parametrize("path", [*READING, *OPEN])
    def test_no_name_or_two_reach_nothing_either(self, server: Server, path: str) -> None:
        for head in (
            f"GET {path} HTTP/1.0\r\n\r\n",
            f"GET {path} HTTP/1.0\r\nX-Forwarded-Host: localhost\r\n\r\n",
            f"GET {path} HTTP/1.0\r\nHost: evil.com\r\nX-Forwarded-Host: localhost\r\n\r\n",
        ):
            assert sent(server, head.encode()).startswith(b"HTTP/1.1 421")
        two = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nHost: evil.com\r\nConnection: close\r\n"
        assert sent(server, f"{two}\r\n".encode()).split()[1] in (b"400", b"421")

    @pytest.mark.parametrize("host", ["localhost", "localhost:1", "notes.localhost", "[::1]:7860"])
    def test_local_names_reach_it(self, server: Server, host: str) -> None:
        assert call(server, "GET", "/health/live", None, Host=host).status_code == 200

    @pytest.mark.parametrize("path", GRADIO)
    def test_what_the_chat_does_not_need_of_gradio_is_not_there(
        self, server: Server, path: str
    ) -> None:
        for method in ("GET", "POST", "OPTIONS"):
            response = call(server, method, path, {} if method == "POST" else None)
            assert_problem(response, 404, "not-found")

    def test_nothing_can_be_uploaded(self, server: Server) -> None:
        with client(server) as opened:
            for path in ("/gradio_api/upload", "/upload", "/gradio_api/upload/", "//upload"):
                response = opened.post(server.url + path, files={"files": ("a.txt", b"a")})
                assert response.status_code == 404

    def test_no_other_site_may_read(self, server: Server) -> None:
        for origin in ("https://evil.com", "http://localhost:3000", "null"):
            for path in [*READING, "/gradio_api/queue/data"]:
                for host in ("localhost", "127.0.0.1"):
                    response = call(server, "HEAD", path, None, Origin=origin, Host=host)
                    assert not allowing(response)
            for path in ("/api/v1/ask", JOIN, "/config"):
                asked = {"Access_Control_Request_Method": "POST", "Origin": origin}
                assert not allowing(call(server, "OPTIONS", path, None, **asked))


def allowing(response: httpx.Response) -> list[str]:
    return [name for name in response.headers if name.startswith("access-control-")]


class TestStarting:
    def test_reached_by_others_it_needs_keys_or_public(self, tmp_path: Path) -> None:
        for host in (EVERYWHERE, "::"):
            done = notes(tmp_path, "serve", "--host", host, "--port", str(free_port()))
            assert done.returncode == 2
            assert "notes keys create" in done.stderr
            assert "notes serve --public" in done.stderr
            assert "Traceback" not in done.stderr

    def test_a_revoked_key_is_none(self, tmp_path: Path) -> None:
        Keys(tmp_path).create("gone", ["admin"])
        Keys(tmp_path).revoke("gone")
        done = notes(tmp_path, "serve", NOTES_HOST=EVERYWHERE, NOTES_PORT=str(free_port()))
        assert done.returncode == 2

    def test_a_rate_or_a_redis_that_cannot_be(self, server: Server, tmp_path: Path) -> None:
        data_dir = copied(server, tmp_path)
        for name, value in (("rate-limit", "5"), ("rate-limit", "5/week"), ("redis-url", "x://")):
            options = ("--rate-limit", "5/minute", f"--{name}", value)
            done = notes(data_dir, "serve", "--port", str(free_port()), *options)
            assert done.returncode == 2
            assert f"NOTES_{name.replace('-', '_').upper()} is" in done.stderr
            assert "Traceback" not in done.stderr


class TestWithKeys:
    @pytest.mark.parametrize(("method", "path", "body", "scope"), CALLS)
    def test_each_call_needs_its_scope(
        self,
        guarded: Server,
        keys: dict[str, str],
        method: str,
        path: str,
        body: Any,
        scope: str | None,
    ) -> None:
        for has, key in keys.items():
            response = call(guarded, method, path, body, X_API_Key=key)
            if scope is None or has in (scope, "admin"):
                assert response.status_code not in (401, 403), has
            elif has == "revoked":
                assert_problem(response, 401, "unauthorized")
            else:
                problem = assert_problem(response, 403, "forbidden")
                assert f"`{scope}`" in str(problem["detail"])
        nobody = call(guarded, method, path, body)
        if scope:
            assert_problem(nobody, 401, "unauthorized")
            assert nobody.headers["www-authenticate"].startswith(
                "Bearer" if path.startswith(("/api/", "/metrics")) else "Basic"
            )

    def test_a_hundred_bad_keys(self, guarded: Server, keys: dict[str, str]) -> None:
        good = keys["admin"]
        bad = [f"{good}x", good[:-1], good.upper(), f"{good} {good}", "notes_", "' OR 1=1 --",
               good[::-1], "x" * 5000, "null", "Bearer"]  # fmt: skip
        with client(guarded) as opened:
            for number in range(100):
                key = bad[number % len(bad)] + "=" * (number // len(bad))
                name, value = (
                    ("X-API-Key", key) if number % 2 else ("Authorization", f"Bearer {key}")
                )
                response = opened.get("/api/v1/documents", headers={name: value})
                assert_problem(response, 401, "unauthorized")
            assert opened.get("/api/v1/documents", headers={"X-API-Key": good}).status_code == 200

    def test_a_browser_opens_the_chat_with_its_own_prompt(
        self, guarded: Server, keys: dict[str, str]
    ) -> None:
        typed = base64.b64encode(f"anyone:{keys['ask']}".encode()).decode()
        assert call(guarded, "GET", "/", None, Authorization=f"Basic {typed}").status_code == 200

    def test_a_revoked_key_is_refused_at_once(self, guarded: Server) -> None:
        kept = Keys(guarded.data_dir)
        key = kept.create("short", ["ask"])
        for _ in range(3):
            assert call(guarded, "POST", "/api/v1/ask", QUESTION, X_API_Key=key).status_code == 200
        kept.revoke("short")
        response = call(guarded, "POST", "/api/v1/ask", QUESTION, X_API_Key=key)
        assert_problem(response, 401, "unauthorized")

    def test_names_are_checked_where_they_are_set(
        self, guarded: Server, keys: dict[str, str]
    ) -> None:
        for host, status in (("notes.example.com", 200), ("notes.example.com:8", 200),
                             ("localhost", 200), ("evil.com", 421)):  # fmt: skip
            response = call(guarded, "GET", "/", None, Host=host, X_API_Key=keys["ask"])
            assert response.status_code == status

    def test_a_key_in_the_query_is_none(self, guarded: Server, keys: dict[str, str]) -> None:
        for name in ("key", "api_key", "X-API-Key", "access_token"):
            path = f"/api/v1/documents?{name}={keys['admin']}"
            assert call(guarded, "GET", path, None).status_code == 401
        assert not any(keys["admin"] in line for line in guarded.log)


class TestPublic:
    @pytest.mark.parametrize(("method", "path", "body", "scope"), CALLS)
    def test_asking_is_open_and_what_is_an_admins_is_closed(
        self, public: Server, method: str, path: str, body: Any, scope: str | None
    ) -> None:
        response = call(public, method, path, body)
        if scope == "admin":
            assert_problem(response, 401, "unauthorized")
        else:
            assert response.status_code not in (401, 403, 421)

    def test_only_an_admins_key_opens_it(self, public: Server) -> None:
        kept = Keys(public.data_dir)
        reader, admin = kept.create("r", ["ask", "feedback"]), kept.create("a", ["admin"])
        for path in ADMINS:
            assert_problem(call(public, "GET", path, None, X_API_Key=reader), 403, "forbidden")
            assert call(public, "GET", path, None, X_API_Key=admin).status_code == 200

    @pytest.mark.parametrize("closed", ADMINS)
    def test_no_spelling_opens_it(self, public: Server, closed: str) -> None:
        spelt = [
            closed + "/", closed + "//", "/" + closed, closed.upper(), closed + "%00",
            closed + ";x", closed + "?x", closed + "#x", "/notes/.." + closed,
            "/notes/%2e%2e" + closed, closed.replace("/", "%2f"), "/\\" + closed[1:],
            "/assistant" + closed, "/assistant/assistant" + closed, "/assistant/" + closed,
            "/assistant/assistant/assistant" + closed, "/assistant%2f" + closed[1:],
            closed.replace("m", "%6d").replace("g", "%67"),
            closed.replace("m", "%256d").replace("g", "%2567"), "/." + closed,
            "/health/live/.." + closed, f"{public.url}{closed}",
        ]  # fmt: skip
        for path in spelt:
            for method in ("GET", "HEAD", "POST"):
                status, _, text = exactly(public, method, path)
                assert status in (400, 401, 403, 404, 405, 415), path
                assert "notes_request" not in text
                assert '"gaps"' not in text

    def test_below_its_root_path(self, public: Server) -> None:
        for prefix in ("", "/assistant"):
            spec = call(public, "GET", f"{prefix}/openapi.json", None).json()
            assert spec["servers"] == [{"url": "/assistant"}]
            page = call(public, "GET", f"{prefix}/docs", None).text
            assert "/assistant/openapi.json" in page
            for file in re.findall(r'(?:src|href)="(/[^"]+\.(?:js|css))"', page):
                assert file.startswith("/assistant/")
                assert call(public, "GET", file, None).status_code == 200
                stripped = file.removeprefix("/assistant")
                assert call(public, "GET", stripped, None).status_code == 200
            config = call(public, "GET", f"{prefix}/config", None).json()
            assert config["root"].endswith("/assistant")
            assert call(public, "GET", f"{prefix}/", None).status_code == 200
            assert call(public, "POST", f"{prefix}/api/v1/ask", QUESTION).status_code == 200
            moved = call(public, "GET", f"{prefix}/notes", None)
            assert moved.headers["location"] == "/assistant/notes/"
        assert call(public, "GET", "/assistantx/health/live", None).status_code == 404

    def test_what_it_says_leads_below_its_root_path(self, public: Server) -> None:
        answer = call(public, "POST", "/api/v1/ask", QUESTION).json()
        assert answer["passages"][0]["url"].startswith("/assistant/notes/docker#")
        for path in ("/api/v1/nothing", "/metrics"):
            kind = call(public, "GET", path, None).json()["type"]
            assert kind.startswith("/assistant/problems/")
            assert call(public, "GET", kind, None).status_code == 200
        page = call(public, "GET", "/", None).text
        (manifest,) = re.findall(r'<link rel="manifest" href="([^"]+)"', page)
        assert manifest == "/assistant/manifest.json"
        assert call(public, "GET", manifest, None).json()["start_url"] == "./"
        welcome = call(public, "GET", "/config", None).text
        assert "/assistant/notes/docker#" in welcome
        assert '"/notes/docker#' not in welcome

    def test_no_redirection_leaves_the_scheme_or_asks_to_post_again(self, public: Server) -> None:
        for path in ("/api/v1/ask/", "/assistant/api/v1/ask/"):
            assert call(public, "POST", path, QUESTION).status_code == 200
        moved = call(public, "GET", "/assistant/docs/", None)
        assert moved.headers["location"] == "/assistant/docs"


class TestOtherSites:
    def test_a_page_of_a_named_site_may_ask(self, public: Server) -> None:
        asked = {"Origin": WIKI, "Access_Control_Request_Method": "POST"}
        asked["Access_Control_Request_Headers"] = "content-type, x-api-key"
        preflight = call(public, "OPTIONS", "/api/v1/ask", None, **asked)
        assert preflight.status_code == 200
        assert preflight.headers["access-control-allow-origin"] == WIKI
        assert "x-request-id" in preflight.headers
        sites = {"Origin": WIKI, "Sec_Fetch_Site": "cross-site"}
        for body in (QUESTION, {}):
            response = call(public, "POST", "/api/v1/ask", body, **sites)
            assert response.status_code == (200 if body else 422)
            assert response.headers["access-control-allow-origin"] == WIKI
            assert "origin" in response.headers["vary"].lower()
            assert "RateLimit-Reset" in response.headers["access-control-expose-headers"]
            assert "access-control-allow-credentials" not in response.headers
        refused = call(public, "GET", "/metrics", None, Origin=WIKI)
        assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (401, WIKI)

    @pytest.mark.parametrize(
        "origin",
        ["https://evil.com", "http://wiki.example.com", f"{WIKI}:8443", f"{WIKI}.evil.com",
         "https://evil-wiki.example.com", "null", "https://WIKI.example.com"],
    )  # fmt: skip
    def test_no_other_site_may(self, public: Server, origin: str) -> None:
        asked = {"Origin": origin, "Access_Control_Request_Method": "POST"}
        preflight = call(public, "OPTIONS", "/api/v1/ask", None, **asked)
        assert_problem(preflight, 403, "forbidden")
        assert "access-control-allow-origin" not in preflight.headers
        for path in READING:
            response = call(public, "GET", path, None, Origin=origin)
            assert "access-control-allow-origin" not in response.headers

    @pytest.mark.parametrize("path", ["/api/v1/ask", "/api/v1/feedback", JOIN, "/"])
    @pytest.mark.parametrize(
        ("headers", "foreign"),
        [
            ({"Sec_Fetch_Site": "cross-site"}, True),
            ({"Sec_Fetch_Site": "cross-site", "Origin": "https://evil.com"}, True),
            ({"Sec_Fetch_Site": "cross-site", "Origin": "http://127.0.0.1"}, True),
            ({"Origin": "https://evil.com"}, True),
            ({"Origin": "null"}, True),
            ({"Origin": "http://[", "Host": "127.0.0.1"}, True),
            ({"Origin": "http://localhost:3000", "Host": "localhost:7860"}, True),
            ({"Origin": "http://localhost:7860", "Host": "localhost:7860"}, False),
            ({"Sec_Fetch_Site": "same-origin"}, False),
            ({"Sec_Fetch_Site": "none"}, False),
            ({}, False),
        ],
    )
    def test_nothing_is_changed_from_another_site(
        self, server: Server, path: str, headers: dict[str, str], foreign: bool
    ) -> None:
        response = call(server, "POST", path, {}, **headers)
        assert (response.status_code == 403) == foreign
        if foreign:
            assert_problem(response, 403, "forbidden")

    def test_a_link_from_another_site_is_followed(self, server: Server) -> None:
        for path in READING:
            assert call(server, "GET", path, None, Sec_Fetch_Site="cross-site").is_success or (
                path == "/notes"
            )


class TestRequestIds:
    def test_the_one_given_comes_back_and_is_logged(self, server: Server) -> None:
        for path, given in (("/health/live", "A-b_c.1"), ("/nothing", "x" * 64), ("/", "7")):
            response = call(server, "GET", path, None, X_Request_ID=given)
            assert response.headers["x-request-id"] == given
            assert logged(server, given)["path"] == path

    def test_without_one_it_is_new_on_every_response(self, server: Server) -> None:
        seen = set()
        for method, path, body, _ in CALLS:
            for host in ("localhost", "evil.com"):
                response = call(server, method, path, body, Host=host)
                given = response.headers["x-request-id"]
                assert re.fullmatch(r"[0-9a-f]{32}", given)
                seen.add(given)
        assert len(seen) == 2 * len(CALLS)

    def test_an_answer_is_logged_with_it(self, server: Server) -> None:
        call(server, "POST", "/api/v1/ask", QUESTION, X_Request_ID="the-answer")
        assert logged(server, "the-answer", "answered")["grade"]


def logged(server: Server, request: str, event: str = "request") -> dict[str, Any]:
    """Return the line of the log about a request; every line is JSON."""
    for _ in range(100):
        for line in list(server.log):
            if not line.startswith("API: "):
                found: dict[str, Any] = json.loads(line)
                if (found.get("request"), found["event"]) == (request, event):
                    return found
        time.sleep(0.05)
    raise AssertionError(f"{request} is not in the log")


class TestQuestionsInTheLog:
    def asked(self, server: Server, word: str, **headers: str) -> None:
        """Ask with a word wherever a question may stand, in good and bad requests."""
        for method, path, body in (
            ("GET", f"/?q={word}", None),
            ("GET", f"/?about={word}", None),
            ("GET", f"/api/v1/search?q={word}", None),
            ("GET", f"/api/v1/search?q={word}&limit=0", None),
            ("GET", f"/notes/docker?q={word}", None),
            ("POST", "/api/v1/ask", {"question": f"What is {word}?", "history": [word]}),
            ("POST", "/api/v1/ask", {"question": word, "limit": 0}),
            ("POST", "/api/v1/ask", {word: word}),
            ("POST", "/api/v1/ask/batch", {"questions": [word, "docker"]}),
            ("POST", "/api/v1/feedback", VOTE | {"comment": word}),
            ("POST", JOIN, {"data": [word], "session_hash": word}),
        ):
            call(server, method, path, body, **headers)
        self.chatted(server, word, **headers)
        call(server, "GET", "/health/live", None, X_Request_ID=f"after-{word}")
        logged(server, f"after-{word}")

    def chatted(self, server: Server, word: str, **headers: str) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        with client(server) as opened:
            config = opened.get("/config", headers=named).json()
            asks = next(each for each in config["dependencies"] if each["api_name"] == "ask")
            data = [word] + [None] * (len(asks["inputs"]) - 1)
            body = {"data": data, "fn_index": asks["id"], "session_hash": "s", "trigger_id": None}
            assert opened.post(JOIN, json=body, headers=named).status_code == 200
            path = "/gradio_api/queue/data?session_hash=s"
            with opened.stream("GET", path, headers=named) as stream:
                said = "".join(line for line in stream.iter_lines())
        assert '"success":true' in said.replace(" ", "")

    def test_they_stand_in_no_line(self, server: Server) -> None:
        self.asked(server, "zebrawordhidden")
        lines = [line for line in server.log if "after-" not in line]
        assert not any("zebraword" in line for line in lines)

    def test_unless_that_is_asked_for(self, guarded: Server, keys: dict[str, str]) -> None:
        self.asked(guarded, "zebrawordshown", X_API_Key=keys["admin"])
        answered = [line for line in guarded.log if '"answered"' in line]
        assert any("What is zebrawordshown?" in line for line in answered)
        requests = [line for line in guarded.log if '"request"' in line and "after-" not in line]
        assert not any("zebraword" in line for line in requests if '"answered"' not in line)


def test_a_signal_ends_it_once_running_questions_are_answered(
    server: Server, tmp_path: Path
) -> None:
    data_dir = copied(server, tmp_path)
    questions = [f"Where does volume number {number} keep what I write?" for number in range(64)]
    with run_server(data_dir) as ending, ThreadPoolExecutor(1) as pool:
        asked = pool.submit(
            call, ending, "POST", "/api/v1/ask/batch", {"questions": questions, "limit": 1}
        )
        while "notes_questions_running 1.0" not in call(ending, "GET", "/metrics", None).text:
            assert not asked.done()
        ending.process.send_signal(signal.SIGTERM)
        answers = asked.result().json()["answers"]
        assert [answer["query"] for answer in answers] == questions
        assert ending.process.wait(30) == 0
    with closing(sqlite3.connect(data_dir / FILE)) as database:
        assert database.execute("SELECT count(*) FROM answers").fetchone() == (64,)
