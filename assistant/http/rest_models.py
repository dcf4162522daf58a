"""What REST takes and gives, beside answers."""

from datetime import datetime
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue

from assistant.answering import MAX_HISTORY, MAX_LIMIT, MAX_QUESTION, Answer
from assistant.feedback import Gap
from index.language import Language

MAX_BATCH = 64
MAX_COMMENT = 2000
_MAX_NAMES = 100

# Said in the description alone: what a blank question is told is a sentence for a person.
NOT_BLANK: dict[str, JsonValue] = {"pattern": r"\S"}


def _whole(value: object) -> object:
    # To JSON, 3.0 is an integer.
    return int(value) if isinstance(value, float) and value.is_integer() else value


QuestionText: TypeAlias = Annotated[
    str,
    Field(
        min_length=1,
        max_length=MAX_QUESTION,
        description="Korean or English",
        json_schema_extra=NOT_BLANK,
    ),
]
Limit: TypeAlias = Annotated[
    int,
    Field(ge=1, le=MAX_LIMIT, description="Sections to return at most"),
    BeforeValidator(_whole),
]
Names: TypeAlias = Annotated[
    list[Annotated[str, Field(max_length=500)]], Field(max_length=_MAX_NAMES)
]


class AskRequest(BaseModel):
    """One question."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={
            "examples": [
                {"question": "볼륨은 어디에 저장되나요?", "limit": 3},
                {"question": "and where is that on disk?", "history": ["What is a volume?"]},
            ]
        },
    )

    question: QuestionText
    limit: Limit = 3
    language: Annotated[
        Literal["auto", "ko", "en"], Field(description="Of the question; auto finds out")
    ] = "auto"
    history: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=MAX_QUESTION)]],
        Field(max_length=MAX_HISTORY, description="Earlier questions, oldest first"),
    ] = []
    min_confidence: Annotated[
        float | None,
        Field(ge=0, le=1, description="Below it: not_covered. Default: calibrated"),
    ] = None
    corpora: Annotated[Names, Field(description="Answer from these alone; empty: all")] = []
    documents: Annotated[Names, Field(description="Ids; answer from these alone")] = []
    explain: Annotated[bool, Field(description="Show each stage's scores")] = False


class BatchRequest(BaseModel):
    """Several questions that have nothing to do with each other."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={
            "examples": [{"questions": ["도커가 뭐예요?", "What is a bind mount?"], "limit": 1}]
        },
    )

    questions: Annotated[list[QuestionText], Field(min_length=1, max_length=MAX_BATCH)]
    limit: Limit = 3


class BatchAnswers(BaseModel):
    """The answers, in the order of the questions."""

    answers: list[Answer]


class DocumentInfo(BaseModel):
    """A document of the notes."""

    id: Annotated[str, Field(description="Its path below the corpus, without suffix")]
    title: str
    corpus: str
    language: Language
    sections: Annotated[int, Field(description="How many sections it has")]


class Documents(BaseModel):
    """What is indexed."""

    documents: list[DocumentInfo]


class SectionInfo(BaseModel):
    """A section of a document."""

    title: str
    path: Annotated[tuple[str, ...], Field(description="Headings from the document's title down")]
    anchor: Annotated[str, Field(description="The fragment that GitHub gives the heading")]
    level: int
    url: str


class Sections(BaseModel):
    """The sections of one document, in its order."""

    sections: list[SectionInfo]


class FeedbackRequest(BaseModel):
    """What a person thought of an answer; a later vote on the same answer replaces it."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={
            "examples": [
                {
                    "answer_id": "3f2b8c1d9e4a4b7f8a6c5d4e3f2a1b0c",
                    "helpful": False,
                    "comment": "The path on Windows is missing.",
                }
            ]
        },
    )

    answer_id: Annotated[str, Field(min_length=1, max_length=64, description="`id` of an answer")]
    helpful: bool
    comment: Annotated[
        str | None, Field(max_length=MAX_COMMENT, description="For the notes' authors")
    ] = None


class FeedbackKept(BaseModel):
    """The vote stands on disk."""

    answer_id: str
    helpful: bool


class Gaps(BaseModel):
    """Questions that the notes do not answer, or not well, grouped by likeness."""

    since: datetime
    gaps: list[Gap]


class Live(BaseModel):
    """The process runs."""

    status: Literal["live"] = "live"


class Ready(BaseModel):
    """Questions are answered, from this version of the index."""

    status: Literal["ready"] = "ready"
    index_version: str
    chat: Annotated[
        Literal["starting", "ready", "failed"] | None,
        Field(description="The page for people, made after the start; null: not served here"),
    ] = None
    milvus: Annotated[
        Literal["ok"] | None,
        Field(description="Whether Milvus searches the vectors; null: they are searched here"),
    ] = None
    slack: Annotated[
        Literal["ok", "unauthorized"] | None,
        Field(description="Whether Slack takes the bot's token; null: not set up or not known yet"),
    ] = None
