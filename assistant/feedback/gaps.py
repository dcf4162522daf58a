"""Groups similar questions that the notes did not answer."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Lock
from typing import TypeAlias

import numpy as np

from index.arrays import Floats
from index.encoding import Encoder
from index.language import Language
from index.language import language as language_of

# Examples and comments of a gap at most.
MOST_SHOWN = 5
_ALIKE = 0.57

Vectors: TypeAlias = Callable[[Sequence[str]], Floats]


@dataclass(frozen=True)
class NearestSection:
    """The section that stood first, or closest, when a question was last asked."""

    corpus: str
    document: str
    anchor: str
    title: str


@dataclass(frozen=True)
class Gap:
    """Questions alike that the notes did not answer, or whose answers were voted down.

    question: the one asked most often, as searched; examples: as people wrote them.
    count: how often they were asked; unanswered and voted_down may count the same one twice.
    last_asked: UTC, ISO 8601.
    """

    question: str
    language: Language
    count: int
    unanswered: int
    voted_down: int
    last_asked: str
    examples: tuple[str, ...]
    comments: tuple[str, ...]
    nearest: NearestSection | None


@dataclass(frozen=True)
class Asked:
    """One question as searched, however often it was asked."""

    nearest: NearestSection | None
    comments: tuple[str, ...]
    query: str
    question: str
    language: Language
    count: int
    unanswered: int
    voted_down: int
    last: float


def grouped(asked: Sequence[Asked], vectors: Vectors) -> list[Gap]:
    """Return groups of similar questions, most often asked first, then latest first.

    asked: sorted by how often, the most frequent first; the first question of a group names it.
    """
    if not asked:
        return []
    groups = alike(vectors([item.query for item in asked]))
    gaps = [_gap([asked[row] for row in rows]) for rows in groups]
    # Stable sorts: the latest first among equally many.
    gaps.sort(key=lambda gap: gap.last_asked, reverse=True)
    return sorted(gaps, key=lambda gap: -gap.count)


def question_vectors(
    encoder: Encoder, means: Mapping[Language, Floats], questions: Sequence[str]
) -> Floats:
    """Return centred question vectors, float32 (questions, dimension), unit length.

    The mean vector of all questions is subtracted, since it says nothing about a single one.
    means: that mean by language, as `General.vector_means` holds it.
    """
    return centred_question(encoded_question(encoder, questions), means, questions)


def encoded_question(encoder: Encoder, questions: Sequence[str]) -> Floats:
    """Return the encoder's vectors of questions, float32 (questions, dimension), unit length."""
    return np.stack([item.vector for item in encoder.encode(questions, "query")])


def centred_question(
    vectors: Floats, means: Mapping[Language, Floats], questions: Sequence[str]
) -> Floats:
    """Return the vectors minus the mean question vector of their language, unit length."""
    own = vectors - np.stack([means[language_of(question)] for question in questions])
    unit: Floats = own / np.maximum(np.linalg.norm(own, axis=1, keepdims=True), 1e-9)
    return unit


def remembered(vectors: Vectors) -> Vectors:
    """Return the function with a cache: it encodes only questions that its last call did not have.

    Encoding 1,000 questions takes four seconds of all cores.
    """
    known: dict[str, Floats] = {}
    busy = Lock()

    def found(questions: Sequence[str]) -> Floats:
        with busy:
            new = [question for question in dict.fromkeys(questions) if question not in known]
            known.update(zip(new, vectors(new) if new else (), strict=True))
            for question in known.keys() - set(questions):
                del known[question]
            return np.stack([known[question] for question in questions])

    return found


def alike(vectors: Floats) -> list[list[int]]:
    """Return groups of similar rows: each row joins the nearest group leader, or leads a new group.

    A row joins where its cosine to the leader is 0.57 or more. The threshold was chosen on the 76
    uncovered development questions to the Docker notes, 57 of them reworded by hand: 95% of the
    pairs in one group ask the same, and 58% of the pairs that ask the same are in one group. Of
    the 153 covered questions, 97% of the pairs in one group are answered by one section; a cosine
    of 0.91 without the mean subtracted gave 88%.
    """
    cosines = vectors @ vectors.T
    groups: list[list[int]] = []
    leaders: list[int] = []
    for row in range(len(vectors)):
        near = cosines[row, leaders]
        if leaders and near.max() >= _ALIKE:
            groups[int(near.argmax())].append(row)
        else:
            leaders.append(row)
            groups.append([row])
    return groups


def _gap(asked: Sequence[Asked]) -> Gap:
    first = asked[0]
    comments = [comment for item in asked for comment in item.comments]
    last = datetime.fromtimestamp(max(item.last for item in asked), UTC)
    return Gap(
        question=first.query,
        language=first.language,
        count=sum(item.count for item in asked),
        unanswered=sum(item.unanswered for item in asked),
        voted_down=sum(item.voted_down for item in asked),
        last_asked=last.isoformat(timespec="seconds"),
        examples=tuple(dict.fromkeys(item.question for item in asked))[:MOST_SHOWN],
        comments=tuple(comments[:MOST_SHOWN]),
        nearest=first.nearest,
    )
