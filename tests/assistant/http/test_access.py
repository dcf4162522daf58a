"""Who may do what: each line of the rules, and the attempts to get around it."""

import base64
from collections.abc import Sequence
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.http.access import (
    Mode,
    allowed_host,
    client_address,
    is_loopback,
    is_preflight,
    limit_key,
    presented_key,
    required_scope,
)
from assistant.serving.api_keys import SCOPES

KEY = "notes_0123abcd_" + "aB3_-" * 8 + "xyz"
GUARDED: list[Mode] = ["keys", "public"]
headers = st.lists(
    st.tuples(
        st.sampled_from([b"authorization", b"X-API-Key", b"x-forwarded-for", b"origin"])
        | st.binary(max_size=20),
        st.binary(max_size=60)
        | st.from_regex(rb"(Bearer|Basic) [A-Za-z0-9+/_=-]{0,30}")
        | st.from_regex(rb"[0-9a-f:.\[\], ]{0,40}"),
    ),
    max_size=5,
)


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "localhost:7860",
        "LocalHost",
        "localhost.",
        "localhost.:80",
        "notes.localhost",
        "a.b.localhost:1",
        "127.0.0.1",
        "127.0.0.1:7860",
        "127.255.1.2",
        "[::1]",
        "[::1]:7860",
        "[0:0:0:0:0:0:0:1]",
        "[::ffff:127.0.0.1]",
    ],
)
def test_local_names_are_allowed(host: str) -> None:
    assert allowed_host(host, [])


@pytest.mark.parametrize(
    "host",
    [
        "",
        " ",
        ".",
        ":80",
        "localhost:",
        "localhost:x",
        "localhost:99999",
        "localhost:80:80",
        "localhost..",
        ".localhost",
        "a..localhost",
        " localhost",
        "localhost ",
        "localhost\n",
        "localhost\x00",
        "localhost/",
        "localhost,evil.com",
        "user@localhost",
        "localhost@evil.com",
        "evil.com#localhost",
        "localhost%2eevil.com",
        "evil.com",
        "localhost.evil.com",
        "evillocalhost",
        "127.0.0.1.nip.io",
        "127.0.0.1.evil.com",
        "127.0.0.1@evil.com",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "127.1",
        "0177.0.0.1",
        "127.0.0.01",
        "127.0.0.1.1",
        "127.0.0.256",
        "0.0.0.0",  # noqa: S104
        "192.168.0.5",
        "::1",
        "::1:80",
        "[::1",
        "::1]",
        "[::1]x",
        "[::2]",
        "[::]",
        "[::1%25lo]",
        "[127.0.0.1]",
        "[localhost]",
        "[]",
        "\uff11\uff12\uff17.0.0.1",
        "ⅼocalhost",
        "xn--localhost-",
    ],
)
def test_other_names_are_refused(host: str) -> None:
    assert not allowed_host(host, [])
    if host != "evil.com":
        assert not allowed_host(host, ["evil.com", "example.org:80"])


@pytest.mark.parametrize(
    ("host", "entry", "allowed"),
    [
        ("notes.example.com", "notes.example.com", True),
        ("NOTES.example.com.:8080", "notes.EXAMPLE.com", True),
        ("notes.example.com:8080", "notes.example.com:8080", True),
        ("notes.example.com:8081", "notes.example.com:8080", False),
        ("notes.example.com", "notes.example.com:8080", False),
        ("evil-notes.example.com", "notes.example.com", False),
        ("notes.example.com.evil.com", "notes.example.com", False),
        ("a.example.com", "*.example.com", True),
        ("a.b.example.com:1", "*.example.com", True),
        ("a.example.com:1", "*.example.com:2", False),
        ("example.com", "*.example.com", False),
        ("evilexample.com", "*.example.com", False),
        ("a.example.com.evil.com", "*.example.com", False),
        ("evil.com", "*", True),
        ("", "*", False),
        ("user@evil.com", "*", False),
        ("evil.com", "", False),
        ("evil.com", "*.", False),
        ("evil.com", "*.com.", True),
        ("evil.com", "*evil.com", False),
        ("xn--hu1b83js2k.kr", "xn--hu1b83js2k.kr", True),
        ("xn--hu1b83js2k.kr", "노트.kr", False),
        ("192.168.0.5:7860", "192.168.0.5", True),
        ("[fd00:0::5]:7860", "[fd00::5]", True),
        ("[fd00::6]", "[fd00::5]", False),
        ("notes_web:7860", "notes_web", True),
    ],
)
def test_hosts_of_the_settings(host: str, entry: str, allowed: bool) -> None:
    assert allowed_host(host, ["other.example.org", entry]) is allowed


