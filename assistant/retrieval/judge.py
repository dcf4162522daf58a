"""Judges whether the first passage answers: a calibrated probability from signals of the searches.

Each signal is standardised by general questions, almost none of which is about these notes: it is
the number of standard deviations above the mean signal of such a question. So weights learned on
some notes carry over to others.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files

import numpy as np
from pydantic import TypeAdapter

from assistant.retrieval.retrieve import Evidence, Hit, Query
from index.arrays import Floats, Ints
from index.language import Language
from index.storage import Contents
from index.words import spans

SIGNALS = (
    "score",  # fused
    "margin",  # to the next section's
    "late",  # late interaction, tokens weighted by contrast
    "late_mean",  # all tokens alike
    "late_weak",  # the worse half of the tokens
    "lines",  # cosine of the best line
    "lines_background",  # the same, above what general questions get from this passage's lines
    "lexical",  # share of BM25
    "known",  # share of the question's words that the notes have, by rarity
    "words",  # how well each content word is met in the passage, by rarity
    "words_weak",  # the worst of them
    "general",  # cosine to the general questions most like it
    "lines_over_general",  # how much nearer the best line is than those
    "sentence_over_general",  # how much nearer its sentence embedding is than that of those
    "read",  # the reader's logit that it answers
    "read_margin",  # to the best of the other sections'
    "read_line",  # how sure the reader is which line answers
    "missing",  # how many names of the question the notes never mention
)
# Those that mean the same whatever the notes are.
_ABSOLUTE = ("known", "read", "read_margin", "read_line", "missing")
_LIMIT = 4.0
_NEIGHBOURS = 5
_MISSING = 2
# Of the normal distribution, for an upper bound at 90%.
_QUANTILE = 1.2816


@dataclass(frozen=True)
class Background:
    """Mean and standard deviation of each signal over general questions of one language."""

    mean: tuple[float, ...]
    deviation: tuple[float, ...]

    def standard(self, signals: Floats) -> Floats:
        """Return the signals in standard deviations from the mean, clipped to -4 and 8."""
        scaled = (signals - np.asarray(self.mean)) / np.asarray(self.deviation)
        clipped: Floats = np.clip(scaled, -_LIMIT, _LIMIT * 2)
        return clipped


@dataclass(frozen=True)
class Learned:
    """The parameters learned from labelled questions; `benchmarks/train_judge.py` writes ours.

    weights, intercept: of a logistic regression over standard signals, in the order of SIGNALS.
    confidences: the probabilities that it gave to questions that it was not trained on. right: for
    each of them, whether the first section answers; covered: whether any section does.
    """

    weights: tuple[float, ...]
    intercept: float
    confidences: tuple[float, ...]
    right: tuple[bool, ...]
    covered: tuple[bool, ...]


@dataclass(frozen=True)
class Judge:
    """The judge of questions to one set of notes.

    reader: the name of the reader that it was calibrated for, empty for none.
    """

    backgrounds: Mapping[Language, Background]
    learned: Learned
    reader: str = ""

    def confidence(self, signals: Floats, language: Language) -> float:
        """Return the probability that the first passage answers, 0 to 1."""
        return self.probability(self.backgrounds[language].standard(signals))

    def probability(self, standard: Floats) -> float:
        """Return the probability that the first passage answers, from standard signals."""
        logit = float(standard @ np.asarray(self.learned.weights) + self.learned.intercept)
        return float(1 / (1 + np.exp(-logit)))

    def threshold(self, risk: float) -> float:
        """Return the confidence from which at most the share `risk` of questions is answered wrong.

        Selection with guaranteed risk (Geifman and El-Yaniv 2017,
        https://arxiv.org/abs/1705.08500): the lowest threshold whose upper bound on the wrong share
        of the calibration questions, by Wilson's score at 90% confidence, stays below the risk.
        Questions of equal confidence are on the same side of it. 1 where no threshold does.
        """
        order = np.argsort(self.learned.confidences)[::-1]
        confidences = np.asarray(self.learned.confidences)[order]
        wrong = np.cumsum(~np.asarray(self.learned.right)[order]).astype(np.float32)
        answered = np.arange(1, len(order) + 1, dtype=np.float32)
        last = np.append(confidences[1:] != confidences[:-1], True)
        kept = np.flatnonzero((_upper_bound(wrong, answered) <= risk) & last)
        return float(confidences[kept[-1]]) if len(kept) else 1.0

    def refusal(self, share: float) -> float:
        """Return the confidence below which this share of the covered questions lies."""
        covered = np.asarray(self.learned.confidences)[np.asarray(self.learned.covered)]
        return float(np.quantile(covered, share))


def _upper_bound(wrong: Floats, asked: Floats) -> Floats:
    share = wrong / asked
    spread = np.sqrt(share * (1 - share) / asked + _QUANTILE**2 / (4 * asked**2))
    bound: Floats = (share + _QUANTILE**2 / (2 * asked) + _QUANTILE * spread) / (
        1 + _QUANTILE**2 / asked
    )
    return bound


JUDGES = TypeAdapter(Judge)
LEARNED = TypeAdapter(Learned)


def shipped_judge(read: bool) -> Learned:
    """Return the learned parameters that ship with the program; read: whether a reader is used."""
    name = "judge.json" if read else "judge-unread.json"
    return LEARNED.validate_json(files("assistant.data").joinpath(name).read_bytes())


def background_signals(signals: Sequence[Floats]) -> Background:
    """Return the background, the mean and deviation of each signal, from general questions.

    A signal that means the same for all notes gets mean 0 and deviation 1: it stays as it is.
    """
    found = np.stack(signals).astype(np.float64)
    absolute = np.isin(SIGNALS, _ABSOLUTE)
    mean = np.where(absolute, 0.0, found.mean(axis=0))
    deviation = np.where(absolute, 1.0, np.maximum(found.std(axis=0), 1e-3))
    return Background(tuple(mean.tolist()), tuple(deviation.tolist()))


def signals(
    contents: Contents,
    query: Query,
    found: Evidence,
    hits: Sequence[Hit],
    own: int | None = None,
) -> Floats:
    """Return the signals of the first hit, float64 (SIGNALS,).

    hits: best first, one for each section. own: the number of the query among the general
    questions if it is one of them, so that it is not compared with itself.
    """
    general, sentence_general = _general(contents, query, own)
    hit = hits[0]
    row = int(np.searchsorted(found.passages, hit.passage))
    inside = found.alignment.owners == row
    tokens = found.alignment.best[inside].max(axis=0)
    weak = np.sort(tokens)[: max(1, len(tokens) // 2)]
    words = _Words.of(contents, query)
    met = words.met(tokens)
    values = {
        "score": hit.score,
        "margin": hit.score - hits[1].score if len(hits) > 1 else hit.score,
        "late": hit.late,
        "late_mean": tokens.mean(),
        "late_weak": weak.mean(),
        "lines": hit.lines,
        "lines_background": _lines_background(contents, query, hit),
        "lexical": hit.lexical,
        "known": words.known,
        "words": words.mean(met),
        "words_weak": min(met, default=0.0),
        "general": general,
        "lines_over_general": hit.lines - general,
        "sentence_over_general": hit.sentence_embedding - sentence_general,
        "read": hit.read or 0.0,
        "read_margin": _read_margin(hits),
        "read_line": hit.line_share,
        "missing": min(len(query.missing), _MISSING),
    }
    return np.asarray([values[name] for name in SIGNALS])


def _read_margin(hits: Sequence[Hit]) -> float:
    others = [other.read for other in hits[1:] if other.read is not None]
    return (hits[0].read or 0.0) - max(others) if others else 0.0


@dataclass(frozen=True)
class _Words:
    """The content words of a question, and the share of them, by rarity, that the notes have.

    tokens: positions of the words' tokens in the query, word after word. starts: the index in
    `tokens` where each word begins. rarity: one value for each word.
    """

    tokens: Ints
    starts: Ints
    rarity: Floats
    known: float

    @classmethod
    def of(cls, contents: Contents, query: Query) -> "_Words":
        offsets = query.encoding.offsets[query.encoding.offsets[:, 0] >= 0]
        tokens: list[int] = []
        starts, rarities, known = [], [], 0.0
        for span in spans(query.text):
            inside = (offsets[:, 0] < span.end) & (offsets[:, 1] > span.start)
            if inside.any():
                rarity = max(contents.lexical.rarity(word) for word in span.words)
                starts.append(len(tokens))
                tokens += np.flatnonzero(inside).tolist()
                rarities.append(rarity)
                if any(contents.lexical.frequency(word) for word in span.words):
                    known += rarity
        total = sum(rarities)
        return cls(
            np.asarray(tokens, np.int32),
            np.asarray(starts, np.int32),
            np.asarray(rarities, np.float32),
            known / total if total else 0.0,
        )

    def met(self, best: Floats) -> Floats:
        """Return the mean over each word's tokens, float32 (words,); best: by query token."""
        counts = np.diff(self.starts, append=len(self.tokens)).astype(np.float32)
        sums: Floats = np.add.reduceat(best[self.tokens], self.starts)
        return sums / counts

    def mean(self, met: Floats) -> float:
        """Return the mean over the words weighted by rarity, 0 where there are none."""
        return float(met @ self.rarity / self.rarity.sum()) if len(met) else 0.0


def _general(contents: Contents, query: Query, own: int | None) -> tuple[float, float]:
    """Return the mean cosine to the five nearest general questions, for each of both encoders."""
    general = contents.general
    asked = query.encoding.vector - general.vector_means[query.language]
    cosines = general.centred[query.language] @ asked / max(np.linalg.norm(asked), 1e-9)
    sentence_embeddings = (
        general.sentence_embeddings[query.language] @ query.encoding.sentence_embedding
    )
    return _nearest(cosines, own), _nearest(sentence_embeddings, own)


def _nearest(cosines: Floats, own: int | None) -> float:
    others = cosines if own is None else np.delete(cosines, own)
    return float(np.sort(others)[-_NEIGHBOURS:].mean())


def _lines_background(contents: Contents, query: Query, hit: Hit) -> float:
    vectors, rows = contents.vectors.of(np.asarray([hit.passage], np.int32))
    own = contents.vectors.owners[rows, 1] >= 0
    lines = vectors[own if own.any() else ~own] - contents.vectors.line_mean
    norms = np.maximum(np.linalg.norm(lines, axis=1), 1e-9)
    cosines = (contents.general.centred[query.language] @ lines.T / norms).max(axis=1)
    return float((hit.lines - cosines.mean()) / max(float(cosines.std()), 1e-3))
