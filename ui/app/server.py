"""The server: REST, reader and chat in one process on one port."""

import signal
import socket
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from assistant.answering import Assistant
from assistant.http import Guard, Mode, Protocol, Rules, create_app
from assistant.mcp import Endpoint
from assistant.serving import Keys, Limits, Service, following, open_service, set_up_logs
from assistant.settings import Settings, listed
from index.errors import SettingsError
from ui.app.mounting import LateChat, is_chat, mount_chat
from ui.reader import NotesReader, create_reader
from ui.widget import create_widget

if TYPE_CHECKING:
    from assistant.slack.connection import Connection

# How much anyone may ask where others than this machine reach it, unless set otherwise.
_RATE = "60/minute"
_SHUTDOWN_SECONDS = 15


def serve(
    settings: Settings,
    mode: Mode,
    open_assistant: Callable[[], Assistant],
    listener: socket.socket,
    ready: Callable[[], None],
) -> None:
    """Serve until a signal comes; call `ready` as soon as requests are answered."""
    keys = Keys(settings.data_dir)
    # Nobody here holds on to an assistant: another one may serve in a minute.
    service = open_service(open_assistant(), settings)
    limits = _limits(settings, mode)
    rules = Rules(
        mode,
        keys,
        limits,
        [*listed(settings.allowed_hosts), *_public_host(settings)],
        check_hosts=mode == "local" or bool(settings.allowed_hosts),
        origins=listed(settings.cors_origins),
        proxies=listed(settings.trusted_proxies),
        root_path=settings.root_path,
        log=settings.log_requests,
    )
    with ExitStack() as stack:
        stack.callback(service.feedback.close)
        slack = None
        if settings.slack_signing_secret:
            from assistant.slack.connection import open_slack

            # It says at once how it is with Slack.
            set_up_logs()
            slack = open_slack(service, settings, _limits(settings, mode))
            stack.callback(slack.close)
        app = application(service, limits, settings.root_path, settings.contact, slack)
        set_up_logs()
        stack.enter_context(following(service, settings.data_dir))
        if settings.watch:
            from ui.app.watching import watching

            stack.enter_context(watching(service, settings))
        _run(Guard(app, rules, service.metrics), listener, ready)


def application(
    service: Service,
    limits: Limits | None,
    root_path: str,
    contact: str,
    slack: "Connection | None" = None,
) -> ASGIApp:
    """Return the whole application: `/api`, `/docs`, `/health`, `/mcp`, `/notes`, chat at `/`.

    Its lifespan creates the chat while all other routes already answer.
    """
    chat = LateChat(partial(mount_chat, service, root_path, contact))
    slack_state = (lambda: slack.status) if slack else (lambda: None)
    core = create_app(service, limits, root_path, slack_state, lambda: chat.state)
    if slack:
        core.include_router(slack.router())
    core.router.routes.append(Route("/mcp", Endpoint(service, limits), methods=["POST"]))
    core.include_router(create_reader(service.per_version(NotesReader)))
    core.include_router(create_widget())
    edge = Starlette(lifespan=chat.lifespan)

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await edge(scope, receive, send)
            return
        part = chat if is_chat(scope["path"]) else core
        # As ASGI has it: with what a proxy took off, so that no route takes off more.
        scope = {**scope, "root_path": root_path, "path": root_path + scope["path"]}
        await part(scope, receive, send)

    return application


def _limits(settings: Settings, mode: Mode) -> Limits | None:
    rate = settings.rate_limit or ("0" if mode == "local" else _RATE)
    return None if rate == "0" else Limits(rate, settings.redis_url)


def _public_host(settings: Settings) -> list[str]:
    host = urlsplit(settings.public_url).netloc
    return [host] if host else []


def bind(host: str, port: int) -> socket.socket:
    """Return a socket that is bound to the address and port.

    Raises SettingsError when the address is in use or not allowed, before any slow work begins.
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


def _run(app: ASGIApp, listener: socket.socket, ready: Callable[[], None]) -> None:
    set_up_logs()
    # The guard logs requests, without the query: questions are personal. It also finds out who
    # asks: uvicorn would believe any proxy on this machine.
    config = uvicorn.Config(
        app,
        http=Protocol,
        log_config=None,
        access_log=False,
        proxy_headers=False,
        timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
    )
    # Once it has shut down, uvicorn sends itself the signal anew, which would end the program
    # before the last answers are kept.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    _Server(config, ready).run(sockets=[listener])


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()
