"""`notes mcp`: the tools for an assistant on this machine, over stdin and stdout."""

import asyncio
import os
import signal
from collections.abc import Callable
from contextlib import closing
from typing import Any

from mcp.server import Server
from mcp.server.stdio import stdio_server

from assistant.answering import Assistant
from assistant.mcp.mcp_server import create_server
from assistant.serving import following, open_service, set_up_logs
from assistant.settings import Settings


def answer_assistant(
    settings: Settings, open_assistant: Callable[[], Assistant], address: str
) -> None:
    """Answer until stdin ends or a signal comes; address: the address of the reader pages."""
    set_up_logs()
    service = open_service(open_assistant(), settings)

    def stop(number: int, _: object) -> None:
        # Nothing else ends a thread that waits for stdin.
        service.feedback.close()
        os._exit(128 + number)

    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, stop)
    with closing(service.feedback), following(service, settings.data_dir):
        asyncio.run(_serve(create_server(service, address=address)))


async def _serve(server: Server[Any]) -> None:
    async with stdio_server() as (incoming, outgoing):
        await server.run(incoming, outgoing, server.create_initialization_options())
