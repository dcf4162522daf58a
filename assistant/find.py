"""From a query to sections: candidates, fusion, one hit a section, the best of them read."""

from dataclasses import replace

import numpy as np

from assistant.reader import Reader, Verdict
from assistant.retrieve import FUSED, Found, Fusion, Hit, Query, by_section, evidence, fuse, likely
from index.contents import Contents
from index.encoder import Floats
from index.stores import Mask

# How many sections are read.
_READ = 8


def find(
    contents: Contents,
    query: Query,
    reader: Reader | None,
    fusion: Fusion = FUSED,
    allowed: Mask | None = None,
) -> Found:
    """Return what the notes have for a query, the sections that are read before the others.

    allowed: bool (passages,), which may be found; all where it is None.
    """
    candidates = evidence(contents, query, allowed)
    hits = by_section(contents, fuse(contents, query, candidates, fusion))
    if reader and fusion.read:
        first = hits[:_READ]
        passages = np.array([hit.passage for hit in first], np.int32)
        verdicts = reader.read(contents, query, passages)
        read = [_read(*each, fusion) for each in zip(first, verdicts, strict=True)]
        hits = [*sorted(read, key=_by_reader if reader.decides else _by_score), *hits[_READ:]]
    return Found(candidates, hits)


def _by_score(hit: Hit) -> float:
    return -hit.score


def _by_reader(hit: Hit) -> float:
    return -(hit.read or 0.0)


def _read(hit: Hit, verdict: Verdict, fusion: Fusion) -> Hit:
    # What is likely to answer in any case is not worth more than what is sure to.
    gain = float(1 / (1 + np.exp(-verdict.answered)))
    answers, share = hit.answers, 0.0
    if verdict.lines is not None:
        answers = likely(verdict.lines)
        share = _share(verdict.lines, answers[0])
    score = hit.score + fusion.read * gain
    return replace(hit, score=score, answers=answers, read=verdict.answered, line_share=share)


def _share(logits: Floats, line: int) -> float:
    """Return the probability that a line is the one that answers, given that one does."""
    raised = np.exp(logits - logits.max())
    return float(raised[line] / raised.sum())