@pytest.mark.parametrize(
    ("address", "local"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("0:0:0:0:0:0:0:1", True),
        ("::ffff:127.0.0.1", True),
        ("localhost", True),
        ("LOCALHOST", True),
        ("notes.localhost", True),
        ("", False),
        ("0.0.0.0", False),  # noqa: S104
        ("::", False),
        ("::ffff:0.0.0.0", False),
        ("192.168.0.5", False),
        ("10.0.0.1", False),
        ("fe80::1", False),
        ("example.com", False),
        ("localhost.evil.com", False),
        ("127.1", False),
        ("0", False),
        ("localhost:80", False),
        (" 127.0.0.1", False),
    ],
)
def test_only_loopback_is_bound_to_this_machine(address: str, local: bool) -> None:
    assert is_loopback(address) is local


PAGES = ["/", "/notes/", "/notes/guide/install", "/gradio_api/queue/join", "/widget.js", "/docs"]
PAGES += ["/openapi.json", "/mcp", "/static-offline-docs/x.js", "/theme.css", "/nothing"]
READS = ["/api/v1/search", "/api/v1/documents", "/api/v1/documents/guide/install/sections"]
ASKING = ["/api/v1/ask", "/api/v1/ask/batch"]
OPEN = ["/health/live", "/health/ready", "/slack/events", "/problems/invalid-request"]


@pytest.mark.parametrize("path", [*PAGES, *READS, *ASKING, *OPEN, "/metrics", "/api/v1/gaps"])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_on_loopback_nothing_needs_a_key(method: str, path: str) -> None:
    assert required_scope(method, path, "local") is None


@pytest.mark.parametrize("path", [*PAGES, *READS])
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_with_keys_reading_needs_ask_and_in_public_nothing(method: str, path: str) -> None:
    assert required_scope(method, path, "keys") == "ask"
    assert required_scope(method, path, "public") is None


@pytest.mark.parametrize("path", [*ASKING, "/gradio_api/queue/join", "/mcp"])
def test_with_keys_asking_needs_ask_and_in_public_nothing(path: str) -> None:
    assert required_scope("POST", path, "keys") == "ask"
    assert required_scope("POST", path, "public") is None


@pytest.mark.parametrize("path", ["/api/v1/feedback", "/api/v1/feedback/", "//API/v1/feedback"])
def test_feedback_has_a_scope_of_its_own(path: str) -> None:
    assert required_scope("POST", path, "keys") == "feedback"
    assert required_scope("POST", path, "public") is None


@pytest.mark.parametrize("path", OPEN)
@pytest.mark.parametrize("mode", get_args(Mode))
def test_probes_problems_and_slack_are_open(path: str, mode: Mode) -> None:
    assert required_scope("GET", path, mode) is None
    assert required_scope("POST", path, mode) is None


@pytest.mark.parametrize(
    "path",
    [
        "//health/live",
        "/health/live/",
        "/health/live\n",
        "/Health/Live",
        "/health/live/../../api/v1/ask",
        "/health/%6cive",
        "/health",
        "/health/lively",
        "/slack/events/x",
        "/slack",
        "/problems",
        "/problems/a/b",
        "/problems//notes",
        "/problems/..",
        "health/live",
        "",
    ],
)
def test_what_only_looks_open_is_closed(path: str) -> None:
    assert required_scope("GET", path, "keys") in ("ask", "admin")


@pytest.mark.parametrize("closed", ["/metrics", "/api/v1/gaps"])
@pytest.mark.parametrize(
    "spelt",
    [
        "{}",
        "{}/",
        "{}//",
        "/{}",
        "//{}",
        "\\{}",
        "{}?x",
        "{};x",
        "{}/x",
        "{}.json",
        "{} ",
        "{}\x00",
        "/.{}",
        "/x/..{}",
        "/health/live/../..{}",
        "{}/../../../health/live",
        "/%2e%2e{}",
        "{}%2f",
        "/notes/%2e%2e{}",
    ],
)
@pytest.mark.parametrize("mode", GUARDED)
def test_no_spelling_opens_what_is_an_admins(closed: str, spelt: str, mode: Mode) -> None:
    for path in (spelt.format(closed), spelt.format(closed.upper())):
        for method in ("GET", "HEAD", "OPTIONS", "POST", "get", ""):
            assert required_scope(method, path, mode) == "admin", (method, path)


