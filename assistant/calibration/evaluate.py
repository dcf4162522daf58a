"""Measures how well an assistant answers a file of questions: ranking, highlights, time."""

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError

from assistant.answering import Assistant, Grade, Question, measured
from assistant.retrieval import FUSED, Fusion, Hit
from index.arrays import Floats
from index.errors import NotesError
from index.markdown import Passage
from index.storage import Notes

# As ir-measures calls them.
_RANKED = {"MRR@10": "RR@10", "nDCG@10": "nDCG@10"}
MEASURES = ("R@1", "R@3", *_RANKED)
NOTHING = Fusion(
    late=0,
    lines=0,
    dense=0,
    lexical=0,
    lexical_across=0,
    sentence_embedding=0,
    sentence_across=0,
    read=0,
)
ABLATIONS: dict[str, Fusion] = {
    "dense": replace(NOTHING, dense=1),
    "lexical": replace(NOTHING, lexical=1, lexical_across=1),
    "late": replace(NOTHING, late=1),
    "sentence embedding": replace(NOTHING, sentence_embedding=1, sentence_across=1),
    "no sentence embedding": replace(FUSED, sentence_embedding=0, sentence_across=0),
    "unread": replace(FUSED, read=0),
    "fused": FUSED,
}
# Questions whose every word stands in the notes, but whose answer does not.
HARD = "hard"
_DEPTH = 20
_RESAMPLES = 2000


class QuestionsError(NotesError):
    """Raised when a file of questions cannot be read or measured."""


class Case(BaseModel):
    """One question with its known answers; a case without gold is not covered by the notes.

    gold: anchors of the sections that answer. gold_path: path of the document that answers, where
    only that is known. lines: words copied from the lines of the notes that answer.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    id: str
    question: Annotated[str, Field(validation_alias=AliasChoices("question", "query"))]
    language: Annotated[
        Literal["ko", "en"], Field(validation_alias=AliasChoices("language", "lang"))
    ]
    kind: str = "question"
    part: str = ""
    gold: tuple[str, ...] = ()
    gold_path: str = ""
    lines: tuple[str, ...] = ()
    history: tuple[str, ...] = ()

    @property
    def answers(self) -> frozenset[str]:
        """Return the anchors of the right sections, or the document's path if only it is known."""
        return frozenset(self.gold) or frozenset([self.gold_path])

    @property
    def covered(self) -> bool:
        """Return whether the notes answer this question."""
        return bool(self.gold or self.gold_path)


@dataclass(frozen=True)
class Times:
    """Milliseconds that a question took, for each stage and in all."""

    encoding: float
    search: float
    judge: float
    whole: float


@dataclass(frozen=True)
class Result:
    """The measured result of one question.

    measures: values by name, NaN where the notes do not cover the question. highlighted: whether
    the line marked first answers, and whether any marked line of the first section does; None
    where the case names no lines.
    """

    case: Case
    measures: Mapping[str, float]
    highlighted: tuple[bool, bool] | None
    times: Times
    confidence: float
    grade: Grade


