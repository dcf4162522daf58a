"""Mounts the chat at `/` after the rest is served, since Gradio takes seconds to load."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Literal

import structlog
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.responses import HTMLResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from assistant.answering import Answer, Assistant, Question
from assistant.http import problems
from assistant.serving import Service
from ui.chat import ChatEdition
from ui.wording import page_text

ChatState = Literal["starting", "ready", "failed"]

_LOG = structlog.get_logger()
# What the chat's page needs of Gradio.
_CHAT = (
    "/",
    "/config",
    "/theme.css",
    "/manifest.json",
    "/favicon.ico",
    "/robots.txt",
    "/gradio_api/app_id",
    "/gradio_api/info",
    "/gradio_api/queue/join",
    "/gradio_api/queue/data",
    "/gradio_api/startup-events",
)
_MANIFEST = b'href="/manifest.json"'
_CHAT_FILES = ("/assets/", "/static/", "/gradio_api/heartbeat/")


class LateChat:
    """An application that is created while other routes already answer; its requests wait."""

    def __init__(self, make: Callable[[], FastAPI]) -> None:
        """make: creates the application; it is called in a thread."""
        self.state: ChatState = "starting"
        self._make = make
        self._app: ASGIApp = _failed
        self._made = asyncio.Event()
        self._ended = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; where the chat could not be created, with a page that says so."""
        await self._made.wait()
        await self._app(scope, receive, send)

    @asynccontextmanager
    async def lifespan(self, _: Starlette) -> AsyncIterator[None]:
        """Create the chat while the block runs, and end it with the block."""
        serving = asyncio.create_task(self._serve())
        try:
            yield
        finally:
            self._ended.set()
            await serving

    async def _serve(self) -> None:
        started = time.perf_counter()
        try:
            with _taking_turns():
                made = await asyncio.to_thread(self._make)
            # Gradio's events hang where its lifespan was not entered on the server's own loop.
            async with made.router.lifespan_context(made):
                self._app = _closed(made)
                self.state = "ready"
                self._made.set()
                _LOG.info("chat ready", seconds=round(time.perf_counter() - started, 2))
                await self._ended.wait()
        except Exception as error:
            # Whatever is wrong with the chat, it must not end the answering.
            _LOG.error("chat not served", reason=f"{type(error).__name__}: {error}", exc_info=error)
            self.state = "failed"
            self._app = _failed
            self._made.set()


def mount_chat(service: Service, root_path: str, contact: str) -> FastAPI:
    """Return the chat as an application of its own; the caller must run its lifespan."""
    from ui.chat.chat_page import create_chat, presentation
    from ui.chat.gradio_alone import gradio

    def answer(assistant: Assistant, question: str, asked: Sequence[str]) -> Answer:
        return service.ask(Question(question, history=tuple(asked)), assistant)

    with service.switching:
        current = service.per_version(ChatEdition)
    # Mounted at the root, the chat would answer for what the API does not have.
    shell = FastAPI(openapi_url=None)
    gradio.mount_gradio_app(
        shell,
        create_chat(answer, current, contact),
        path="/",
        root_path=root_path or None,
        app_kwargs={"exception_handlers": problems.handlers()},
        **presentation(),
    )
    return shell


@contextmanager
def _taking_turns() -> Iterator[None]:
    """Switch threads ten times as often in the block: questions meanwhile take half as long."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(before / 10)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def is_chat(path: str) -> bool:
    """Return whether the chat page needs a path; Gradio's other routes (uploads) are closed."""
    return path in _CHAT or path.startswith(_CHAT_FILES)


def _closed(app: ASGIApp) -> ASGIApp:
    """Return the application without CORS fields: Gradio itself opens it to some other sites.

    It also corrects the manifest's address in the page, where a proxy shows the server below a
    path.
    """

    async def closed(scope: Scope, receive: Receive, send: Send) -> None:
        root = scope["root_path"].encode() if scope["type"] == "http" else b""
        moved = root if root and scope["path"] == f"{scope['root_path']}/" else b""
        if moved:
            # Compressed, it could not be rewritten.
            kept = [each for each in scope["headers"] if each[0] != b"accept-encoding"]
            scope = {**scope, "headers": kept}

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name in [name for name in headers if name.startswith("access-control-")]:
                    del headers[name]
                if moved:
                    del headers["content-length"]
            elif moved:
                page = message["body"].replace(_MANIFEST, _MANIFEST.replace(b"/", moved + b"/"))
                message = {**message, "body": page}
            await send(message)

        await app(scope, receive, sent)

    return closed


async def _failed(scope: Scope, receive: Receive, send: Send) -> None:
    said = "".join(f'<p lang="{key}">{each}</p>' for key, each in page_text("chat-failed").items())
    page = (
        '<!doctype html><html lang="ko"><meta charset="utf-8"><title>Notes Assistant</title>'
        f'<body>{said}<p><a href="notes/">{" · ".join(page_text("read").values())}</a></p>'
    )
    await HTMLResponse(page, 503)(scope, receive, send)
