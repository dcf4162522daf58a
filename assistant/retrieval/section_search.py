"""Searches sections: candidates are found and fused, the best are read, one hit each section."""

from dataclasses import replace

import numpy as np

from assistant.retrieval.marks import marked, shares
from assistant.retrieval.passage_reader import Reader, Verdict
from assistant.retrieval.retrieve import (
    FUSED,
    Found,
    Fusion,
    Hit,
    Query,
    by_section,
    evidence,
    fuse,
)
from index.arrays import Mask
from index.storage import Contents


def find(
    contents: Contents,
    query: Query,
    reader: Reader | None,
    fusion: Fusion = FUSED,
    allowed: Mask | None = None,
) -> Found:
    """Return the sections found for a query; passages that the reader has read come first.

    allowed: bool (passages,), the passages that may be found; None allows all.
    """
    candidates = evidence(contents, query, allowed)
    hits = fuse(contents, query, candidates, fusion)
    if reader and fusion.read:
        first = hits[: reader.most]
        passages = np.array([hit.passage for hit in first], np.int32)
        verdicts = reader.read(contents, query, passages, candidates)
        read = [
            _read(contents, query, hit, verdict, fusion)
            for hit, verdict in zip(first, verdicts, strict=True)
        ]
        hits = [
            *sorted(read, key=_by_reader if reader.decides else _by_score),
            *hits[reader.most :],
        ]
    return Found(candidates, by_section(contents, hits))


def _by_score(hit: Hit) -> float:
    return -hit.score


def _by_reader(hit: Hit) -> float:
    return -(hit.read or 0.0)


def _read(contents: Contents, query: Query, hit: Hit, verdict: Verdict, fusion: Fusion) -> Hit:
    """Return a hit with the reader's verdict added to its score, its logit and its answers."""
    # What is likely to answer in any case is not worth more than what is sure to.
    gain = float(1 / (1 + np.exp(-verdict.answered)))
    hit = replace(hit, score=hit.score + fusion.read * gain, read=verdict.answered)
    if verdict.lines is None:
        return hit
    passage = contents.notes.passages[hit.passage]
    source = contents.notes.documents[passage.document].source
    found = shares(passage.lines, source, verdict.lines, query.text)
    answers = marked(found)
    return replace(hit, answers=answers, line_share=float(found[answers[0]]))
