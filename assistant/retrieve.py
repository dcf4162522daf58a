"""From a query to hits: candidates, late interaction, fusion, one hit for each section."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from index.encoder import Encoding, Floats, Ints
from index.language import Language
from index.states import HEADING, Alignment
from index.store import WHOLE, Contents

_CANDIDATES = 60
_VECTORS = 400
_FLOOR = -1.0


@dataclass(frozen=True)
class Fusion:
    """A convex combination of the searches' scores.

    Each score has a fixed range, so that it is comparable from question to question, as in Bruch,
    Gai and Ingber 2023, https://arxiv.org/abs/2210.11934. The weights come from measurement.

    late: mean over the question's tokens of the best cosine in the passage. lines: best cosine of a
    line, both means subtracted. dense: cosine of the whole passage. lexical: share of BM25 that the
    passage reaches; lexical_across: the same where question and notes differ in language.
    contrast: how much a question's token counts by how far it tells candidates apart.
    """

    late: float = 1.0
    lines: float = 0.5
    dense: float = 0.0
    lexical: float = 0.4
    lexical_across: float = 0.2
    contrast: float = 1.0


FUSED = Fusion()


@dataclass(frozen=True)
class Query:
    """A question as searched: its text, language, encoding, and words for lexical search."""

    text: str
    language: Language
    encoding: Encoding
    words: tuple[str, ...]


@dataclass(frozen=True)
class Hit:
    """A passage with its scores for a query, stage by stage, and the line that fits best."""

    passage: int
    score: float
    late: float
    lines: float
    dense: float
    lexical: float
    line: int
    line_score: float


@dataclass(frozen=True)
class Evidence:
    """What the searches found, before fusion; arrays run over the candidates.

    passages: int32, ascending. dense, lexical: float32. alignment: the question's tokens against
    their lines. line_cosines: float32, one for each vector of a line. line_owners, line_numbers:
    int32, which candidate each of those is of, and which of its lines.
    """

    passages: Ints
    dense: Floats
    lexical: Floats
    alignment: Alignment
    line_cosines: Floats
    line_owners: Ints
    line_numbers: Ints


def search(contents: Contents, query: Query, fusion: Fusion = FUSED) -> list[Hit]:
    """Return hits, best first, at most one a section."""
    found = evidence(contents, query)
    return by_section(contents, fuse(contents, query, found, fusion))


def evidence(contents: Contents, query: Query) -> Evidence:
    """Return what each search says about the candidates of dense and lexical search."""
    lexical = contents.lexical.share(query.words)
    passages = _candidates(contents, query, lexical)
    vectors, rows = contents.vectors.of(passages)
    owners = np.searchsorted(passages, contents.vectors.owners[rows, 0]).astype(np.int32)
    numbers = contents.vectors.owners[rows, 1]
    whole = numbers == WHOLE
    question = query.encoding.vector
    centre = contents.general.vectors[query.language].mean(axis=0)
    cosines = _cosines(vectors[~whole] - contents.vectors.line_mean, question - centre)
    states = query.encoding.states[query.encoding.offsets[:, 0] >= 0]
    projection = contents.states.projection
    tokens = projection(states, contents.general.token_means[query.language])
    tokens /= np.maximum(np.linalg.norm(tokens, axis=1, keepdims=True), 1e-9)
    return Evidence(
        passages,
        vectors[whole] @ question,
        lexical[passages],
        contents.states.compare(tokens, passages),
        cosines,
        owners[~whole],
        numbers[~whole],
    )


def fuse(contents: Contents, query: Query, found: Evidence, fusion: Fusion) -> list[Hit]:
    """Return every candidate as a hit, best first; ties by passage."""
    best = found.alignment.passages()
    weights = _contrast(best, fusion.contrast)
    late = best @ weights
    lines = np.full(len(found.passages), _FLOOR, np.float32)
    np.maximum.at(lines, found.line_owners, found.line_cosines)
    share = _lexical_weights(contents, query, found.passages, fusion)
    scores = (
        fusion.late * late
        + fusion.lines * lines
        + fusion.dense * found.dense
        + share * found.lexical
    )
    chosen, chosen_scores = _best_lines(found, weights, fusion)
    hits = [
        Hit(
            passage=int(found.passages[row]),
            score=float(scores[row]),
            late=float(late[row]),
            lines=float(lines[row]),
            dense=float(found.dense[row]),
            lexical=float(found.lexical[row]),
            line=int(chosen[row]),
            line_score=float(chosen_scores[row]),
        )
        for row in range(len(found.passages))
    ]
    return sorted(hits, key=lambda hit: (-hit.score, hit.passage))


def by_section(contents: Contents, hits: Sequence[Hit]) -> list[Hit]:
    """Return the best hit of each section, best first."""
    found: dict[tuple[int, int], Hit] = {}
    for hit in hits:
        passage = contents.notes.passages[hit.passage]
        found.setdefault((passage.document, passage.section), hit)
    return list(found.values())


def _candidates(contents: Contents, query: Query, lexical: Floats) -> Ints:
    _, rows = contents.vectors.search(query.encoding.vector, _VECTORS)
    near = list(dict.fromkeys(contents.vectors.owners[rows, 0].tolist()))[:_CANDIDATES]
    words = [row for row in _top(lexical, _CANDIDATES) if lexical[row] > 0]
    return np.unique(np.asarray(near + words, np.int32))


def _top(scores: Floats, count: int) -> npt.NDArray[np.int64]:
    if len(scores) <= count:
        return np.arange(len(scores))
    return np.argpartition(-scores, count)[:count]


def _cosines(vectors: Floats, other: Floats) -> Floats:
    norms = np.linalg.norm(vectors, axis=1) * np.linalg.norm(other)
    cosines: Floats = (vectors @ other) / np.maximum(norms, 1e-9)
    return cosines


def _contrast(best: Floats, power: float) -> Floats:
    """Return float32 (question tokens,), weights that sum to 1.

    A token that is met equally well in every candidate, as a particle is, tells nothing: it counts
    by how far its best candidate stands out from their mean.
    """
    spread = np.maximum(best.max(axis=0) - best.mean(axis=0), 1e-3) ** power
    weights: Floats = spread / spread.sum()
    return weights


def _lexical_weights(contents: Contents, query: Query, passages: Ints, fusion: Fusion) -> Floats:
    notes = contents.notes
    languages = (notes.documents[notes.passages[row].document].language for row in passages)
    return np.asarray(
        [
            fusion.lexical if language == query.language else fusion.lexical_across
            for language in languages
        ],
        np.float32,
    )


def _best_lines(found: Evidence, weights: Floats, fusion: Fusion) -> tuple[Ints, Floats]:
    """Return for each candidate the line that fits best, and its score."""
    alignment = found.alignment
    heading = np.full((len(found.passages), alignment.best.shape[1]), _FLOOR, np.float32)
    heads = alignment.lines == HEADING
    heading[alignment.owners[heads]] = alignment.best[heads]
    body = ~heads
    owners, lines = alignment.owners[body], alignment.lines[body]
    scores = np.maximum(alignment.best[body], heading[owners]) @ weights
    dense = {
        (owner, line): cosine
        for owner, line, cosine in zip(
            found.line_owners.tolist(), found.line_numbers.tolist(), found.line_cosines, strict=True
        )
    }
    extra = [dense.get(key, _FLOOR) for key in zip(owners.tolist(), lines.tolist(), strict=True)]
    scores = scores + fusion.lines * np.maximum(np.asarray(extra, np.float32), 0)
    chosen = np.zeros(len(found.passages), np.int32)
    best = np.full(len(found.passages), _FLOOR, np.float32)
    for owner, line, score in zip(owners.tolist(), lines.tolist(), scores.tolist(), strict=True):
        if score > best[owner]:
            chosen[owner], best[owner] = line, score
    return chosen, best
