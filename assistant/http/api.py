"""The REST API, version 1."""

import hashlib
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal, TypeAlias

import anyio.to_thread
from fastapi import APIRouter, FastAPI, Path, Query, Request, Response
from fastapi_offline import FastAPIOffline

from assistant.answering import MAX_LIMIT, MAX_QUESTION, Answer, Question, Stages, searchable
from assistant.http import openapi, problems
from assistant.http.rest_models import (
    NOT_BLANK,
    AskRequest,
    BatchAnswers,
    BatchRequest,
    DocumentInfo,
    Documents,
    FeedbackKept,
    FeedbackRequest,
    Gaps,
    Live,
    Names,
    Ready,
    SectionInfo,
    Sections,
)
from assistant.links import section_url
from assistant.milvus_connection import check
from assistant.searching import Results, search
from assistant.serving import Limits, Service
from index.errors import QuestionError, UnknownName
from index.markdown import Document

SlackState: TypeAlias = Callable[[], Literal["ok", "unauthorized"] | None]
ChatState: TypeAlias = Callable[[], Literal["starting", "ready", "failed"] | None]

_MOST_OFFSET = 10_000
_MOST_GAPS = 200
_MOST_DAYS = 365
_SEARCH_SECONDS = 60
# What callers may be told, beside what any request may.
_READING = (
    "unauthorized", "forbidden", "too-many-requests", "keys-unusable", "limits-unusable",
)  # fmt: skip
_ASKING = (*_READING, "overloaded", "timeout", "store-away")
_BODY = (
    "invalid-json", "invalid-request", "request-timeout", "body-too-large",
    "unsupported-media-type",
)  # fmt: skip


def create_app(
    service: Service,
    limits: Limits | None = None,
    root_path: str = "",
    slack: SlackState = lambda: None,
    chat: ChatState = lambda: None,
) -> FastAPI:
    """Return the application with REST and health routes; pages for people are mounted onto it.

    limits: rate limits of callers, None for no limits. root_path: the path below which a proxy
    shows the server. slack, chat: functions that give their states for `/health/ready`.
    """
    app = FastAPIOffline(
        redoc_url=None,
        title="Notes Assistant",
        version="1",
        description=openapi.DESCRIPTION,
        openapi_tags=openapi.TAGS,
        root_path=root_path,
    )
    problems.install(app)
    app.include_router(_questions(service, limits))
    app.include_router(_notes(service))
    app.include_router(_authors(service))
    app.include_router(_operations(service, slack, chat))
    app.openapi = lambda: openapi.document(app)  # type: ignore[method-assign]
    return app


