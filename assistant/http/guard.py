"""Middleware before every route: it checks access, counts against limits, and logs requests."""

import asyncio
import re
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

import anyio.to_thread
import structlog
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from assistant.http import body
from assistant.http.access import (
    Mode,
    allowed_host,
    client_address,
    forwarded_scheme,
    is_preflight,
    limit_key,
    presented_key,
    required_scope,
)
from assistant.http.other_sites import is_foreign, shared
from assistant.http.problems import Refused, internal_error, limits_unusable, refused, too_many
from assistant.serving import Key, Keys, Limits, Metrics, TooMany
from index.errors import KeysUnusable, LimitsUnusable

_LOG = structlog.get_logger()
_SECONDS = 30.0
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_READING = ("GET", "HEAD", "OPTIONS")
# What takes JSON, and answers within a time.
_JSON = ("/api/", "/mcp")
# Where a question is asked by the chat; the routes of REST and MCP count theirs themselves.
_CHAT_ASKS = "/gradio_api/queue/join"
_COUNTED_BY_ROUTE = ("/api/v1/ask", "/api/v1/ask/batch", "/mcp")
# Probes, and the files that one visit to a page needs.
# Slack is counted by team.
_UNCOUNTED = (
    "/health/",
    "/assets/",
    "/static/",
    "/static-offline-docs/",
    "/theme",
    "/slack/events",
)
_LABELS = (
    "/api/v1/ask/batch",
    "/api/v1/ask",
    "/api/v1/search",
    "/api/v1/documents",
    "/api/v1/feedback",
    "/api/v1/gaps",
    "/api/",
    "/health/",
    "/metrics",
    "/notes",
    "/problems",
    "/docs",
    "/openapi.json",
    "/slack/events",
    "/mcp",
    "/widget.js",
    "/gradio_api/",
    "/assets/",
)


@dataclass(frozen=True)
class Rules:
    """The access rules of one server.

    hosts: names of the server besides local ones. check_hosts: whether other names are refused.
    origins: sites whose pages may ask. proxies: addresses and networks of trusted proxies.
    root_path: the path below which a proxy shows the server. log: whether requests are logged.
    """

    mode: Mode
    keys: Keys
    limits: Limits | None = None
    hosts: Sequence[str] = ()
    check_hosts: bool = True
    origins: Sequence[str] = ()
    proxies: Sequence[str] = ()
    root_path: str = ""
    log: bool = True


class Guard:
    """Lets a request pass, with its id and its caller in `scope["state"]`, or refuses it."""

    def __init__(self, app: ASGIApp, rules: Rules, metrics: Metrics) -> None:
        self._app = app
        self._rules = rules
        self._metrics = metrics
        # Around refusals too, so that the other site's page can read why.
        self._shared = shared(self._answer, rules.origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request: pass it to the application, or answer it with a problem."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        rules = self._rules
        scope["path"] = _routed(_below(scope["path"], rules.root_path))
        scope["root_path"] = rules.root_path
        said = forwarded_scheme(_peer(scope), scope["headers"], rules.proxies)
        scope["scheme"] = said or scope["scheme"]
        seen = _Seen(send, _request_id(scope), _origin(scope))
        scope.setdefault("state", {})["seen"] = seen
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request=seen.request_id)
        try:
            await self._shared(scope, receive, seen.send)
        finally:
            seconds = time.perf_counter() - started
            label = _label(scope["path"])
            self._metrics.requests.labels(label, _method(scope), seen.status).observe(seconds)
            if rules.log:
                # Never the query: a question may stand there.
                _LOG.info(
                    "request",
                    method=scope["method"],
                    path=scope["path"][:200],
                    status=seen.status,
                    ms=round(seconds * 1000, 1),
                )

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        seen: _Seen = scope["state"]["seen"]
        try:
            await self._pass(scope, receive, send, seen)
        except Refused as error:
            await refused(error)(scope, receive, send)
        except TooMany as error:
            self._metrics.limited.inc()
            await too_many(error)(scope, receive, send)
        except LimitsUnusable as error:
            await limits_unusable(error)(scope, receive, send)
        except Exception as error:
            # Raised again by what answered it already, too: this is the one place that logs it.
            _LOG.error("unexpected", exc_info=error)
            if not seen.status:
                await internal_error()(scope, receive, send)

    async def _pass(self, scope: Scope, receive: Receive, send: Send, seen: "_Seen") -> None:
        rules, headers, path = self._rules, scope["headers"], scope["path"]
        self._check_host(headers)
        self._check_site(scope)
        caller = limit_key(client_address(_peer(scope), headers, rules.proxies))
        key = None
        if not is_preflight(scope["method"], headers):
            key = await self._key(scope, f"address:{caller}")
        scope["state"]["caller"] = f"key:{key.id}" if key else f"address:{caller}"
        await self._count(scope, seen)
        if scope["method"] not in _READING:
            whole = await body.read(scope, receive)
            if whole is None:
                return
            if path.startswith(_JSON):
                body.check_json(whole)
            receive = body.replayed(whole, receive)
        if path.startswith(_JSON):
            await self._within_time(scope, receive, send, seen)
        else:
            await self._app(scope, receive, send)

    async def _within_time(self, scope: Scope, receive: Receive, send: Send, seen: "_Seen") -> None:
        try:
            async with asyncio.timeout(_SECONDS):
                await self._app(scope, receive, send)
        except TimeoutError:
            if seen.status:
                raise
            raise Refused("timeout", f"This took over {_SECONDS:.0f} seconds.") from None

    def _check_host(self, headers: Sequence[tuple[bytes, bytes]]) -> None:
        hosts = [value.decode("latin-1") for name, value in headers if name == b"host"]
        if not self._rules.check_hosts:
            return
        if len(hosts) != 1 or not allowed_host(hosts[0], self._rules.hosts):
            raise Refused(
                "misdirected-request",
                "This name is none that the server is known by. An operator adds it to "
                "NOTES_ALLOWED_HOSTS.",
            )

    def _check_site(self, scope: Scope) -> None:
        """Refuse changes from a page of another site: a browser sends its credentials along."""
        if scope["method"] in _READING:
            return
        if is_foreign(scope["headers"], self._rules.origins, self._rules.hosts):
            raise Refused(
                "forbidden",
                "This comes from a page of another site. An operator adds a site to "
                "NOTES_CORS_ORIGINS, or this server's own name to NOTES_ALLOWED_HOSTS.",
            )

    async def _key(self, scope: Scope, address: str) -> Key | None:
        rules = self._rules
        needed = required_scope(scope["method"], scope["path"], rules.mode)
        presented = presented_key(scope["headers"])
        if rules.mode == "local" or (not needed and not presented):
            return None
        found = await anyio.to_thread.run_sync(_find, rules.keys, presented)
        if needed and not found:
            if rules.limits:
                await rules.limits.attempt(address)
            raise Refused("unauthorized", "A valid key is needed for this.", _challenge(scope))
        if needed and found and not found.allows(needed):
            raise Refused("forbidden", f"The key has no scope `{needed}`.")
        return found

    async def _count(self, scope: Scope, seen: "_Seen") -> None:
        limits, path = self._rules.limits, scope["path"]
        if not limits or is_preflight(scope["method"], scope["headers"]):
            return
        caller = scope["state"]["caller"]
        if path == _CHAT_ASKS:
            await limits.questions(caller, 1)
        elif path in _COUNTED_BY_ROUTE:
            # A body that is no question is never counted as one.
            await limits.attempt(caller)
        elif not path.startswith(_UNCOUNTED):
            seen.headers = (await limits.request(caller)).headers()