@pytest.mark.parametrize(
    "path",
    [
        "/API/v1/gaps",
        "/api//v1/gaps",
        "/api/./v1/gaps",
        "/api/v1/../v1/gaps",
        "/api\\v1\\gaps",
        "/api/v1/%67aps",
        "/api%2Fv1%2fgaps",
        "api/v1/gaps",
        "metrics",
        "/%6Detrics",
    ],
)
@pytest.mark.parametrize("mode", GUARDED)
def test_other_spellings_open_nothing_either(path: str, mode: Mode) -> None:
    assert required_scope("GET", path, mode) == "admin"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("DELETE", "/api/v1/feedback"),
        ("PUT", "/api/v1/documents/docker"),
        ("PATCH", "/api/v1/ask"),
        ("POST", "/api/v1/documents"),
        ("POST", "/api/v1/ask/all"),
        ("POST", "/api/v2/rebuild"),
        ("post", "//API/v1/rebuild"),
        ("TRACE", "/api/v1/search"),
        ("", "/api/v1/search"),
    ],
)
@pytest.mark.parametrize("mode", GUARDED)
def test_what_changes_something_is_an_admins(method: str, path: str, mode: Mode) -> None:
    assert required_scope(method, path, mode) == "admin"


@given(st.text(max_size=8), st.text() | st.text("/.%aA2eEfmtricsgp\\", max_size=30))
def test_any_request_needs_something_known(method: str, path: str) -> None:
    for mode in get_args(Mode):
        assert required_scope(method, path, mode) in (None, *SCOPES)


def test_only_a_browsers_question_before_the_request_is_a_preflight() -> None:
    asks = [(b"Origin", b"https://wiki.example"), (b"access-control-request-method", b"POST")]
    assert is_preflight("OPTIONS", asks)
    assert not is_preflight("OPTIONS", asks[:1])
    assert not is_preflight("OPTIONS", asks[1:])
    assert not is_preflight("POST", asks)


def basic(user: str, password: str) -> bytes:
    return b"Basic " + base64.b64encode(f"{user}:{password}".encode())


@pytest.mark.parametrize(
    "value",
    [
        f"Bearer {KEY}".encode(),
        f"bearer   {KEY}".encode(),
        f" BEARER {KEY} ".encode(),
        basic("", KEY),
        basic("봇", KEY),
        basic("notes", KEY).replace(b"Basic", b"basic"),
    ],
)
def test_a_key_is_presented_by_authorization(value: bytes) -> None:
    assert presented_key([(b"host", b"x"), (b"authorization", value)]) == KEY
    assert presented_key([(b"Authorization", value), (b"authorization", value)]) == KEY


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"Bearer",
        b"Bearer ",
        b"Bearer\t" + KEY.encode(),
        KEY.encode(),
        f"Bearer {KEY}, Bearer {KEY}".encode(),
        f"Bearer {KEY} x".encode(),
        f"Bearer {KEY}\n".encode(),
        b"Bearer \xff",
        f"Token {KEY}".encode(),
        f"BearerX {KEY}".encode(),
        f"Basic {KEY}".encode(),
        b"Basic =",
        b"Basic " + base64.b64encode(KEY.encode()),
        b"Basic " + base64.b64encode(f"{KEY}:".encode()),
        b"Basic " + base64.b64encode(b"user:\xff\xfe"),
        basic("user", f"{KEY} "),
        basic("user", f"x:{KEY}"),
    ],
)
def test_a_malformed_authorization_presents_nothing(value: bytes) -> None:
    assert presented_key([(b"authorization", value)]) is None


def test_a_key_has_a_header_of_its_own() -> None:
    own = (b"X-API-Key", f" {KEY} ".encode())
    assert presented_key([own]) == KEY
    assert presented_key([own, own]) == KEY
    assert presented_key([(b"authorization", basic("proxy", "password")), own]) == KEY
    assert presented_key([(b"x-api-key", b"two words"), (b"authorization", b"Bearer x")]) is None
    assert presented_key([]) is None


def test_two_keys_that_differ_are_none() -> None:
    bearer = (b"authorization", f"Bearer {KEY}".encode())
    own = (b"x-api-key", KEY.encode())
    assert presented_key([bearer, (b"Authorization", b"Bearer other")]) is None
    assert presented_key([own, (b"X-Api-Key", b"other")]) is None
    assert presented_key([own, bearer, (b"authorization", b"Bearer other")]) is None


