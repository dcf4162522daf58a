"""Errors over HTTP: problem details (RFC 9457), one shape for all of them."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from index.errors import IndexUnusable, NotesError, QuestionError

MAX_BODY = 256 * 1024
_FIELD = 100
# What FastAPI says of a body that is no text, or nested too deeply.
_UNREADABLE = "There was an error parsing the body"
MEDIA_TYPE = "application/problem+json"


class FieldFault(BaseModel):
    """What is wrong with one field of a request."""

    field: str
    detail: str


class Problem(BaseModel):
    """RFC 9457 problem details."""

    type: Annotated[str, Field(examples=["/problems/invalid-request"])]
    title: str
    status: int
    detail: str
    errors: list[FieldFault] = []


def problem(kind: str, status: int, detail: str, faults: Sequence[FieldFault] = ()) -> JSONResponse:
    """Return the response for a problem of this kind."""
    body = Problem(
        type=f"/problems/{kind}",
        title=kind.replace("-", " ").capitalize(),
        status=status,
        detail=detail,
        errors=list(faults),
    )
    return JSONResponse(body.model_dump(), status, media_type=MEDIA_TYPE)


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return OpenAPI responses that say these statuses carry problem details."""
    schema = Problem.model_json_schema()
    # A reference would point into the document, where this schema has no place of its own.
    schema["properties"]["errors"]["items"] = schema.pop("$defs")["FieldFault"]
    content = {MEDIA_TYPE: {"schema": schema}}
    return {
        status: {"description": HTTPStatus(status).phrase, "content": content}
        for status in statuses
    }


def install(app: FastAPI) -> None:
    """Make every error of the application a problem, and refuse bodies over 256 kB."""
    app.exception_handler(RequestValidationError)(_invalid)
    app.exception_handler(HTTPException)(_http)
    app.exception_handler(NotesError)(_notes)
    app.exception_handler(Exception)(_unexpected)
    app.add_middleware(BodyLimit)


class BodyLimit:
    """Answers 413 as soon as a body is known to be over the limit."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith("/api/"):
            await self.app(scope, receive, send)
            return
        if _declared(scope) > MAX_BODY:
            await _too_large(scope, receive, send)
            return
        body = b""
        more = True
        while more and len(body) <= MAX_BODY:
            event = await receive()
            if event["type"] == "http.disconnect":
                return
            body += event.get("body", b"")
            more = event.get("more_body", False)
        if len(body) > MAX_BODY:
            await _too_large(scope, receive, send)
            return
        await self.app(scope, _replay(body, receive), send)


def _declared(scope: Scope) -> int:
    length = dict(scope["headers"]).get(b"content-length", b"0")
    return int(length) if length.isdigit() else 0


async def _too_large(scope: Scope, receive: Receive, send: Send) -> None:
    detail = f"The body is larger than {MAX_BODY // 1024} kB. Send less."
    await problem("body-too-large", 413, detail)(scope, receive, send)


def _replay(body: bytes, receive: Receive) -> Receive:
    pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Message:
        return pending.pop() if pending else await receive()

    return replayed


async def _invalid(request: Request, error: RequestValidationError) -> JSONResponse:
    faults = [_fault(item) for item in error.errors()]
    if any(item["type"] == "json_invalid" for item in error.errors()):
        return problem("invalid-json", 400, f"The body is not JSON: {faults[0].detail}.")
    detail = "; ".join(f"{fault.field}: {fault.detail}" for fault in faults)
    return problem("invalid-request", 422, detail, faults)


def _fault(item: dict[str, Any]) -> FieldFault:
    where = [str(part) for part in item["loc"] if part not in ("body", "query", "path")]
    detail = str(item["msg"]).removeprefix("Value error, ")
    if item["type"] == "json_invalid":
        detail = str(item.get("ctx", {}).get("error", detail)).removesuffix(" at")
    elif item["type"] == "extra_forbidden":
        detail = "There is no such field."
    elif item["type"] == "string_unicode":
        detail = "It holds half a character (a lone surrogate). Send valid Unicode."
    elif item["type"] in ("model_attributes_type", "model_type", "missing") and not where:
        detail = "Send a JSON object with Content-Type: application/json."
    return FieldFault(field=(".".join(where) or "body")[:_FIELD], detail=detail)


async def _http(request: Request, error: HTTPException) -> JSONResponse:
    phrase = HTTPStatus(error.status_code).phrase
    kind = phrase.lower().replace(" ", "-")
    detail = str(error.detail)
    if detail == _UNREADABLE:
        return problem("invalid-json", 400, "The body is not JSON in UTF-8, or nested too deeply.")
    if detail == phrase:
        detail = {
            404: f"There is nothing at {request.url.path}.",
            405: f"{request.method} is not possible at {request.url.path}.",
        }.get(error.status_code, phrase)
    response = problem(kind, error.status_code, detail)
    response.headers.update(error.headers or {})
    return response


async def _notes(request: Request, error: NotesError) -> JSONResponse:
    if isinstance(error, QuestionError):
        fault = FieldFault(field="question", detail=str(error))
        return problem("invalid-question", 422, str(error), [fault])
    if isinstance(error, IndexUnusable):
        return problem("index-unusable", 503, str(error))
    return problem("internal-error", 500, str(error))


async def _unexpected(request: Request, error: Exception) -> JSONResponse:
    return problem(
        "internal-error", 500, "Something went wrong here. The log of the server says what."
    )
