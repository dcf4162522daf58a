"""What a new version takes from the one before it, and what is new in it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from index.arrays import Ints, Mask
from index.building import embedding_cache
from index.encoding import Encoder, Weights
from index.markdown import Document, Passage, embedded_text, heading_path, passages
from index.reading import Collection
from index.storage import Contents
from index.storage import contents as held
from index.vectors import WHOLE, Bytes, Int64s

PASSAGE_TOKENS = 256


@dataclass(frozen=True)
class Fresh:
    """A passage that the version before does not have at its place."""

    document: Document
    passage: Passage

    @cached_property
    def text(self) -> str:
        """Return what is encoded of it."""
        return embedded_text(self.document, self.passage)

    @property
    def rows(self) -> Iterator[tuple[int, str, str]]:
        """Yield its vectors: the line or WHOLE, the text, and what tells it from others.

        Where its tokens stand is a part of what a passage is: the same words in other lines are
        another one.
        """
        lines = self.passage.lines
        shape = ",".join(str(len(line.plain)) for line in lines)
        yield WHOLE, self.text, f"{shape}\0{self.text}"
        path = heading_path(self.document, self.passage)
        for number, line in enumerate(lines):
            # A line of code alone says too little.
            if line.kind != "code":
                text = f"{path}\n{line.plain}"
                yield number, text, text

    @property
    def titled_lines(self) -> Iterator[str]:
        """Yield each line's text for lexical search, its section's title before it."""
        title = self.document.sections[self.passage.section].title
        return (f"{title}\n{line.plain}" for line in self.passage.lines)


@dataclass(frozen=True, eq=False)
class Plan:
    """A version's passages, and where each comes from.

    sources: int64 (passages,), the row in the version before, -1 for the fresh ones.
    fresh: those by row. places, korean: as Notes has them.
    """

    documents: tuple[bytes, ...]
    passages: tuple[bytes, ...]
    places: Ints
    korean: Mask
    sources: Int64s
    fresh: dict[int, Fresh]


@dataclass(frozen=True, eq=False)
class PlannedVectors:
    """A version's vectors, and where each comes from.

    owners, keys: as the index has them. sources: int64 (vectors,), the row in the version before
    that has the same text, -1 where none has. texts: of those without a source, by row.
    """

    owners: Ints
    keys: Bytes
    sources: Int64s
    texts: dict[int, str]

    def missing(self, whole: bool) -> dict[int, str]:
        """Return the texts to encode of whole passages or of lines, by row."""
        of_kind = (self.owners[:, 1] == WHOLE) == whole
        return {row: text for row, text in self.texts.items() if of_kind[row]}


def plan(collection: Collection, before: Contents | None, encoder: Encoder) -> Plan:
    """Return which passages of the version before are kept, and the fresh ones."""
    documents: list[bytes] = []
    records: list[bytes] = []
    places: list[npt.NDArray[np.int32]] = [np.zeros((0, 3), np.int32)]
    sources: list[Int64s] = [np.zeros(0, np.int64)]
    fresh: dict[int, Fresh] = {}
    korean: list[bool] = []
    read = iter(collection.documents)
    for number, origin in enumerate(collection.order):
        if origin is None:
            document = next(read)
            found = list(passages(document, number, PASSAGE_TOKENS, encoder.count_tokens))
            fresh |= {len(records) + row: Fresh(document, p) for row, p in enumerate(found)}
            documents.append(held.document_record(document))
            korean.append(document.language == "ko")
            places.append(
                np.array([(number, p.section, len(p.lines)) for p in found], np.int32).reshape(
                    -1, 3
                )
            )
            sources.append(np.full(len(found), -1))
            records += map(held.passage_record, found)
            continue
        assert before
        old = before.notes
        start, end = np.searchsorted(old.places[:, 0], [origin, origin + 1]).tolist()
        documents += old.documents.raw(origin, origin + 1)
        korean.append(bool(old.korean[origin]))
        kept = old.places[start:end].copy()
        kept[:, 0] = number
        places.append(kept)
        sources.append(np.arange(start, end))
        records += old.passages.raw(start, end)
    return Plan(
        tuple(documents),
        tuple(records),
        np.concatenate(places),
        np.array(korean, np.bool_),
        np.concatenate(sources),
        fresh,
    )


def vectors(planned: Plan, before: Contents | None, weights: Weights) -> PlannedVectors:
    """Return the vectors of a plan."""
    owners: list[Ints] = []
    keys: list[Bytes] = []
    sources: list[Int64s] = []
    texts: dict[int, str] = {}
    known = _known(before) if planned.fresh else {}
    rows = 0
    for first, after in _runs(planned.sources):
        if planned.sources[first] < 0:
            found = [
                (row, line, text, embedding_cache.key(weights, name))
                for row in range(first, after)
                for line, text, name in planned.fresh[row].rows
            ]
            owners.append(np.array([(row, line) for row, line, _, _ in found], np.int32))
            keys.append(np.frombuffer(b"".join(key for *_, key in found), np.uint8).reshape(-1, 16))
            origins = [known.get(key, -1) for *_, key in found]
            sources.append(np.array(origins, np.int64))
            texts |= {
                rows + position: text
                for position, (_, _, text, _) in enumerate(found)
                if origins[position] < 0
            }
        else:
            assert before
            old = before.vectors
            bounds = planned.sources[first], planned.sources[after - 1] + 1
            start, end = np.searchsorted(old.owners[:, 0], bounds).tolist()
            moved = old.owners[start:end].copy()
            moved[:, 0] += first - int(bounds[0])
            owners.append(moved)
            keys.append(old.keys[start:end])
            sources.append(np.arange(start, end))
        rows += len(owners[-1])
    return PlannedVectors(
        np.concatenate(owners), np.concatenate(keys), np.concatenate(sources), texts
    )


def line_sources(planned: Plan, before: Contents | None) -> Int64s:
    """Return int64 (lines,), the row that each line of the version has in the one before, or -1."""
    parts = [np.zeros(0, np.int64)]
    counts = planned.places[:, 2]
    for first, after in _runs(planned.sources):
        if planned.sources[first] < 0:
            parts.append(np.full(int(counts[first:after].sum()), -1))
        else:
            assert before
            starts = before.line_starts
            parts.append(
                np.arange(starts[planned.sources[first]], starts[planned.sources[after - 1] + 1])
            )
    return np.concatenate(parts)


def removed(planned: Plan, before: Contents) -> Iterator[str]:
    """Yield the texts of passages that are not kept."""
    gone = np.ones(len(before.notes.passages), np.bool_)
    gone[planned.sources[planned.sources >= 0]] = False
    return (of_before(before, row).text for row in np.flatnonzero(gone).tolist())


def of_before(before: Contents, row: int) -> Fresh:
    """Return a passage of the version before as if it were fresh."""
    passage = before.notes.passages[row]
    return Fresh(before.notes.documents[passage.document], passage)


def _runs(sources: Int64s) -> Iterator[tuple[int, int]]:
    """Yield the bounds of passages that are fresh, or were next to each other before."""
    new = sources < 0
    cut = (np.diff(new) != 0) | (~new[1:] & (np.diff(sources) != 1))
    edges = [0, *(np.flatnonzero(cut) + 1).tolist(), len(sources)]
    return ((start, end) for start, end in pairwise(edges) if end > start)


def _known(before: Contents | None) -> dict[bytes, int]:
    if before is None:
        return {}
    keys: Sequence[bytes] = before.vectors.keys.view("V16")[:, 0].tolist()
    return {bytes(key): row for row, key in enumerate(keys)}
