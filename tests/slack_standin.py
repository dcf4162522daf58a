"""A stand-in for Slack: the Web API that the app uses, checked as Slack checks it, and a workspace
whose people write, command and click."""

import base64
import hashlib
import hmac
import itertools
import json
import re
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx

TOKEN = "xoxb-stand-in"  # noqa: S105
APP_TOKEN = "xapp-stand-in"  # noqa: S105
SECRET = "a-signing-secret"  # noqa: S105
TEAM, BOT, BOT_USER = "T1", "B1", "UBOT"
_PATIENCE = 30.0
_TS = re.compile(r"\d{10}\.\d{6}")
_PINGS = re.compile(r"<[@!#]")
_STYLES = {"bold", "italic", "strike", "code"}
_SECTIONS = ("rich_text_section", "rich_text_quote", "rich_text_preformatted")


@dataclass(frozen=True)
class Post:
    """What the app sent: by which method, with what."""

    method: str
    body: Mapping[str, Any]

    @property
    def text(self) -> str:
        """Return all that is read in it."""
        return "\n".join(_texts(self.body.get("blocks") or [])) or str(self.body.get("text", ""))

    @property
    def buttons(self) -> list[Mapping[str, Any]]:
        """Return its buttons."""
        blocks = self.body.get("blocks") or []
        return [each for b in blocks if b["type"] == "actions" for each in b["elements"]]


@dataclass
class Standin:
    """Slack as the app sees it. faults: what it should have refused; replies: what it says first,
    by method, as (status, headers, body)."""

    url: str = ""
    posts: list[Post] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    replies: dict[str, list[tuple[int, dict[str, str], dict[str, Any]]]] = field(
        default_factory=dict
    )
    calls: list[str] = field(default_factory=list)
    acknowledged: list[str] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)
    sockets: list[socket.socket] = field(default_factory=list)

    @property
    def api_url(self) -> str:
        """Return where its Web API is."""
        return f"{self.url}/api/"

    def wait(self, found: Callable[[], Any]) -> Any:
        """Return what is found, as soon as it is."""
        with self.changed:
            assert self.changed.wait_for(found, _PATIENCE), f"never came; faults: {self.faults}"
            return found()

    def replies_to(self, ts: str) -> list[Post]:
        """Return what was posted in the thread of a message."""
        return [post for post in list(self.posts) if post.body.get("thread_ts") == ts]

    def reply(self, ts: str) -> Post:
        """Return the one answer to a message, once it is there."""
        self.wait(lambda: self.replies_to(ts))
        (post,) = self.replies_to(ts)
        return post

    def push(self, envelope: Mapping[str, Any]) -> None:
        """Send an envelope over Socket Mode."""
        connection = self.wait(lambda: self.sockets)[-1]
        payload = json.dumps(envelope).encode()
        size = (
            struct.pack("!BH", 126, len(payload)) if len(payload) > 125 else bytes([len(payload)])
        )
        connection.sendall(b"\x81" + size + payload)

    def answer(
        self, method: str, token: str, body: dict[str, Any]
    ) -> tuple[int, dict[str, str], dict[str, Any]]:
        """Return what Slack says to a call."""
        with self.changed:
            self.calls.append(method)
            self.changed.notify_all()
            if self.replies.get(method):
                return self.replies[method].pop(0)
        if token != (APP_TOKEN if method == "apps.connections.open" else TOKEN):
            return 200, {}, {"ok": False, "error": "invalid_auth"}
        if method == "auth.test":
            return 200, {}, {"ok": True, "team_id": TEAM, "user_id": BOT_USER, "bot_id": BOT}
        if method == "apps.connections.open":
            return 200, {}, {"ok": True, "url": f"{self.url.replace('http', 'ws')}/socket?x=1"}
        if method == "conversations.replies":
            return 200, {}, {"ok": True, "messages": self._thread(body)}
        if method not in ("chat.postMessage", "chat.postEphemeral", "chat.update"):
            return 200, {}, {"ok": False, "error": "unknown_method"}
        faults = list(message_faults(method, body))
        with self.changed:
            self.faults += faults
            if not faults:
                self.posts.append(Post(method, body))
            self.changed.notify_all()
        if faults:
            return 200, {}, {"ok": False, "error": "invalid_blocks"}
        return 200, {}, {"ok": True, "ts": f"{time.time():.6f}", "channel": body["channel"]}

    def respond(self, body: dict[str, Any]) -> None:
        """Take what is sent to a command's or a click's own address."""
        faults = list(message_faults("response_url", body))
        with self.changed:
            self.faults += faults
            self.posts.append(Post("response_url", body))
            self.changed.notify_all()

    def _thread(self, body: Mapping[str, Any]) -> list[dict[str, Any]]:
        return [dict(post.body) for post in self.replies_to(str(body["ts"]))]


