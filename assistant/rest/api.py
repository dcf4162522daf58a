"""The REST API, version 1."""

from typing import Annotated, Literal

from fastapi import APIRouter, FastAPI
from fastapi_offline import FastAPIOffline
from pydantic import BaseModel, ConfigDict, Field

from assistant.rest import problems
from assistant.answer import Answer
from assistant.ask import MAX_HISTORY, MAX_LIMIT, MAX_QUESTION, Assistant, Question


class AskRequest(BaseModel):
    """One question."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={"examples": [{"question": "볼륨은 어디에 저장되나요?", "limit": 3}]},
    )

    question: Annotated[
        str, Field(min_length=1, max_length=MAX_QUESTION, description="Korean or English")
    ]
    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT, description="Sections to return at most")] = 3
    language: Annotated[
        Literal["auto", "ko", "en"], Field(description="Of the question; auto finds out")
    ] = "auto"
    min_confidence: Annotated[
        float | None,
        Field(ge=0, le=1, strict=False, description="Below it: not_covered. Default: calibrated"),
    ] = None
    explain: Annotated[bool, Field(description="Show each stage's scores")] = False
    history: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=MAX_QUESTION)]],
        Field(max_length=MAX_HISTORY, description="Earlier questions, oldest first"),
    ] = []


class Live(BaseModel):
    """The process runs."""

    status: Literal["live"] = "live"


class Ready(BaseModel):
    """Questions are answered, from this version of the index."""

    status: Literal["ready"] = "ready"
    index_version: str


def create_app(assistant: Assistant) -> FastAPI:
    """Return the application with REST and health; faces for people are mounted onto it."""
    app = FastAPIOffline(
        redoc_url=None,
        title="Notes Assistant",
        version="1",
        description="Answers questions with passages of your notes, word for word, each with a "
        "link to its section, or says that the notes do not cover it. Nothing is generated.",
    )
    problems.install(app)
    app.include_router(_router(assistant))
    return app


def _router(assistant: Assistant) -> APIRouter:
    router = APIRouter()

    @router.post(
        "/api/v1/ask",
        operation_id="ask",
        tags=["questions"],
        summary="Ask one question",
        responses=problems.documented(400, 413, 422, 503),
    )
    def ask(request: AskRequest) -> Answer:
        """Return the sections that answer, best first, or `not_covered` with the closest one."""
        return assistant.ask(
            Question(
                request.question,
                request.limit,
                request.language,
                request.explain,
                request.min_confidence,
                tuple(request.history),
            )
        )

    @router.get("/health/live", operation_id="live", tags=["operations"])
    async def live() -> Live:
        """Return 200 as long as the process runs."""
        return Live()

    @router.get("/health/ready", operation_id="ready", tags=["operations"])
    async def ready() -> Ready:
        """Return 200 once questions are answered."""
        return Ready(index_version=assistant.snapshot.version)

    return router
