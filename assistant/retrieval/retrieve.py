"""From a query to hits: candidates, late interaction, fusion, one hit for each section."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from index.arrays import Floats, Ints, Mask
from index.encoding import Encoding
from index.language import Language
from index.storage import Contents
from index.vectors import HEADING, WHOLE, Alignment, Int64s

_CANDIDATES = 80
# Mostly the first number of vectors is of enough passages.
_VECTORS = (200, 800)
_FLOOR = -1.0
# What the headings above a passage are about counts for a third of its sentence embedding.
_SENTENCE_SHARES = np.array([2 / 3, 1 / 3], np.float32)
# Fitted on the part of the questions that is for development: late interaction, cosine, BM25.
_LINE_LOGIT = np.array([18, 6, 7], np.float32)
_HEADING_SHARE = 0.9
# A line is marked beside the best one where its odds are at least a quarter of the best one's.
_ODDS = 0.25
_ANSWERS = 3


@dataclass(frozen=True)
class Fusion:
    """The weights that combine the scores of the searches into one.

    Each score has a fixed range, so that it is comparable from question to question, as in the
    convex combination of Bruch, Gai and Ingber 2023, https://arxiv.org/abs/2210.11934. The weights
    come from measurement.

    late: mean over the question's tokens of the best cosine in the passage. lines: best cosine of a
    line, both means subtracted. dense: cosine of the whole passage. lexical: share of BM25 that the
    passage reaches; lexical_across: the same where question and notes differ in language.
    sentence_embedding: cosine of the sentence embeddings of passage and question, by a second
    encoder; sentence_across: the same where they differ in language, and words help less.
    contrast: the power by which a question's token counts more if it tells candidates apart.
    read: the reader's probability that the passage answers.
    """

    late: float = 1.0
    lines: float = 0.4
    dense: float = 0.0
    lexical: float = 0.75
    lexical_across: float = 0.25
    sentence_embedding: float = 1.7
    sentence_across: float = 0.95
    contrast: float = 0.5
    read: float = 1.0


FUSED = Fusion()


@dataclass(frozen=True)
class Query:
    """A question ready for search: its text, language, encoding, and words for lexical search.

    missing: names in the question that the notes never mention.
    """

    text: str
    language: Language
    encoding: Encoding
    words: tuple[str, ...]
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class Hit:
    """A passage with its score for a query at each stage of the search.

    answers: positions of the lines that may be the answer, most likely first. read: the reader's
    logit that the passage answers, None where it was not read. line_share: the probability that
    the first line of `answers` is the answer, given that one line of the passage is.
    """

    passage: int
    score: float
    late: float
    lines: float
    dense: float
    lexical: float
    sentence_embedding: float
    answers: tuple[int, ...]
    read: float | None = None
    line_share: float = 0.0


@dataclass(frozen=True)
class Evidence:
    """The results of the searches before fusion; arrays have one entry for each candidate.

    passages: int32, ascending. dense, lexical, sentence_embedding: float32. centred: float32, dense
    with both means subtracted, as for lines. alignment: the question's tokens against the lines of
    the candidates. tokens: float32 (question tokens, components), as they were compared; shares:
    float32, the weight of each token.
    line_cosines: float32, one for each vector of a line. line_owners, line_numbers: int32, the
    candidate of each such vector, and the line within the candidate. line_lexical: float32, over
    all lines of the candidates. line_starts: int64 (candidates + 1,), the index in line_lexical
    where each candidate begins.
    """

    passages: Ints
    dense: Floats
    centred: Floats
    lexical: Floats
    sentence_embedding: Floats
    alignment: Alignment
    tokens: Floats
    shares: Floats
    line_cosines: Floats
    line_owners: Ints
    line_numbers: Ints
    line_lexical: Floats
    line_starts: Int64s


@dataclass(frozen=True)
class Found:
    """The result of a search: the evidence before fusion, and the best hit of each section."""

    evidence: Evidence
    hits: list[Hit]


def evidence(contents: Contents, query: Query, allowed: Mask | None = None) -> Evidence:
    """Return the scores of every search for the candidates of dense and lexical search.

    allowed: bool (passages,), the passages that may be found; None allows all.
    """
    lexical = contents.lexical.share(query.words)
    if allowed is not None:
        lexical = np.where(allowed, lexical, np.float32(0))
    passages = _candidates(contents, query, lexical, allowed)
    vectors, rows = contents.vectors.of(passages)
    owners = np.searchsorted(passages, contents.vectors.owners[rows, 0]).astype(np.int32)
    numbers = contents.vectors.owners[rows, 1]
    whole = numbers == WHOLE
    question = query.encoding.vector
    centre = contents.general.vector_means[query.language]
    centred = _cosines(vectors - contents.vectors.line_mean, question - centre)
    projection = contents.states.projection
    tokens = projection.question(query.encoding.own_states)
    return Evidence(
        passages,
        vectors[whole] @ question,
        centred[whole],
        lexical[passages],
        _sentence_embeddings(contents, query, passages),
        contents.states.compare(tokens, passages),
        tokens,
        projection.shares(tokens),
        centred[~whole],
        owners[~whole],
        numbers[~whole],
        contents.line_lexical.share_within(query.words, contents.lines_of(passages)),
        np.append(0, np.cumsum(contents.notes.places[passages, 2], dtype=np.int64)),
    )


def fuse(contents: Contents, query: Query, found: Evidence, fusion: Fusion) -> list[Hit]:
    """Return a hit for every candidate, best first; equal scores are ordered by passage."""
    best = found.alignment.passages()
    weights = _contrast(best, fusion.contrast) * found.shares
    weights /= weights.sum()
    late = best @ weights
    lines = np.full(len(found.passages), _FLOOR, np.float32)
    np.maximum.at(lines, found.line_owners, found.line_cosines)
    # A passage of nothing but code has no line with a vector: it is one line by itself.
    lines = np.where(lines == _FLOOR, found.centred, lines)
    same = _in_its_language(contents, query, found.passages)
    scores = (
        fusion.late * late
        + fusion.lines * lines
        + fusion.dense * found.dense
        + np.where(same, fusion.lexical, fusion.lexical_across).astype(np.float32) * found.lexical
        + np.where(same, fusion.sentence_embedding, fusion.sentence_across).astype(np.float32)
        * found.sentence_embedding
    )
    order = np.lexsort((found.passages, -scores))
    answers = _answers(found, weights)
    columns = (
        found.passages,
        scores,
        late,
        lines,
        found.dense,
        found.lexical,
        found.sentence_embedding,
    )
    values = [column[order].tolist() for column in columns]
    values.append([answers[row] for row in order.tolist()])
    return [Hit(*each) for each in zip(*values, strict=True)]


def by_section(contents: Contents, hits: Sequence[Hit]) -> list[Hit]:
    """Return the best hit of each section, best first."""
    found: dict[tuple[int, int], Hit] = {}
    places = contents.notes.places[[hit.passage for hit in hits]].tolist()
    for hit, (document, section, _) in zip(hits, places, strict=True):
        found.setdefault((document, section), hit)
    return list(found.values())


def _candidates(contents: Contents, query: Query, lexical: Floats, allowed: Mask | None) -> Ints:
    for count in _VECTORS:
        _, rows = contents.vectors.search(query.encoding.vector, count, allowed)
        near = list(dict.fromkeys(contents.vectors.owners[rows, 0].tolist()))[:_CANDIDATES]
        if len(near) == _CANDIDATES or len(rows) < count:
            break
    words = [row for row in _top(lexical, _CANDIDATES) if lexical[row] > 0]
    return np.unique(np.asarray(near + words, np.int32))


def _top(scores: Floats, count: int) -> npt.NDArray[np.int64]:
    if len(scores) <= count:
        return np.arange(len(scores))
    return np.argpartition(-scores, count)[:count]


def _cosines(vectors: Floats, other: Floats) -> Floats:
    norms = np.linalg.norm(vectors, axis=1) * np.linalg.norm(other)
    found: Floats = (vectors @ other) / np.maximum(norms, 1e-9)
    return found


def _contrast(best: Floats, power: float) -> Floats:
    """Return weights of the question's tokens, float32 (question tokens,), with sum 1.

    A token that matches every candidate equally well, as a particle does, tells nothing. So the
    weight of a token grows with the distance of its best candidate from the mean of all.
    """
    spread = np.maximum(best.max(axis=0) - best.mean(axis=0), 1e-3) ** power
    weights: Floats = spread / spread.sum()
    return weights


def _sentence_embeddings(contents: Contents, query: Query, passages: Ints) -> Floats:
    both: Floats = (
        contents.sentence_embeddings[passages].astype(np.float32)
        @ query.encoding.sentence_embedding
    )
    found: Floats = both @ _SENTENCE_SHARES
    return found


def _in_its_language(contents: Contents, query: Query, passages: Ints) -> Mask:
    """Return a mask of the passages in the language of the question, bool (passages,)."""
    notes = contents.notes
    same: Mask = notes.korean[notes.places[passages, 0]] == (query.language == "ko")
    return same


def _answers(found: Evidence, weights: Floats) -> list[tuple[int, ...]]:
    """Return the lines of each candidate that may be the answer, most likely first.

    The odds of a line come from a conditional logit over late interaction (its own tokens and those
    of its heading), its cosine and its share of BM25.
    """
    alignment = found.alignment
    heads = alignment.lines == HEADING
    heading = np.full((len(found.passages), len(weights)), _FLOOR, np.float32)
    heading[alignment.owners[heads]] = alignment.best[heads]
    owners, lines = alignment.owners[~heads], alignment.lines[~heads]
    late = np.maximum(alignment.best[~heads], _HEADING_SHARE * heading[owners]) @ weights
    rows = found.line_starts[owners] + lines
    dense = np.zeros(len(found.line_lexical), np.float32)
    dense[found.line_starts[found.line_owners] + found.line_numbers] = found.line_cosines
    odds = np.stack([late, dense[rows], found.line_lexical[rows]], axis=1) @ _LINE_LOGIT
    return _likeliest(owners, lines, odds, len(found.passages))


def _likeliest(owners: Ints, lines: Ints, odds: Floats, count: int) -> list[tuple[int, ...]]:
    """Return the most likely lines of each owner, 0 to count - 1; `owners` must be ascending."""
    order = np.lexsort((-odds, owners))
    edges = np.searchsorted(owners, np.arange(count + 1))
    # Lines are sorted within each owner alone: where an owner's begin stays as it is.
    rank = np.arange(len(order)) - edges[owners]
    near = odds[order] >= odds[order[edges[owners]]] + np.log(_ODDS)
    kept = (rank < _ANSWERS) & near
    chosen = lines[order[kept]].tolist()
    ends = np.append(0, np.cumsum(np.bincount(owners[kept], minlength=count))).tolist()
    # Where the heading fills all that the model reads, the first line stands for the others.
    return [tuple(chosen[start:end]) or (0,) for start, end in pairwise(ends)]
