"""What an answer is, as every face shows it and REST returns it."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from index.language import Language

Status = Literal["answered", "not_covered"]
Grade = Literal["answers", "may_answer", "not_covered"]


@dataclass(frozen=True)
class Highlight:
    """Where the words that answer stand in a passage's text, as characters [start, end)."""

    start: int
    end: int


@dataclass(frozen=True)
class SectionRef:
    """The section a passage stands in."""

    title: str
    path: Annotated[tuple[str, ...], Field(description="Headings from the document's title down")]
    anchor: Annotated[str, Field(description="The fragment that GitHub gives the heading")]
    level: int


@dataclass(frozen=True)
class DocumentRef:
    """The Markdown file a passage stands in."""

    id: str
    title: str
    corpus: str
    language: Language
    path: Annotated[str, Field(description="The file, below its corpus's folder")]


@dataclass(frozen=True)
class Explanation:
    """What each stage of the search gave a passage."""

    late: Annotated[float, Field(description="Late interaction: how well the words are met")]
    lines: Annotated[float, Field(description="Cosine of its best line")]
    dense: Annotated[float, Field(description="Cosine of the whole passage")]
    lexical: Annotated[float, Field(description="Share of BM25 that it reaches")]
    gist: Annotated[
        float, Field(description="Cosine of what it and the question are about, whatever the words")
    ]
    reranked: Annotated[
        float | None, Field(description="The reader's score, null where it was not read")
    ]


@dataclass(frozen=True)
class FoundPassage:
    """A passage of the notes, word for word, with its links."""

    rank: int
    score: Annotated[float, Field(description="For ranking only; higher is better")]
    text: Annotated[str, Field(description="Markdown, as written in the notes")]
    highlights: tuple[Highlight, ...]
    line: Annotated[int, Field(description="Line of the file where the answer starts, from 1")]
    section: SectionRef
    document: DocumentRef
    damaged: Annotated[bool, Field(description="Whether the text was mended")]
    url: Annotated[str, Field(description="Link to the section")]
    highlight_url: Annotated[str, Field(description="Link to the very words")]
    explanation: Annotated[Explanation | None, Field(description="If asked for")] = None
    references: Annotated[
        str,
        Field(description="Markdown: the definitions of the links and footnotes that it refers to"),
    ] = ""


@dataclass(frozen=True)
class Answer:
    """The passages that answer a question, best first, or word that the notes do not cover it."""

    id: str
    status: Status
    grade: Grade
    confidence: Annotated[
        float, Field(ge=0, le=1, description="Probability that the line marked first answers")
    ]
    message: Annotated[str | None, Field(description="A sentence for a person")]
    language: Annotated[Language, Field(description="Of the question")]
    query: Annotated[str, Field(description="The question as searched")]
    corrected_from: Annotated[str | None, Field(description="The question as typed, if mended")]
    index_version: str
    took_ms: float
    passages: tuple[FoundPassage, ...]
    closest: Annotated[
        FoundPassage | None, Field(description="The nearest passage where none answers")
    ]
    missing: Annotated[
        tuple[str, ...], Field(description="Names in the question that the notes never mention")
    ] = ()
