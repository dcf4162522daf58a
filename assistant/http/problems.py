"""Errors over HTTP: problem details (RFC 9457), one shape and one catalogue for all of them."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from http import HTTPStatus
from typing import Annotated, Any

import structlog
from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from assistant.serving import TooMany
from index.errors import (
    FeedbackUnwritable,
    IndexUnusable,
    KeysUnusable,
    LimitsUnusable,
    NotesError,
    Overloaded,
    QuestionError,
    StoreAway,
    UnknownName,
)

MEDIA_TYPE = "application/problem+json"
_FIELD = 100
_MOST_FAULTS = 20
# What FastAPI says of a body that is no text, is nested too deeply, or has too long a number.
_UNREADABLE = "There was an error parsing the body"
_NO_OBJECT = "Send a JSON object with Content-Type: application/json."
_LOG = structlog.get_logger()


@dataclass(frozen=True)
class Kind:
    """A type of problem: its status, and what to do about it."""

    status: int
    mend: str


KINDS: Mapping[str, Kind] = {
    "invalid-json": Kind(400, "Send one JSON object in UTF-8, each name once."),
    "invalid-request": Kind(422, "Each entry of `errors` names a field and what it takes."),
    "invalid-question": Kind(422, "Ask in 1 to 2,000 characters."),
    "bad-request": Kind(400, "The request is not HTTP as this server reads it."),
    "unauthorized": Kind(
        401, "Send a key: `Authorization: Bearer …` or `X-API-Key: …`. An operator makes one with "
        "`notes keys create`."
    ),
    "forbidden": Kind(403, "The key has no scope for this, or the page is of another site."),
    "not-found": Kind(404, "Look at /docs for what there is."),
    "method-not-allowed": Kind(405, "The `Allow` field says which methods there are."),
    "request-timeout": Kind(408, "Send the whole body within ten seconds."),
    "body-too-large": Kind(413, "Send at most 256 kB."),
    "unsupported-media-type": Kind(415, "Send `Content-Type: application/json`."),
    "misdirected-request": Kind(
        421, "Use a local name, or have the operator name this one in NOTES_ALLOWED_HOSTS."
    ),
    "too-many-requests": Kind(429, "Wait for as many seconds as `Retry-After` says."),
    "internal-error": Kind(500, "The log of the server says what happened, by the request's id."),
    "index-unusable": Kind(503, "Build the index: `notes build`."),
    "store-away": Kind(503, "Try again after as many seconds as `Retry-After` says."),
    "keys-unusable": Kind(503, "The operator mends the file of keys; the log names it."),
    "feedback-unwritable": Kind(503, "The operator makes room on the disk; asking goes on."),
    "limits-unusable": Kind(503, "The operator mends NOTES_REDIS_URL or what it leads to."),
    "overloaded": Kind(503, "Try again after as many seconds as `Retry-After` says."),
    "timeout": Kind(503, "Try again; ask less at once."),
}  # fmt: skip
# Any request may meet these.
_EVERYWHERE = ("misdirected-request", "internal-error")


class FieldFault(BaseModel):
    """What is wrong with one field of a request."""

    field: str
    detail: str


class Problem(BaseModel):
    """RFC 9457 problem details."""

    type: Annotated[
        str,
        Field(description="A page that explains it", examples=["/problems/invalid-request"]),
    ]
    title: str
    status: int
    detail: Annotated[str, Field(description="What happened and what to do, for a person")]
    errors: Annotated[list[FieldFault], Field(description="The fields at fault")] = []


class Refused(Exception):
    """A request that is answered with a problem."""

    def __init__(
        self,
        kind: str,
        detail: str,
        headers: Mapping[str, str] | None = None,
        faults: Sequence[FieldFault] = (),
    ) -> None:
        super().__init__(detail)
        self.kind = kind
        self.headers = headers or {}
        self.faults = faults


class _Response(JSONResponse):
    """Response with a problem; its `type` gets the root path of the server put before it."""

    media_type = MEDIA_TYPE

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = json.loads(bytes(self.body))
        found["type"] = scope.get("root_path", "") + found["type"]
        self.body = self.render(found)
        self.headers["content-length"] = str(len(self.body))
        await super().__call__(scope, receive, send)


def problem(
    kind: str,
    detail: str,
    faults: Sequence[FieldFault] = (),
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """Return the response for a problem of this kind."""
    status = KINDS[kind].status
    body = Problem(
        type=f"/problems/{kind}",
        title=_title(kind),
        status=status,
        detail=detail,
        errors=list(faults),
    )
    return _Response(body.model_dump(), status, dict(headers or {}))


def refused(error: Refused) -> JSONResponse:
    """Return the response for a refused request."""
    return problem(error.kind, str(error), error.faults, error.headers)


def documented(*kinds: str) -> dict[int | str, dict[str, Any]]:
    """Return OpenAPI responses for these kinds of problem and for those that every route has."""
    found: dict[int | str, dict[str, Any]] = {}
    for kind in KINDS:
        if kind in kinds or kind in _EVERYWHERE:
            status = KINDS[kind].status
            response = found.setdefault(status, {"description": HTTPStatus(status).phrase + "."})
            response["description"] += f" `{kind}`: {KINDS[kind].mend}"
            content = response.setdefault("content", {}).setdefault(
                MEDIA_TYPE, {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": {}}
            )
            content["examples"][kind] = {"value": _example(kind)}
    return found


def install(app: FastAPI) -> None:
    """Install handlers that turn every error into a problem, and a page for each kind."""
    for error, handler in handlers().items():
        app.exception_handler(error)(handler)
    app.include_router(_pages())


def handlers() -> dict[type[Exception], Callable[..., Any]]:
    """Return the handlers that turn errors into problems, by class of error."""
    return {
        RequestValidationError: _invalid,
        HTTPException: _http,
        NotesError: _notes,
        Refused: _refused,
        TooMany: _too_many,
        Exception: _unexpected,
    }


def _example(kind: str) -> dict[str, Any]:
    example = Problem(
        type=f"/problems/{kind}",
        title=_title(kind),
        status=KINDS[kind].status,
        detail=KINDS[kind].mend,
    )
    return example.model_dump()


def _pages() -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/problems/{kind}")
    def page(kind: str) -> Response:
        if kind not in KINDS:
            raise HTTPException(404)
        return HTMLResponse(_page(_title(kind), _described(kind)))

    @router.get("/problems/")
    def all_kinds() -> Response:
        return HTMLResponse(_page("Problems", "".join(map(_described, KINDS))))

    return router


def _described(kind: str) -> str:
    return (
        f'<h2 id="{kind}">{_title(kind)} ({KINDS[kind].status})</h2>'
        f"<p><code>/problems/{kind}</code></p><p>{escape(KINDS[kind].mend)}</p>"
    )


def _page(title: str, body: str) -> str:
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
        f"<body><h1>{title}</h1>{body}"
    )


def _title(kind: str) -> str:
    return kind.replace("-", " ").capitalize()


async def _invalid(request: Request, error: RequestValidationError) -> JSONResponse:
    faults = [_fault(item) for item in error.errors()[:_MOST_FAULTS]]
    if any(tuple(item["loc"]) == ("body",) for item in error.errors()) and not _is_json(request):
        return problem("unsupported-media-type", _NO_OBJECT, faults)
    if any(item["type"] == "json_invalid" for item in error.errors()):
        return problem("invalid-json", f"The body is not JSON: {faults[0].detail}.")
    detail = "; ".join(f"{fault.field}: {fault.detail}" for fault in faults)
    return problem("invalid-request", detail, faults)


def _is_json(request: Request) -> bool:
    essence = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return essence == "application/json" or essence.endswith("+json")


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
        detail = _NO_OBJECT
    return FieldFault(field=(".".join(where) or "body")[:_FIELD], detail=detail)


async def _http(request: Request, error: HTTPException) -> JSONResponse:
    phrase = HTTPStatus(error.status_code).phrase
    kind = phrase.lower().replace(" ", "-")
    detail = str(error.detail)
    if detail == _UNREADABLE:
        return problem(
            "invalid-json",
            "The body is not JSON in UTF-8, is nested too deeply, or has a number of too many "
            "digits.",
        )
    path = request.url.path[:_FIELD]
    if detail == phrase:
        detail = {
            404: f"There is nothing at {path}.",
            405: f"{request.method} is not possible at {path}.",
        }.get(error.status_code, phrase)
    known = kind if kind in KINDS else "bad-request"
    return problem(known, detail, headers=error.headers)


async def _notes(request: Request, error: NotesError) -> JSONResponse:
    if isinstance(error, QuestionError):
        fault = FieldFault(field="question", detail=str(error))
        return problem("invalid-question", str(error), [fault])
    if isinstance(error, UnknownName):
        fault = FieldFault(field=error.field, detail=str(error))
        kind = "not-found" if error.field in ("answer_id", "id") else "invalid-request"
        return problem(kind, str(error), [fault])
    if isinstance(error, StoreAway):
        _LOG.error("unusable", error=str(error))
        detail = "What holds the notes' vectors does not answer at the moment."
        return problem("store-away", detail, headers={"Retry-After": "2"})
    if isinstance(error, IndexUnusable):
        return problem("index-unusable", str(error))
    if isinstance(error, Overloaded):
        return problem("overloaded", str(error), headers={"Retry-After": str(error.seconds)})
    if isinstance(error, LimitsUnusable):
        return limits_unusable(error)
    # These name files of the server: that is for its log.
    if isinstance(error, FeedbackUnwritable | KeysUnusable):
        _LOG.error("unusable", error=str(error))
        if isinstance(error, KeysUnusable):
            return problem("keys-unusable", "Keys cannot be checked at the moment.")
        return problem("feedback-unwritable", "Feedback cannot be kept at the moment. Asking can.")
    raise error


def too_many(error: TooMany) -> JSONResponse:
    """Return the response for a caller who has reached a rate limit."""
    standing = error.standing
    headers = standing.headers() | {"Retry-After": str(standing.reset)}
    detail = f"At most {standing.limit} are allowed. Try again in {standing.reset} seconds."
    if error.cost > standing.limit:
        detail = f"At most {standing.limit} are allowed, and this asks {error.cost}: ask fewer."
    return problem("too-many-requests", detail, headers=headers)


async def _refused(request: Request, error: Refused) -> JSONResponse:
    return refused(error)


async def _too_many(request: Request, error: TooMany) -> JSONResponse:
    return too_many(error)


def limits_unusable(error: LimitsUnusable) -> JSONResponse:
    """Return the response for a rate limit that cannot be checked, since Redis is away."""
    _LOG.error("unusable", error=str(error))
    return problem("limits-unusable", "What was asked cannot be counted at the moment.")


def internal_error() -> JSONResponse:
    """Return the response for an unexpected error."""
    return problem("internal-error", "Something went wrong here. The log of the server says what.")


async def _unexpected(request: Request, error: Exception) -> JSONResponse:
    # Starlette raises it again after this, for the guard to log.
    return internal_error()
