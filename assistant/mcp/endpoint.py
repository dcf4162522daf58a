"""`/mcp`: the tools over streamable HTTP, in JSON, or in events for who takes nothing else.

No request needs what an earlier one left, so several servers may answer in turn.
"""

from typing import TYPE_CHECKING, Any

import anyio.to_thread
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import Receive, Scope, Send

from assistant.http import Refused
from assistant.serving import Limits, Service

if TYPE_CHECKING:
    from mcp.server import Server

_JSON = ("application/json", "application/*", "*/*")
_STREAM = ("text/event-stream", "text/*")
_BOTH = "application/json, text/event-stream"


class Endpoint:
    """Answers POSTs of MCP's messages, of every version of the protocol that the SDK knows."""

    def __init__(self, service: Service, limits: Limits | None) -> None:
        """Count calls of tools against the limits, if there are any."""
        self._service = service
        self._limits = limits
        self._server: Server[Any] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one message. Raises Refused where it cannot be one."""
        headers = Headers(scope=scope)
        if headers.get("content-type", "").partition(";")[0].strip().lower() != _JSON[0]:
            raise Refused("unsupported-media-type", "Send a JSON-RPC message as application/json.")
        if self._server is None:
            # Half a second and 25 MB that a server without assistants does without.
            self._server = await anyio.to_thread.run_sync(self._load)
        from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

        accepted = headers.get("accept", "*/*")
        streams = _takes(accepted, _STREAM)
        plain = _takes(accepted, _JSON)
        if streams or plain:
            # The SDK wants both named, whichever it is asked for.
            scope = {**scope, "headers": [*scope["headers"]]}
            MutableHeaders(scope=scope)["accept"] = _BOTH
        # Without sessions nothing outlives a request, so neither does what manages them.
        manager = StreamableHTTPSessionManager(self._server, json_response=plain, stateless=True)
        async with manager.run():
            await manager.handle_request(scope, receive, send)

    def _load(self) -> "Server[Any]":
        from assistant.mcp.mcp_server import create_server

        return create_server(self._service, self._limits)


def _takes(accepted: str, kinds: tuple[str, ...]) -> bool:
    named = (part.partition(";")[0].strip().lower() for part in accepted.split(","))
    return any(name in kinds for name in named)