@pytest.mark.parametrize(
    ("peer", "forwarded", "trusted", "client"),
    [
        ("203.0.113.9", [], [], "203.0.113.9"),
        ("203.0.113.9", ["198.51.100.1"], [], "203.0.113.9"),
        ("203.0.113.9", ["198.51.100.1"], ["10.0.0.0/8"], "203.0.113.9"),
        ("10.0.0.1", [], ["10.0.0.1"], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.1"], ["10.0.0.1"], "198.51.100.1"),
        ("10.0.0.1", ["1.1.1.1, 198.51.100.1"], ["10.0.0.0/8"], "198.51.100.1"),
        ("10.0.0.1", ["1.1.1.1, 198.51.100.1,10.0.0.2"], ["10.0.0.0/8"], "198.51.100.1"),
        ("10.0.0.1", ["1.1.1.1", "198.51.100.1", "10.0.0.2"], ["10.0.0.9/8"], "198.51.100.1"),
        ("10.0.0.1", ["10.0.0.3, 10.0.0.2"], ["10.0.0.0/8"], "10.0.0.3"),
        ("10.0.0.1", ["junk, 198.51.100.1"], ["10.0.0.0/8"], "198.51.100.1"),
        ("10.0.0.1", ["198.51.100.1, junk"], ["10.0.0.0/8"], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.1, junk, 10.0.0.2"], ["10.0.0.0/8"], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.1,"], ["10.0.0.0/8"], "10.0.0.1"),
        ("10.0.0.1", [""], ["10.0.0.0/8"], "10.0.0.1"),
        ("10.0.0.1", ["localhost"], ["10.0.0.0/8"], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.1:4711"], ["10.0.0.0/8"], "198.51.100.1"),
        ("10.0.0.1", ["[2001:DB8::1]:4711"], ["10.0.0.0/8"], "2001:db8::1"),
        ("10.0.0.1", ["2001:db8::1"], ["10.0.0.0/8"], "2001:db8::1"),
        ("::1", ["198.51.100.1"], ["127.0.0.1", "::1"], "198.51.100.1"),
        ("::ffff:10.0.0.1", ["::ffff:198.51.100.1"], ["10.0.0.0/8"], "198.51.100.1"),
        ("::ffff:203.0.113.9", [], [], "203.0.113.9"),
        ("10.0.0.1", ["198.51.100.1"], ["*", "ten", ""], "10.0.0.1"),
        ("", ["198.51.100.1"], ["10.0.0.0/8"], ""),
        ("testclient", ["198.51.100.1"], ["0.0.0.0/0"], "testclient"),
    ],
)
def test_only_a_trusted_proxy_says_who_asks(
    peer: str, forwarded: Sequence[str], trusted: Sequence[str], client: str
) -> None:
    pairs = [(b"X-Forwarded-For", value.encode()) for value in forwarded]
    assert client_address(peer, pairs, trusted) == client


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("198.51.100.1", "198.51.100.1"),
        ("::ffff:198.51.100.1", "198.51.100.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("testclient", "testclient"),
        ("", ""),
    ],
)
def test_a_network_of_64_bits_counts_as_one_client(address: str, key: str) -> None:
    assert limit_key(address) == key


@given(st.text(), st.lists(st.text(max_size=10), max_size=3))
def test_any_text_is_taken_as_host_or_address(text: str, entries: list[str]) -> None:
    assert isinstance(allowed_host(text, entries), bool)
    assert isinstance(is_loopback(text), bool)
    assert isinstance(limit_key(text), str)
    assert isinstance(client_address(text, [], entries), str)


@given(st.text("localhst.:[]127016f@% ", max_size=24))
def test_what_is_local_has_nothing_foreign_in_it(host: str) -> None:
    if allowed_host(host, []):
        name = host.lower().rpartition(":")[0] if host[-1] != "]" and ":" in host else host.lower()
        assert name.rstrip(".").endswith("localhost") or name.startswith(("127.", "["))


@given(headers)
def test_any_headers_are_understood_or_ignored(pairs: list[tuple[bytes, bytes]]) -> None:
    assert isinstance(is_preflight("OPTIONS", pairs), bool)
    key = presented_key(pairs)
    assert key is None or key.isascii()
    assert isinstance(client_address("10.0.0.1", pairs, ["10.0.0.0/8", "::/0"]), str)