@contextmanager
def standin() -> Iterator[Standin]:
    """Serve as Slack until the block ends."""
    slack = Standin()

    class Handler(_Handler):
        standin = slack

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    slack.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield slack
    finally:
        for connection in slack.sockets:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    standin: Standin
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        json_sent = "json" in self.headers.get("Content-Type", "")
        body = json.loads(raw) if json_sent else dict(parse_qsl(raw.decode()))
        if self.path == "/respond":
            self.standin.respond(body)
            self._say(200, {}, {"ok": True})
            return
        self._call(body)

    def do_GET(self) -> None:
        if self.path.startswith("/socket"):
            self._socket()
        else:
            self._call(dict(parse_qsl(urlsplit(self.path).query)))

    def _call(self, body: dict[str, Any]) -> None:
        method = urlsplit(self.path).path.removeprefix("/api/")
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        self._say(*self.standin.answer(method, token or body.get("token", ""), body))

    def _say(self, status: int, headers: Mapping[str, str], body: Mapping[str, Any]) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {**headers, "Content-Type": "application/json"}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _socket(self) -> None:
        """Speak WebSocket (RFC 6455) as far as Socket Mode needs it."""
        key = self.headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        accept = base64.b64encode(hashlib.sha1(key.encode()).digest()).decode()  # noqa: S324
        self.wfile.write(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {accept}\r\n\r\n".encode()
        )
        self.wfile.flush()
        slack = self.standin
        with slack.changed:
            slack.sockets.append(self.connection)
            slack.changed.notify_all()
        with suppress(OSError, struct.error):
            while frame := self._frame():
                code, payload = frame
                if code == 9:
                    self.connection.sendall(b"\x8a" + bytes([len(payload)]) + payload)
                elif code == 1:
                    with slack.changed:
                        slack.acknowledged.append(json.loads(payload)["envelope_id"])
                        slack.changed.notify_all()
                elif code == 8:
                    break
        self.close_connection = True

    def _frame(self) -> tuple[int, bytes] | None:
        head = self.rfile.read(2)
        if len(head) < 2:
            return None
        size = head[1] & 0x7F
        if size == 126:
            (size,) = struct.unpack("!H", self.rfile.read(2))
        mask = self.rfile.read(4) if head[1] & 0x80 else bytes(4)
        payload = self.rfile.read(size)
        return head[0] & 0x0F, bytes(b ^ mask[n % 4] for n, b in enumerate(payload))