class _Seen:
    """Wraps `send`: adds the headers that every response has, and remembers the status."""

    def __init__(self, send: Send, request_id: str, origin: str) -> None:
        self.request_id = request_id
        self._origin = origin
        self.status = 0
        self.headers: dict[str, str] = {}
        self._send = send

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers["X-Request-ID"] = self.request_id
            headers.setdefault("X-Content-Type-Options", "nosniff")
            for name, value in self.headers.items():
                headers.setdefault(name, value)
            if "location" in headers:
                # Behind TLS, `http` of a proxy that is not trusted is no scheme to come back by.
                headers["location"] = _here(headers["location"], self._origin)
        await self._send(message)


def _find(keys: Keys, presented: str | None) -> Key | None:
    try:
        return keys.find(presented) if presented else None
    except KeysUnusable as error:
        _LOG.error("unusable", error=str(error))
        raise Refused("keys-unusable", "Keys cannot be checked at the moment.") from error


def _below(path: str, root_path: str) -> str:
    """Return the path without the root path, whether or not a proxy has removed it already."""
    if root_path and f"{path}/".startswith(f"{root_path}/"):
        return path.removeprefix(root_path) or "/"
    return path


def _routed(path: str) -> str:
    """Return the path without slashes at its end, for REST and MCP: they do not redirect.

    A redirect would send the key along, and not every client posts the body again.
    """
    return path.rstrip("/") if path.startswith(_JSON) else path


def _here(location: str, origin: str) -> str:
    """Return the target of a redirect; a target on this server becomes a path alone."""
    rest = location.removeprefix(origin)
    return rest if rest.startswith("/") else location


def _origin(scope: Scope) -> str:
    host = next((value for name, value in scope["headers"] if name == b"host"), b"")
    return f"{scope['scheme']}://{host.decode('latin-1')}"


def _request_id(scope: Scope) -> str:
    given = [value for name, value in scope["headers"] if name == b"x-request-id"]
    if len(given) == 1 and _REQUEST_ID.fullmatch(given[0]):
        return str(given[0].decode())
    return uuid.uuid4().hex


def _challenge(scope: Scope) -> dict[str, str]:
    # A browser's prompt opens the pages; a script gets none.
    pages = not scope["path"].startswith(("/api/", "/metrics", "/mcp"))
    scheme = 'Basic realm="notes", charset="UTF-8"' if pages else 'Bearer realm="notes"'
    return {"WWW-Authenticate": scheme}


def _peer(scope: Scope) -> str:
    client = scope.get("client")
    return str(client[0]) if client else ""


def _method(scope: Scope) -> str:
    method = str(scope["method"])
    return method if method in (*_READING, "POST", "PUT", "PATCH", "DELETE") else "other"


def _label(path: str) -> str:
    if path == "/":
        return "/"
    return next((label for label in _LABELS if path.startswith(label)), "other")
