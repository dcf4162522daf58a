"""The server: REST, reader and chat in one process on one port."""

import socket
from collections.abc import Callable, Sequence

import gradio
import uvicorn
from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from assistant.answer import Answer
from assistant.rest.api import create_app
from assistant.ask import Assistant, Question
from index.errors import SettingsError
from ui.chat import create_chat, presentation
from ui.reader import create_reader

_CORE = (
    "/api/",
    "/docs",
    "/health",
    "/metrics",
    "/redoc",
    "/notes",
    "/openapi.json",
    "/static-offline-docs/",
)


def application(assistant: Assistant) -> ASGIApp:
    """Return the whole application: `/api`, `/docs`, `/health`, `/notes` and the chat at `/`."""
    core = create_app(assistant)
    core.include_router(create_reader(assistant.snapshot.notes))
    # Mounted at the root, the chat would answer for what the API does not have.
    shell = FastAPI(openapi_url=None)

    def ask(question: str, asked: Sequence[str]) -> Answer:
        return assistant.ask(Question(question, history=tuple(asked)))

    chat = create_chat(ask, assistant.snapshot.notes)
    gradio.mount_gradio_app(shell, chat, path="/", **presentation())

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        ours = scope["type"] == "http" and scope["path"].startswith(_CORE)
        await (core if ours else shell)(scope, receive, send)

    return application


def bind(host: str, port: int) -> socket.socket:
    """Return a socket that listens there.

    Raises SettingsError when the address cannot be had, before any slow work begins.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio turns off Nagle only where the protocol is named: without, each answer waits 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise SettingsError(
            f"Nothing can listen on {host} port {port}: {error.strerror or error}. "
            f"Stop what uses it, or choose another: notes serve --port {port + 1}"
        ) from error
    return listener


def serve(app: ASGIApp, listener: socket.socket, ready: Callable[[], None]) -> None:
    """Serve until a signal ends it, and call ready once requests are answered."""
    # Questions are personal: no access log.
    config = uvicorn.Config(app, log_level="warning", access_log=False)
    _Server(config, ready).run(sockets=[listener])


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()
