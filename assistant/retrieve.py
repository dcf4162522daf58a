"""From a query to hits: the passages that fit best, one for each section."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from index.encoder import Floats
from index.store import Snapshot

_CANDIDATES = 200


@dataclass(frozen=True)
class Hit:
    """A passage with its score for a query, and the line of it that fits best (-1: none)."""

    passage: int
    score: float
    line: int


def dense(snapshot: Snapshot, vector: Floats) -> Iterator[Hit]:
    """Yield hits by cosine, best first: a passage counts by the best of its own and its lines'."""
    scores, rows = snapshot.vectors.search(vector, _CANDIDATES)
    seen: set[int] = set()
    for score, row in zip(scores, rows, strict=True):
        passage = int(snapshot.vectors.owners[row, 0])
        if passage not in seen:
            seen.add(passage)
            yield Hit(passage, float(score), best_line(snapshot, vector, passage))


def best_line(snapshot: Snapshot, vector: Floats, passage: int) -> int:
    """Return the position of the line whose cosine is highest, -1 where there is none."""
    lines = snapshot.vectors.lines(passage)
    return int(np.argmax(lines @ vector)) if len(lines) else -1


def by_section(snapshot: Snapshot, hits: Iterable[Hit], limit: int) -> list[Hit]:
    """Return the best hit of each section, best first, at most `limit`."""
    found: dict[tuple[int, int], Hit] = {}
    for hit in hits:
        passage = snapshot.notes.passages[hit.passage]
        found.setdefault((passage.document, passage.section), hit)
        if len(found) == limit:
            break
    return list(found.values())
