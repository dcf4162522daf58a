"""What the tools take and give, as assistants are told it in JSON Schema."""

from typing import Annotated, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue

from assistant.answering import MAX_LIMIT, MAX_QUESTION, Grade, Status, searchable
from index.errors import QuestionError

# Said in the schema alone: `searchable` tells better what is wrong.
_LENGTH: dict[str, JsonValue] = {"minLength": 1, "maxLength": MAX_QUESTION}
_ID = "Of a section: what `fetch` takes"
_URL = "Link to the section, to cite it by"


def _asked(text: str) -> str:
    try:
        searchable(text)
    except QuestionError as error:
        raise ValueError(str(error)) from error
    return text


class _Arguments(BaseModel):
    model_config = ConfigDict(extra="forbid")


class AskArguments(_Arguments):
    """One question."""

    question: Annotated[
        str,
        AfterValidator(_asked),
        Field(
            description="One complete question in Korean or English that can be understood alone",
            json_schema_extra=_LENGTH,
        ),
    ]
    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT, description="Sections to return at most")] = 3


class SearchArguments(_Arguments):
    """What to search for."""

    query: Annotated[
        str,
        AfterValidator(_asked),
        Field(description="Words or a question, Korean or English", json_schema_extra=_LENGTH),
    ]


class FetchArguments(_Arguments):
    """Which section to give whole."""

    id: Annotated[str, Field(description="The id of a section, as `search` and `ask` give it")]


class PassageText(BaseModel):
    """A passage of the notes, word for word."""

    id: Annotated[str, Field(description=_ID)]
    title: Annotated[str, Field(description="The document's title, then headings down to it")]
    url: Annotated[str, Field(description=_URL)]
    quotes: Annotated[
        list[str], Field(description="What in the text answers, word for word, best first")
    ]
    text: Annotated[
        str, Field(description="Markdown, as written in the notes; links by label are written out")
    ]
    damaged: Annotated[
        bool, Field(description="Whether the file was damaged there, and the text is mended")
    ]


class Answered(BaseModel):
    """The passages that answer, best first, or word that the notes do not."""

    status: Annotated[Status, Field(description="not_covered: the notes do not answer this")]
    grade: Annotated[Grade, Field(description="may_answer: the passages may not be the answer")]
    confidence: Annotated[
        float, Field(description="Probability that the first passage answers, 0 to 1")
    ]
    message: Annotated[str | None, Field(description="A sentence for a person")]
    passages: Annotated[list[PassageText], Field(description="Empty where nothing answers")]
    closest: Annotated[
        PassageText | None, Field(description="Where nothing answers, the nearest; it is no answer")
    ]
    query: Annotated[str, Field(description="The question as searched, spelling mended")]
    answer_id: Annotated[str, Field(description="Of this answer, for feedback over REST")]


class SearchResult(BaseModel):
    """A section that matches."""

    id: Annotated[str, Field(description=_ID)]
    title: Annotated[str, Field(description="The document's title, then headings down to it")]
    url: Annotated[str, Field(description=_URL)]
    text: Annotated[str, Field(description="A piece of it, without Markdown")]


class SearchResults(BaseModel):
    """The sections that match, best first."""

    results: list[SearchResult]


class Metadata(BaseModel):
    """Where a section stands; all of it text, as some assistants expect."""

    document: Annotated[str, Field(description="The document's title")]
    corpus: str
    file: Annotated[str, Field(description="Below its corpus's folder")]
    lines: Annotated[str, Field(description="First and last line in the file, from 1")]
    language: str
    index_version: str


class SectionText(BaseModel):
    """A whole section, the sections below it included."""

    id: str
    title: Annotated[str, Field(description="The document's title, then headings down to it")]
    text: Annotated[
        str, Field(description="Markdown, as written in the notes; links by label are written out")
    ]
    url: Annotated[str, Field(description=_URL)]
    metadata: Metadata


Arguments: TypeAlias = AskArguments | SearchArguments | FetchArguments
