"""The server: REST, reader and chat in one process on one port."""

import socket
from collections.abc import Callable

import gradio
import uvicorn
from fastapi import FastAPI
from ui.chat import create_chat
from ui.reader import create_reader

from assistant.api import create_app
from assistant.ask import Assistant
from index.errors import SettingsError


def application(assistant: Assistant) -> FastAPI:
    """Return the whole application: `/api`, `/docs`, `/health`, `/notes` and the chat at `/`."""
    app = create_app(assistant)
    app.include_router(create_reader(assistant.snapshot.notes))
    chat = create_chat(assistant, assistant.snapshot.notes)
    return gradio.mount_gradio_app(app, chat, path="/")


def bind(host: str, port: int) -> socket.socket:
    """Return a socket that listens there.

    Raises SettingsError when the address cannot be had, before any slow work begins.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
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


def serve(app: FastAPI, listener: socket.socket, ready: Callable[[], None]) -> None:
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