def _questions(service: Service, limits: Limits | None) -> APIRouter:
    router = APIRouter(prefix="/api/v1", tags=["questions"])

    async def count(request: Request, response: Response, questions: int) -> None:
        if limits:
            standing = await limits.questions(request.state.caller, questions)
            response.headers.update(standing.headers())

    @router.post(
        "/ask",
        operation_id="ask",
        summary="Ask one question",
        response_description="The sections that answer, or none",
        responses=problems.documented(*_BODY, *_ASKING, "invalid-question"),
    )
    async def ask(body: AskRequest, request: Request, response: Response) -> Answer:
        """Return the sections that answer, best first, or `not_covered` with the closest one.

        With `history` the question is understood as part of a conversation; `query` shows what was
        searched for it.
        """
        _check(body.question, "question")
        await count(request, response, 1)
        question = Question(
            body.question,
            body.limit,
            body.language,
            body.explain,
            body.min_confidence,
            tuple(body.history),
            tuple(body.corpora),
            tuple(body.documents),
        )
        ((answer, stages),) = await service.answers([question])
        response.headers["Server-Timing"] = _timing(stages)
        return answer

    @router.post(
        "/ask/batch",
        operation_id="askBatch",
        summary="Ask several questions at once",
        response_description="The answers, in the order of the questions",
        responses=problems.documented(*_BODY, *_ASKING, "invalid-question"),
    )
    async def ask_batch(body: BatchRequest, request: Request, response: Response) -> BatchAnswers:
        """Return the answers in the same order; each question counts against the limit."""
        for number, text in enumerate(body.questions):
            _check(text, f"questions.{number}")
        await count(request, response, len(body.questions))
        asked = [Question(text, body.limit) for text in body.questions]
        answered = await service.answers(asked)
        return BatchAnswers(answers=[answer for answer, _ in answered])

    @router.get(
        "/search",
        operation_id="search",
        summary="Search while typing",
        response_description="One page of the sections that match",
        responses=problems.documented(*_ASKING, "invalid-request", "invalid-question")
        | {304: {"description": "As before: the sections of the same `ETag` still hold"}},
    )
    async def find(
        request: Request,
        response: Response,
        q: Annotated[
            str,
            Query(
                min_length=1,
                max_length=MAX_QUESTION,
                json_schema_extra=NOT_BLANK,
                description="Its last word may be unfinished, unless a space follows it",
                examples=["도커 볼", "compose"],
            ),
        ],
        limit: Annotated[
            int, Query(ge=1, le=MAX_LIMIT, description="Sections to return at most")
        ] = 10,
        offset: Annotated[
            int, Query(ge=0, le=_MOST_OFFSET, description="Sections to leave out, for later pages")
        ] = 0,
        corpus: Annotated[Names, Query(description="Of these alone; none: of all")] = [],  # noqa: B006
        document: Annotated[Names, Query(description="Ids; of these alone; none: of all")] = [],  # noqa: B006
    ) -> Results:
        """Return sections that match, ranked, without judging whether they answer.

        `highlights` are offsets into `text`; `snippet` is safe to put into a page as it is.
        `facets` count all matches by document.
        """
        _check(q, "q")
        assistant = service.assistant
        asked = (assistant.snapshot.version, q, limit, offset, corpus, document)
        digest = hashlib.sha256(repr(asked).encode("utf-8", "surrogatepass")).hexdigest()
        headers = {
            "ETag": f'W/"{digest[:24]}"',
            "Cache-Control": f"private, max-age={_SEARCH_SECONDS}",
            "Vary": "Authorization, X-API-Key",
        }
        if headers["ETag"] in _tags(request):
            return Response(status_code=304, headers=headers)  # type: ignore[return-value]
        try:
            found = await service.workers.take(
                lambda: search(assistant, q, limit, offset, corpus, document)
            )
        except UnknownName as error:
            # Named in the singular here, where one may be given several times.
            field = {"corpora": "corpus", "documents": "document"}.get(error.field, error.field)
            raise UnknownName(str(error), field) from error
        response.headers.update(headers)
        return found

    return router


def _notes(service: Service) -> APIRouter:
    router = APIRouter(prefix="/api/v1", tags=["notes"])

    @router.get(
        "/documents",
        operation_id="listDocuments",
        summary="What is indexed",
        response_description="Every document",
        responses=problems.documented(*_READING),
    )
    async def documents() -> Documents:
        """Return every document, in the order of the notes."""
        return Documents(
            documents=[
                DocumentInfo(
                    id=document.id,
                    title=document.title,
                    corpus=document.corpus,
                    language=document.language,
                    sections=len(document.sections),
                )
                for document in service.assistant.snapshot.notes.documents
            ]
        )

    @router.get(
        "/documents/{id:path}/sections",
        operation_id="listSections",
        summary="The sections of a document",
        response_description="Every section, in the order of the document",
        responses=problems.documented(*_READING, "not-found", "invalid-request"),
    )
    async def sections(
        id: Annotated[str, Path(description="As GET /api/v1/documents gives it")],  # noqa: A002
        corpus: Annotated[
            str | None, Query(description="Where several have a document so called")
        ] = None,
    ) -> Sections:
        """Return the sections in the order of the document; an id may hold slashes."""
        assistant = service.assistant
        notes = assistant.snapshot.notes
        document = _document(notes.documents, id, corpus)
        apart = notes.is_apart(document)
        return Sections(
            sections=[
                SectionInfo(
                    title=section.title,
                    path=section.path,
                    anchor=section.anchor,
                    level=section.level,
                    url=section_url(
                        assistant.link_template, assistant.public_url, document, section, apart
                    ),
                )
                for section in document.sections
            ]
        )

    return router


