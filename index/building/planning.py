"""The plan of a new version: the parts taken over from the version before, and the new parts."""

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
    """A passage to encode: one of a document that is new or changed since the version before."""

    document: Document
    passage: Passage

    @cached_property
    def text(self) -> str:
        """Return the text that is encoded for the passage: its heading path and its lines."""
        return embedded_text(self.document, self.passage)

    @property
    def rows(self) -> Iterator[tuple[int, str, str]]:
        """Yield for each vector of the passage: the line or WHOLE, the text, and a name to hash.

        The name of a whole passage includes the lengths of its lines, because token states keep
        the line of each token: the same words in other lines are another passage.
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
        """Yield the text of each line for lexical search: its section's title and the line."""
        title = self.document.sections[self.passage.section].title
        return (f"{title}\n{line.plain}" for line in self.passage.lines)


@dataclass(frozen=True, eq=False)
class Plan:
    """The passages of a version, and the origin of each.

    documents, passages: their encoded records. sources: int64 (passages,), the row in the version
    before, -1 for a fresh passage. fresh: the fresh passages by row. places, korean: as in Notes.
    """

    documents: tuple[bytes, ...]
    passages: tuple[bytes, ...]
    places: Ints
    korean: Mask
    sources: Int64s
    fresh: dict[int, Fresh]


@dataclass(frozen=True, eq=False)
class PlannedVectors:
    """The vectors of a version, and the origin of each.

    owners, keys: as in Vectors. sources: int64 (vectors,), the row of the same text in the version
    before, -1 if there is none. texts: the texts without a source, by row.
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
    """Return the plan of a version: the passages kept from the version before, and fresh ones."""
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
    """Return the row of each line in the version before, int64 (lines,), -1 for a fresh line."""
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
    """Yield the texts of the old passages that the new version does not keep."""
    gone = np.ones(len(before.notes.passages), np.bool_)
    gone[planned.sources[planned.sources >= 0]] = False
    return (of_before(before, row).text for row in np.flatnonzero(gone).tolist())


def of_before(before: Contents, row: int) -> Fresh:
    """Return a passage of the version before in the form of a fresh one."""
    passage = before.notes.passages[row]
    return Fresh(before.notes.documents[passage.document], passage)


def _runs(sources: Int64s) -> Iterator[tuple[int, int]]:
    """Yield [start, end) of each run of passages that are all fresh, or were adjacent before."""
    new = sources < 0
    cut = (np.diff(new) != 0) | (~new[1:] & (np.diff(sources) != 1))
    edges = [0, *(np.flatnonzero(cut) + 1).tolist(), len(sources)]
    return ((start, end) for start, end in pairwise(edges) if end > start)


def _known(before: Contents | None) -> dict[bytes, int]:
    if before is None:
        return {}
    keys: Sequence[bytes] = before.vectors.keys.view("V16")[:, 0].tolist()
    return {bytes(key): row for row, key in enumerate(keys)}
