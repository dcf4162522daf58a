"""Calibrates the judge: to one set of notes at build time, and by labelled questions."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from assistant.interpretation import Lexicon, without_courtesies
from assistant.retrieval import (
    Background,
    Hit,
    Judge,
    Learned,
    Query,
    Reader,
    background_signals,
    find,
    signals,
)
from index.arrays import Floats
from index.encoding import Encoder, Encoding, background_questions
from index.language import Language
from index.storage import Contents

_FOLDS = 10
_STEPS = 50
# How strongly weights are drawn to those they start from, in questions.
_PRIOR = 300.0
_PRIOR_INTERCEPT = 10.0


@dataclass(frozen=True)
class Labelled:
    """Questions with known answers, as standardised signals.

    standard: float64 (questions, SIGNALS). right: whether the first section answers each question.
    covered: whether any section does.
    """

    standard: Floats
    right: tuple[bool, ...]
    covered: tuple[bool, ...]


def calibrate(
    contents: Contents,
    bank: Mapping[Language, Sequence[Encoding]],
    known: Callable[[str], bool],
    learned: Learned,
    reader: Reader | None,
) -> Judge:
    """Return the judge for these notes; its background is the signals of general questions."""
    lexicon = Lexicon(contents.vocabulary, contents.lexical, known)
    backgrounds: dict[Language, Background] = {}
    for language, encodings in bank.items():
        texts = background_questions.questions(language)
        queries = (
            lexicon.query(text, encoding) for text, encoding in zip(texts, encodings, strict=True)
        )
        backgrounds[language] = background_signals(
            [_signals(contents, query, reader, own)[0] for own, query in enumerate(queries)]
        )
    return Judge(backgrounds, learned, reader.name if reader else "")


def label(
    contents: Contents,
    judge: Judge,
    encoder: Encoder,
    lexicon: Lexicon,
    reader: Reader | None,
    questions: Sequence[str],
    answers: Callable[[int, Hit], bool],
    covered: Sequence[bool],
) -> Labelled:
    """Return labelled questions; `answers(number, hit)` tells whether the hit answers a question.

    covered: for each question, whether any section answers it.
    """
    texts = [lexicon.meant(without_courtesies(text)) for text in questions]
    rows, right = [], []
    for number, encoding in enumerate(encoder.encode(texts, "query")):
        text = texts[number]
        query = lexicon.query(text, encoding)
        found, hits = _signals(contents, query, reader)
        rows.append(judge.backgrounds[query.language].standard(found))
        right.append(bool(covered[number]) and answers(number, hits[0]))
    return Labelled(np.stack(rows), tuple(right), tuple(covered))


def learn(sets: Sequence[Labelled], prior: Learned | None = None) -> Learned:
    """Return weights and confidences from a logistic regression over labelled questions.

    Each set counts alike, whatever its size. The weights are drawn to the prior's, so that a few
    questions move them little. Thresholds follow from the confidences: each is given by
    cross-validation, from folds without its question, and the prior's are added.
    """
    standard = np.concatenate([item.standard for item in sets])
    right = np.concatenate([np.asarray(item.right, np.float64) for item in sets])
    shares = np.concatenate([np.full(len(s.right), 1 / len(s.right)) for s in sets])
    shares *= len(right) / shares.sum()
    start = np.zeros(standard.shape[1] + 1)
    pull = np.full(len(start), _PRIOR)
    if prior:
        start = np.asarray([*prior.weights, prior.intercept])
        pull[-1] = _PRIOR_INTERCEPT
    else:
        pull[-1] = 1e-6
    folds = np.random.default_rng(0).permutation(len(right)) % _FOLDS
    confidences = np.zeros(len(right))
    for fold in range(_FOLDS):
        kept = folds != fold
        weights = _fit(standard[kept], right[kept], shares[kept], start, pull)
        confidences[~kept] = _probability(standard[~kept], weights)
    weights = _fit(standard, right, shares, start, pull)
    return Learned(
        tuple(weights[:-1].tolist()),
        float(weights[-1]),
        (*(prior.confidences if prior else ()), *confidences.round(4).tolist()),
        (*(prior.right if prior else ()), *(bool(value) for value in right)),
        (*(prior.covered if prior else ()), *(v for item in sets for v in item.covered)),
    )


def _signals(
    contents: Contents, query: Query, reader: Reader | None, own: int | None = None
) -> tuple[Floats, list[Hit]]:
    found = find(contents, query, reader)
    return signals(contents, query, found.evidence, found.hits, own), found.hits


def _fit(standard: Floats, right: Floats, shares: Floats, start: Floats, pull: Floats) -> Floats:
    """Return weights with the intercept last, drawn to the start by `pull`, by Newton's method.

    A step is halved until the loss does not grow: far from the best weights, a whole step
    overshoots.
    """
    inputs = np.hstack([standard, np.ones((len(right), 1))])

    def loss(weights: Floats) -> float:
        logits = inputs @ weights
        missed = shares @ (np.logaddexp(0, logits) - right * logits)
        return float(missed + pull @ (weights - start) ** 2 / 2)

    weights = start.copy()
    for _ in range(_STEPS):
        probability = _probability(standard, weights)
        gradient = inputs.T @ (shares * (probability - right)) + pull * (weights - start)
        curve = (shares * probability * (1 - probability))[:, None] * inputs
        step = np.linalg.solve(inputs.T @ curve + np.diag(pull), gradient)
        while np.abs(step).max() >= 1e-8 and loss(weights - step) > loss(weights):
            step = step / 2
        weights = weights - step
        if np.abs(step).max() < 1e-8:
            break
    return weights


def _probability(standard: Floats, weights: Floats) -> Floats:
    # The logistic function, written so that nothing overflows.
    probability: Floats = np.exp(-np.logaddexp(0, -(standard @ weights[:-1] + weights[-1])))
    return probability