def _authors(service: Service) -> APIRouter:
    router = APIRouter(prefix="/api/v1", tags=["authors"])

    @router.post(
        "/feedback",
        operation_id="giveFeedback",
        summary="Say whether an answer helped",
        response_description="The vote as it was kept",
        responses=problems.documented(*_BODY, *_READING, "not-found", "feedback-unwritable"),
    )
    def feedback(body: FeedbackRequest) -> FeedbackKept:
        """Return once the vote stands on disk."""
        service.feedback.vote(body.answer_id, body.helpful, body.comment)
        return FeedbackKept(answer_id=body.answer_id, helpful=body.helpful)

    @router.get(
        "/gaps",
        operation_id="listGaps",
        summary="What the notes fail to answer",
        response_description="Questions alike, the most frequent first",
        responses=problems.documented(*_ASKING, "invalid-request", "feedback-unwritable"),
    )
    async def gaps(
        limit: Annotated[
            int, Query(ge=1, le=_MOST_GAPS, description="Groups to return at most")
        ] = 50,
        days: Annotated[
            int, Query(ge=1, le=_MOST_DAYS, description="Of the last so many days")
        ] = 30,
    ) -> Gaps:
        """Return questions that went unanswered or were voted down, the most frequent first."""
        now = datetime.now(UTC)
        found = await service.workers.take(
            lambda: service.feedback.gaps(limit, days, now), questions=0
        )
        return Gaps(since=now - timedelta(days=days), gaps=found)

    return router


def _operations(service: Service, slack: SlackState, chat: ChatState) -> APIRouter:
    router = APIRouter(tags=["operations"])

    @router.get("/health/live", operation_id="live", summary="Whether the process runs")
    async def live() -> Live:
        """Return 200 as long as the process runs."""
        return Live()

    @router.get(
        "/health/ready",
        operation_id="ready",
        summary="Whether questions are answered",
        responses=problems.documented("store-away"),
    )
    async def ready() -> Ready:
        """Return 200 once questions are answered."""
        snapshot = service.assistant.snapshot
        if service.milvus:
            await anyio.to_thread.run_sync(check, snapshot)
        return Ready(
            index_version=snapshot.version,
            chat=chat(),
            milvus="ok" if service.milvus else None,
            slack=slack(),
        )

    @router.get(
        "/metrics",
        operation_id="metrics",
        summary="Metrics for Prometheus",
        response_class=Response,
        responses=problems.documented(*_READING)
        | {200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
    )
    async def metrics() -> Response:
        """Return counts and times in Prometheus' text format."""
        service.metrics.dropped.set(service.feedback.dropped)
        return Response(service.metrics.text(), media_type="text/plain; version=0.0.4")

    return router


def _document(documents: Iterable[Document], id_: str, corpus: str | None) -> Document:
    for document in documents:
        if document.id == id_ and corpus in (None, document.corpus):
            return document
    raise UnknownName(f"There is no document {id_!r}. GET /api/v1/documents lists them.", "id")


def _check(question: str, field: str) -> None:
    """Raise Refused that names the field, where a question is blank or too long to search."""
    try:
        searchable(question)
    except QuestionError as error:
        fault = problems.FieldFault(field=field, detail=str(error))
        raise problems.Refused("invalid-question", str(error), faults=[fault]) from error


def _tags(request: Request) -> list[str]:
    return [tag.strip() for tag in request.headers.get("if-none-match", "").split(",")]


def _timing(stages: Stages) -> str:
    """Return the value of the Server-Timing field for the stages, in milliseconds."""
    return ", ".join(f"{name};dur={seconds * 1000:.2f}" for name, seconds in stages.items())