def message_faults(method: str, body: Mapping[str, Any]) -> Iterator[str]:
    """Yield what Slack would refuse or cut, and what would ping somebody."""
    if method != "response_url" and not re.fullmatch(r"[CDG]\w+", str(body.get("channel", ""))):
        yield f"channel_not_found: {body.get('channel')!r}"
    if method == "chat.postEphemeral" and not body.get("user"):
        yield "user is missing"
    if "thread_ts" in body and not _TS.fullmatch(str(body["thread_ts"])):
        yield f"invalid thread_ts: {body['thread_ts']!r}"
    text = body.get("text")
    if not isinstance(text, str) or not 0 < len(text) <= 40_000:
        yield "text is missing or too long"
    elif _PINGS.search(text):
        yield f"text pings: {text!r}"
    blocks = body.get("blocks")
    if not isinstance(blocks, list) or not 0 < len(blocks) <= 50:
        yield "there are no blocks, or too many"
        return
    ids = [block["block_id"] for block in blocks if "block_id" in block]
    if len(ids) != len(set(ids)) or any(len(each) > 255 for each in ids):
        yield "block_id is there twice or too long"
    for block in blocks:
        yield from _block_faults(block)


def _block_faults(block: Mapping[str, Any]) -> Iterator[str]:
    kind, elements = block.get("type"), block.get("elements")
    if not isinstance(elements, list) or not elements:
        yield f"{kind} has no elements"
    elif kind == "rich_text":
        for section in elements:
            yield from _section_faults(section)
    elif kind == "context":
        if len(elements) > 10:
            yield "context has more than 10 elements"
        for element in elements:
            yield from _text_faults(element, 3000)
    elif kind == "actions":
        if len(elements) > 25:
            yield "actions has more than 25 elements"
        for element in elements:
            yield from _button_faults(element)
    else:
        yield f"unknown block {kind!r}"


def _section_faults(section: Mapping[str, Any]) -> Iterator[str]:
    if section["type"] not in _SECTIONS or not section["elements"]:
        yield f"no rich text: {section!r}"
    for element in section["elements"]:
        yield from _rich_faults(element)


def _button_faults(element: Mapping[str, Any]) -> Iterator[str]:
    if set(element) - {"type", "action_id", "text", "value", "url"}:
        yield f"unknown fields: {element!r}"
    if not 0 < len(element["value"]) <= 2000 or not 0 < len(element["action_id"]) <= 255:
        yield f"value or action_id: {element!r}"
    if element["text"]["type"] != "plain_text":
        yield "a button's text is no plain_text"
    yield from _text_faults(element["text"], 75)


def _rich_faults(element: Mapping[str, Any]) -> Iterator[str]:
    if element["type"] not in ("text", "link"):
        yield f"an element that may ping: {element!r}"
    if set(element) - {"type", "text", "style", "url"}:
        yield f"unknown fields: {element!r}"
    if not isinstance(element.get("text"), str) or not 0 < len(element["text"]) <= 3000:
        yield f"text of {len(element.get('text') or '')} characters"
    if set(element.get("style", {})) - _STYLES:
        yield f"unknown style: {element!r}"
    if element["type"] == "link":
        yield from _url_faults(element["url"])


def _text_faults(element: Mapping[str, Any], most: int) -> Iterator[str]:
    text = element.get("text")
    if element.get("type") not in ("mrkdwn", "plain_text"):
        yield f"unknown text {element.get('type')!r}"
    if not isinstance(text, str) or not 0 < len(text) <= most:
        yield f"text of {len(text or '')} characters, {most} are allowed"
    elif element["type"] == "mrkdwn":
        if _PINGS.search(text):
            yield f"mrkdwn pings: {text!r}"
        for url in re.findall(r"<([^<>|]*)(?:\|[^<>]*)?>", text):
            yield from _url_faults(url)
        if re.search(r"[<>]", re.sub(r"<[^<>|]+(\|[^<>]*)?>", "", text)):
            yield f"mrkdwn is not escaped: {text!r}"


def _url_faults(url: str) -> Iterator[str]:
    if not url.startswith(("http://", "https://")) or len(url) > 3000:
        yield f"no link for Slack: {url[:80]!r}"


def _texts(blocks: list[Any]) -> Iterator[str]:
    for block in blocks:
        if block["type"] == "rich_text":
            for section in block["elements"]:
                yield "".join(element["text"] for element in section["elements"])
        elif block["type"] == "context":
            yield " ".join(element["text"] for element in block["elements"])