def read_cases(path: Path, part: str = "") -> list[Case]:
    """Return the questions of a JSON Lines file, or only those of the named part.

    Raises QuestionsError that names the wrong line, or where the part has no questions.
    """
    cases = []
    try:
        lines = path.read_text("utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise QuestionsError(f"{path} cannot be read: {error}") from error
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            cases.append(Case.model_validate(json.loads(line)))
        except (ValidationError, json.JSONDecodeError) as error:
            reason = str(error).replace("\n", " ")
            raise QuestionsError(f"{path}:{number} is no question: {reason}") from error
    chosen = [case for case in cases if not part or case.part == part]
    if not chosen:
        known = ", ".join(sorted({case.part for case in cases})) or "none"
        raise QuestionsError(f"{path} has no questions of part {part!r}; its parts: {known}.")
    return chosen


def evaluate(assistant: Assistant, cases: Sequence[Case], fusion: Fusion = FUSED) -> list[Result]:
    """Return the result of each question, asked one after the other."""
    asked = replace(assistant, fusion=fusion)
    return [_result(asked, case) for case in cases]


def interval(values: Sequence[float]) -> tuple[float, float]:
    """Return the 95% interval of a mean by the percentile bootstrap (Efron 1979)."""
    array = np.asarray(values, np.float64)
    generator = np.random.default_rng(0)
    rows = generator.integers(0, len(array), (_RESAMPLES, len(array)))
    low, high = np.percentile(array[rows].mean(axis=1), (2.5, 97.5))
    return float(low), float(high)


def grouped(results: Iterable[Result]) -> dict[str, list[Result]]:
    """Return the results of covered questions in groups by name.

    Each single question is in two groups, for example `ko` and `ko question`; a follow-up is in
    `conversation` and `conversation` with its kind.
    """
    groups: dict[str, list[Result]] = {}
    for result in results:
        case = result.case
        names = [case.language, f"{case.language} {case.kind}"]
        if case.history:
            names = ["conversation", f"conversation {case.kind}"]
        for name in names if case.covered else ():
            groups.setdefault(name, []).append(result)
    return dict(sorted(groups.items()))


def _result(assistant: Assistant, case: Case) -> Result:
    """Return the result of a question, after the questions of its history were asked."""
    for number, before in enumerate(case.history):
        assistant.outcome(Question(before, history=case.history[:number]))
    started = time.perf_counter()
    with measured() as stages:
        outcome = assistant.outcome(Question(case.question, history=case.history))
    whole = time.perf_counter() - started
    hits = outcome.reading.found.hits if outcome.reading else []
    notes = assistant.snapshot.notes
    return Result(
        case,
        measures(case, _scores(case, notes, hits)),
        _highlighted(case, notes, hits),
        Times(
            stages.get("encode", 0.0) * 1000,
            stages.get("search", 0.0) * 1000,
            stages.get("judge", 0.0) * 1000,
            whole * 1000,
        ),
        outcome.confidence,
        outcome.grade,
    )


def measures(case: Case, scores: Mapping[str, float]) -> dict[str, float]:
    """Return the values of MEASURES by name, NaN where the notes do not cover the question.

    scores: by anchor or by path, whichever the case names; higher is better.
    """
    if not case.covered:
        return dict.fromkeys(MEASURES, float("nan"))
    gold = case.answers
    # Of equal scores, what does not answer counts as first: a tie wins nothing.
    ranked = sorted(scores, key=lambda name: (-scores[name], name in gold))[:_DEPTH]
    run = {"q": {name: float(-rank) for rank, name in enumerate(ranked)}}
    library = _library()
    found = library.calc_aggregate(
        [library.parse_measure(each) for each in _RANKED.values()],
        {"q": dict.fromkeys(gold, 1)},
        run,
    )
    values = {str(measure): float(value) for measure, value in found.items()}
    # Several sections may answer: that one of them stands there is what a reader sees.
    seen = {f"R@{depth}": float(not gold.isdisjoint(ranked[:depth])) for depth in (1, 3)}
    return seen | {name: values[each] for name, each in _RANKED.items()}


def _library() -> Any:
    # With SciPy it is 145 MB, and no other command needs it.
    try:
        import ir_measures
    except ImportError as error:
        raise QuestionsError(
            "What measures rankings is not installed: pip install 'notes-assistant[eval]'"
        ) from error
    return ir_measures


def _scores(case: Case, notes: Notes, hits: Sequence[Hit]) -> dict[str, float]:
    scores: dict[str, float] = {}
    for hit in hits:
        scores.setdefault(_name(case, notes, notes.passages[hit.passage]), hit.score)
    return scores


def _name(case: Case, notes: Notes, passage: Passage) -> str:
    document = notes.documents[passage.document]
    return document.sections[passage.section].anchor if case.gold else document.path


def _highlighted(case: Case, notes: Notes, hits: Sequence[Hit]) -> tuple[bool, bool] | None:
    """Return whether the first marked line of the first section answers, and whether any does."""
    if not case.lines:
        return None
    right = [False]
    for hit in hits[:1]:
        passage = notes.passages[hit.passage]
        source = notes.documents[passage.document].source
        marked = [passage.lines[number] for number in hit.answers]
        places = [source.find(words) + len(words) // 2 for words in case.lines]
        if _name(case, notes, passage) in case.answers:
            right = [any(line.start <= at < line.end for at in places) for line in marked]
    return right[0], any(right)


def is_right(result: Result) -> bool:
    """Return whether the line shown first answers; where no line is known, the section counts."""
    if result.highlighted:
        return result.highlighted[0]
    return result.case.covered and result.measures["R@1"] == 1


def paired(results: Sequence[Result], others: Sequence[Result], measure: str) -> Floats:
    """Return the differences of a measure between two runs, float64 (covered questions,).

    A positive value means that the question did better in `results` than in `others`.
    """
    pairs = zip(results, others, strict=True)
    return np.asarray(
        [a.measures[measure] - b.measures[measure] for a, b in pairs if a.case.covered]
    )


def shows_answer(case: Case, notes: Notes, hit: Hit) -> bool:
    """Return whether the line that a hit marks first answers; if no line is known, its section."""
    if marks := _highlighted(case, notes, [hit]):
        return marks[0]
    return _name(case, notes, notes.passages[hit.passage]) in case.answers


@dataclass(frozen=True)
class Separation:
    """How well confidence separates covered questions from uncovered ones.

    auroc: area under the receiver operating characteristic, without the uncovered questions of the
    kind `hard`. hard: the same with only that kind. told, told_hard: the share of those uncovered
    questions whose confidence is below the one that refuses 6% of the covered questions. Each is
    NaN where there are no such questions.
    """

    auroc: float
    hard: float
    told: float
    told_hard: float


def separation(cases: Sequence[Case], confidences: Sequence[float]) -> Separation:
    """Return the measures of how well the confidences separate the cases."""
    pairs = list(zip(cases, confidences, strict=True))
    covered = np.asarray([value for case, value in pairs if case.covered])
    easy = np.asarray([v for case, v in pairs if not case.covered and case.kind != HARD])
    hard = np.asarray([v for case, v in pairs if not case.covered and case.kind == HARD])
    if not len(covered):
        return Separation(*[float("nan")] * 4)
    refused = np.quantile(covered, 0.06)
    return Separation(
        _auroc(covered, easy), _auroc(covered, hard), _below(easy, refused), _below(hard, refused)
    )


def _auroc(positive: Floats, negative: Floats) -> float:
    if not len(positive) or not len(negative):
        return float("nan")
    above = (positive[:, None] > negative).mean() + (positive[:, None] == negative).mean() / 2
    return round(float(above), 4)


def _below(values: Floats, threshold: float) -> float:
    return round(float((values < threshold).mean()), 4) if len(values) else float("nan")


def calibration_error(results: Sequence[Result], bins: int = 10) -> float:
    """Return the expected calibration error over equal bins (Naeini et al. 2015)."""
    confidences = np.asarray([result.confidence for result in results])
    right = np.asarray([is_right(result) for result in results], np.float64)
    place = np.minimum((confidences * bins).astype(int), bins - 1)
    gaps = [
        abs(confidences[place == b].mean() - right[place == b].mean()) * (place == b).mean()
        for b in range(bins)
        if (place == b).any()
    ]
    return float(sum(gaps))
