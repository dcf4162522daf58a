"""Passages to vectors and token states; only those that the version before lacks are encoded."""

from collections.abc import Mapping, Sequence

import numpy as np

from index.arrays import Floats, Halves
from index.building import embedding_cache
from index.building.embedding_cache import CachedEncoder, Row
from index.building.planning import Fresh, Plan, PlannedVectors, of_before
from index.encoding import SENTENCE_COMPONENTS, Encoder, Encoding, windows
from index.markdown import heading_path
from index.normalising import normalise
from index.storage import Contents
from index.vectors import (
    COMPONENTS,
    WHOLE,
    Int64s,
    Projection,
    Segment,
    TokenEmbeddings,
    token_embeddings,
)

# Beyond as many parts, or where more is dead than alive, token states are copied into one.
_SEGMENTS = 12


def encode_passages(
    kept: CachedEncoder,
    planned: Plan,
    rows: PlannedVectors,
    before: Contents | None,
    projection: Projection,
) -> tuple[TokenEmbeddings, dict[int, Floats]]:
    """Return the token states of all passages, and the vectors encoded now, by vector row.

    Passages whose states have another projection in the version before are encoded again.
    """
    wholes = np.flatnonzero(rows.owners[:, 1] == WHOLE)
    keys = [rows.keys[row].tobytes() for row in wholes]
    texts = _Texts(planned, before)
    sources = _passage_sources(rows.sources[wholes], before)
    if before and before.states.projection.name != projection.name:
        sources = np.full(len(sources), -1)
    todo = np.flatnonzero(sources < 0).tolist()
    encoded = _encoded(kept, texts, {keys[row]: row for row in todo}, projection)
    vectors = {int(wholes[row]): np.frombuffer(encoded[keys[row]][0], np.float32) for row in todo}
    new = [encoded[keys[row]] for row in todo]
    return _placed(sources, before, new, todo, projection), vectors


def encode_sentences(
    encoder: Encoder, planned: Plan, rows: PlannedVectors, before: Contents | None
) -> Halves:
    """Return sentence embeddings of all passages and their headings, float16.

    Shape: (passages, 2, SENTENCE_COMPONENTS), the passage first, then its heading path.
    """
    sources = _passage_sources(rows.sources[rows.owners[:, 1] == WHOLE], before)
    if before is None or not len(before.sentence_embeddings):
        sources = np.full(len(sources), -1)
    sentence_embeddings = np.empty((len(sources), 2, SENTENCE_COMPONENTS), np.float16)
    if before and (taken := sources >= 0).any():
        sentence_embeddings[taken] = before.sentence_embeddings[sources[taken]]
    texts = _Texts(planned, before)
    for batch in windows(np.flatnonzero(sources < 0).tolist()):
        fresh = [texts[row] for row in batch]
        sentence_embeddings[batch, 0] = encoder.sentence_embeddings([each.text for each in fresh])
        sentence_embeddings[batch, 1] = encoder.sentence_embeddings(
            [heading_path(e.document, e.passage) for e in fresh]
        )
    return sentence_embeddings


class _Texts:
    """The passages of a version by row, whether fresh or taken from the version before."""

    def __init__(self, planned: Plan, before: Contents | None) -> None:
        self._planned = planned
        self._before = before

    def __len__(self) -> int:
        return len(self._planned.sources)

    def __getitem__(self, row: int) -> Fresh:
        if found := self._planned.fresh.get(row):
            return found
        assert self._before
        return of_before(self._before, int(self._planned.sources[row]))


def _passage_sources(sources: Int64s, before: Contents | None) -> Int64s:
    """Return the old passage of each old vector row, or -1.

    sources: the rows, in the version before, of the vectors of whole passages; -1 for new ones.
    """
    if before is None:
        return np.full(len(sources), -1)
    owners = before.vectors.owners[:, 0].astype(np.int64)
    return np.where(sources >= 0, owners[sources], -1)


def _encoded(
    kept: CachedEncoder, texts: _Texts, wanted: Mapping[bytes, int], projection: Projection
) -> dict[bytes, Row]:
    """Return the vector, packed states and token lines of each wanted passage, by its key."""
    mark = embedding_cache.key(kept.encoder.weights, projection.name)
    names = {_marked(key, mark): key for key in wanted}
    kept.counter.expect(len(wanted))
    found = {names[name]: row for name, row in kept.journal.get("passage", names).items()}
    missing = {key: texts[row].text for key, row in wanted.items() if key not in found}
    kept.counter.done(len(found))
    for batch in embedding_cache.batches(missing):
        made = {
            key: _row(encoding, texts[wanted[key]], projection)
            for key, encoding in kept.passages(batch)
        }
        kept.journal.put("passage", {_marked(key, mark): row for key, row in made.items()})
        found |= made
        kept.counter.done(len(batch))
    return found


def _marked(key: bytes, mark: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(key, mark, strict=True))


def _row(encoding: Encoding, fresh: Fresh, projection: Projection) -> Row:
    heading = len(normalise(heading_path(fresh.document, fresh.passage))) + 1
    spoken = token_embeddings.spoken(encoding, normalise(fresh.text))
    packed = token_embeddings.pack(encoding, spoken, projection)
    plain = [line.plain for line in fresh.passage.lines]
    lines = token_embeddings.token_lines(encoding.offsets[spoken], heading, plain)
    return encoding.vector.tobytes(), packed.tobytes(), lines.tobytes()


def _placed(
    sources: Int64s,
    before: Contents | None,
    new: Sequence[Row],
    rows: Sequence[int],
    projection: Projection,
) -> TokenEmbeddings:
    """Return the token embeddings of a version: old states taken over, and the new ones.

    new: the encoded rows of the passages whose numbers are in `rows`.
    """
    places = np.zeros((len(sources), 3), np.int64)
    segments: list[Segment] = []
    # A name is never used again: files are shared between versions by it.
    number = (
        1 + max((int(each.name) for each in before.states.segments), default=-1) if before else 0
    )
    if before and (taken := np.flatnonzero(sources >= 0)).size:
        old = before.states
        places[taken] = old.places[sources[taken]]
        used, places[taken, 0] = np.unique(places[taken, 0], return_inverse=True)
        segments = [old.segments[each] for each in used]
        alive = int(places[taken, 2].sum())
        if len(used) > _SEGMENTS or 2 * alive < sum(len(each.packed) for each in segments):
            segments = [Segment(f"{number:06}", *old.of(sources[taken]))]
            number += 1
            places[taken, 0] = 0
            places[taken, 1] = np.cumsum(places[taken, 2]) - places[taken, 2]
    if new:
        lines = [np.frombuffer(each, np.int16) for _, _, each in new]
        width = COMPONENTS // 2
        packed = np.frombuffer(b"".join(row[1] for row in new), np.uint8).reshape(-1, width)
        places[rows, 0] = len(segments)
        places[rows, 2] = [len(each) for each in lines]
        places[rows, 1] = np.cumsum(places[rows, 2]) - places[rows, 2]
        segments.append(Segment(f"{number:06}", packed, np.concatenate(lines)))
    return TokenEmbeddings(tuple(segments), places, projection)