@dataclass(frozen=True)
class Workspace:
    """People of a workspace, who write to the app at a server."""

    server: str
    slack: Standin
    count: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    def ts(self) -> str:
        """Return the time of a new message."""
        return f"1700000000.{next(self.count):06d}"

    def mention(self, text: str, **changed: Any) -> str:
        """Mention the app in a channel, and return the message's time."""
        return self.event(
            {"type": "app_mention", "channel": "C1", "text": f"<@{BOT_USER}> {text}", **changed}
        )

    def write(self, text: str, **changed: Any) -> str:
        """Write to the app alone, and return the message's time."""
        return self.event(
            {"type": "message", "channel": "D1", "channel_type": "im", "text": text, **changed}
        )

    def event(self, event: dict[str, Any]) -> str:
        """Send an event; Slack hears 200."""
        ts = event.setdefault("ts", self.ts())
        response = self.send(event_body(event))
        assert response.status_code == 200, response.text
        return str(ts)

    def command(self, text: str, **changed: str) -> str:
        """Use the slash command, and return its trigger's id."""
        fields = {
            "command": "/notes",
            "text": text,
            "team_id": TEAM,
            "channel_id": "C1",
            "user_id": "U1",
            "trigger_id": f"trigger-{next(self.count)}",
            "response_url": f"{self.slack.url}/respond",
            **changed,
        }
        response = self.send(urlencode(fields).encode(), form=True)
        assert response.status_code == 200, response.text
        return fields["trigger_id"]

    def click(self, post: Post, number: int, **changed: Any) -> None:
        """Click one of an answer's buttons."""
        block = next(each for each in post.body["blocks"] if each["type"] == "actions")
        payload = {
            "type": "block_actions",
            "team": {"id": TEAM},
            "user": {"id": "U1", "team_id": TEAM},
            "container": {
                "type": "message",
                "message_ts": self.ts(),
                "channel_id": "C1",
                "is_ephemeral": False,
                "thread_ts": post.body.get("thread_ts"),
            },
            "channel": {"id": "C1"},
            "response_url": f"{self.slack.url}/respond",
            "actions": [
                {
                    **block["elements"][number],
                    "block_id": block["block_id"],
                    "action_ts": self.ts(),
                }
            ],
            **changed,
        }
        response = self.send(urlencode({"payload": json.dumps(payload)}).encode(), form=True)
        assert response.status_code == 200, response.text

    def send(
        self, body: bytes, form: bool = False, headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """Send a signed body as Slack does; headers replace its own."""
        kind = "application/x-www-form-urlencoded" if form else "application/json"
        sent = {"Content-Type": kind, **signature(body), **(headers or {})}
        return httpx.post(f"{self.server}/slack/events", content=body, headers=sent, timeout=60)


def event_body(event: Mapping[str, Any]) -> bytes:
    """Return an event as Slack sends it, its id made from its message."""
    named = {"user": "U1", "team": TEAM, **event}
    return json.dumps(
        {
            "type": "event_callback",
            "token": "unused",
            "team_id": TEAM,
            "api_app_id": "A1",
            "event_id": f"Ev{event['ts']}",
            "event_time": 1_700_000_000,
            "authorizations": [{"team_id": TEAM, "user_id": BOT_USER, "is_bot": True}],
            "event": named,
        }
    ).encode()


def signature(body: bytes, age: float = 0, secret: str = SECRET) -> dict[str, str]:
    """Return the headers by which Slack signs a body."""
    timestamp = str(int(time.time() - age))
    signed = hmac.new(secret.encode(), f"v0:{timestamp}:".encode() + body, hashlib.sha256)
    return {
        "X-Slack-Request-Timestamp": timestamp,
        "X-Slack-Signature": f"v0={signed.hexdigest()}",
    }
