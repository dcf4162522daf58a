"""Reads the whole body of a request before it is handled, within limits of size and time."""

import asyncio
import json
from typing import Any

from starlette.types import Message, Receive, Scope

from assistant.http.problems import Refused

MAX_BODY = 256 * 1024
_SECONDS = 10.0


async def read(scope: Scope, receive: Receive) -> bytes | None:
    """Return the body of a request, None when the caller closed the connection.

    Raises Refused as soon as the body is known to be over 256 kB, or after ten seconds.
    """
    if _declared(scope) > MAX_BODY:
        raise _too_large()
    try:
        async with asyncio.timeout(_SECONDS):
            return await _whole(receive)
    except TimeoutError:
        raise Refused(
            "request-timeout",
            f"The body did not arrive within {_SECONDS:.0f} seconds. Send it again.",
        ) from None


def replayed(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` function that gives the body once, then calls the given one."""
    pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return pending.pop() if pending else await receive()

    return again


def check_json(body: bytes) -> None:
    """Raise Refused where a JSON object has a name twice, or a number is NaN or infinite.

    A body that is no JSON at all is left to the route's own validation.
    """
    try:
        json.loads(body, object_pairs_hook=_unique, parse_constant=_no_number)
    except (ValueError, RecursionError):
        # Not UTF-8, not JSON, nested too deeply, or a number of more digits than Python reads.
        return


async def _whole(receive: Receive) -> bytes | None:
    body = bytearray()
    more = True
    while more:
        event = await receive()
        if event["type"] == "http.disconnect":
            return None
        body += event.get("body", b"")
        more = event.get("more_body", False)
        if len(body) > MAX_BODY:
            raise _too_large()
    return bytes(body)


def _declared(scope: Scope) -> int:
    length = dict(scope["headers"]).get(b"content-length", b"0")
    return int(length) if length.isdigit() else 0


def _too_large() -> Refused:
    return Refused("body-too-large", f"The body is larger than {MAX_BODY // 1024} kB. Send less.")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise Refused("invalid-json", f"The body names {name[:100]!r} twice. Name it once.")
        found[name] = value
    return found


def _no_number(text: str) -> None:
    raise Refused("invalid-json", f"The body is not JSON: {text} is no number there.")
