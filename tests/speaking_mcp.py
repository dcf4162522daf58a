"""Assistants that speak MCP: the SDK's own client, over each transport."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Literal, TypeAlias, TypeVar

import httpx2
from mcp import Client, StdioServerParameters, types
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.types.version import LATEST_HANDSHAKE_VERSION, LATEST_MODERN_VERSION
from running import NOTES, ROOT, environment

# With the handshake of 2025 and before, or without, as from 2026 on.
Era: TypeAlias = Literal["legacy", "auto"]
VERSIONS: dict[Era, str] = {"legacy": LATEST_HANDSHAKE_VERSION, "auto": LATEST_MODERN_VERSION}
T = TypeVar("T")
Said: TypeAlias = Callable[[Client], Awaitable[T]]


def over_http(url: str, said: Said[T], era: Era = "auto", **headers: str) -> T:
    """Return what comes of talking to `/mcp` of a server with these headers."""

    async def talk() -> T:
        async with (
            httpx2.AsyncClient(headers=headers, timeout=60) as http,
            Client(streamable_http_client(f"{url}/mcp", http_client=http), mode=era) as client,
        ):
            return await said(client)

    return asyncio.run(talk())


def over_stdio(data_dir: Path, said: Said[T], era: Era = "auto") -> T:
    """Return what comes of talking to `notes mcp`, whose log stands in `mcp.log`."""
    started = StdioServerParameters(
        command=sys.executable,
        args=[*NOTES[1:], "mcp"],
        env=environment(data_dir, {}),
        cwd=ROOT,
    )

    async def talk() -> T:
        with (data_dir / "mcp.log").open("w") as log:
            async with Client(stdio_client(started, log), mode=era) as client:
                return await said(client)

    return asyncio.run(talk())


def calling(tool: str, **arguments: Any) -> Said[types.CallToolResult]:
    """Return a call of one tool."""
    return lambda client: client.call_tool(tool, arguments)


def given(result: types.CallToolResult) -> dict[str, Any]:
    """Return what a tool gave."""
    assert not result.is_error, result.content
    found: dict[str, Any] = result.structured_content
    return found


def told(result: types.CallToolResult) -> str:
    """Return what a tool said went wrong."""
    (content,) = result.content
    assert result.is_error
    assert isinstance(content, types.TextContent)
    return content.text
