"""What a version of the index holds, and its files."""

import os
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias

import faiss
import msgspec
import numpy as np
import numpy.typing as npt
from pydantic import TypeAdapter

from index import lexical, records
from index.encoder import Floats, Ints
from index.general import LANGUAGES, General
from index.lexical import Lexical
from index.notes import Document, Passage
from index.records import Records
from index.states import Bytes, Int64s, Projection, Segment, TokenStates
from index.vocabulary import Vocabulary

Mask: TypeAlias = npt.NDArray[np.bool_]

WHOLE = -1


@dataclass(frozen=True, eq=False)
class Notes:
    """The documents of an index and their passages, each decoded when it is asked for.

    A document's blocks keep their first lines alone: the rest is in the passages.
    places: int32 (passages, 3), the document, the section in it, and how many lines.
    korean: bool (documents,), whether a document is Korean; it is English otherwise.
    """

    documents: Records[Document]
    passages: Records[Passage]
    places: Ints
    korean: Mask


@dataclass(frozen=True, eq=False)
class Vectors:
    """Unit vectors in FAISS by inner product, and what each stands for.

    owners: int32 (vectors, 2), the passage, and the line in it or WHOLE; a passage's own vector
    stands before its lines', and passages stand in order.
    line_mean: float32 (dimension,), the mean of the lines' vectors.
    keys: uint8 (vectors, 16), what stands for the text of each, so that it is not encoded again.
    A score is a cosine in [-1, 1], higher is better; ties go by row.
    """

    faiss: Any
    owners: Ints
    line_mean: Floats
    keys: Bytes

    def search(
        self, vector: Floats, count: int, allowed: Mask | None = None
    ) -> tuple[Floats, Ints]:
        """Return the scores of the best vectors and their rows, best first, at most `count`.

        allowed: bool (passages,), whose vectors are searched; all where it is None.
        """
        parameters: Any = None
        most = self.faiss.ntotal
        if allowed is not None:
            rows_allowed = allowed[self.owners[:, 0]]
            most = int(rows_allowed.sum())
            bits = np.packbits(rows_allowed, bitorder="little")
            # FAISS's stubs describe C++; its Python classes take arrays and keywords.
            selector = faiss.IDSelectorBitmap(bits)  # type: ignore[call-arg, arg-type]
            parameters = faiss.SearchParameters(sel=selector)  # type: ignore[call-arg]
        scores, rows = self.faiss.search(vector[None], min(count, most), params=parameters)
        order = np.lexsort((rows[0], -scores[0]))
        return scores[0][order], rows[0][order].astype(np.int32)

    def of(self, passages: Ints) -> tuple[Floats, Ints]:
        """Return all vectors of some passages, float32 (n, dimension), and their rows."""
        firsts = np.searchsorted(self.owners[:, 0], passages)
        afters = np.searchsorted(self.owners[:, 0], passages, side="right")
        counts = afters - firsts
        begins = np.cumsum(counts) - counts
        rows = np.repeat(firsts - begins, counts) + np.arange(counts.sum())
        found: Floats = self.faiss.reconstruct_batch(rows)
        return found, rows.astype(np.int32)


@dataclass(frozen=True, eq=False)
class Contents:
    """All that a version holds.

    lexical: over passages. line_lexical: over all lines, passage by passage. vocabulary: the
    notes' words as written.
    """

    notes: Notes
    vectors: Vectors
    states: TokenStates
    lexical: Lexical
    line_lexical: Lexical
    vocabulary: Vocabulary
    general: General

    @cached_property
    def line_starts(self) -> Int64s:
        """Return int64 (passages + 1,), the row of line_lexical where each passage begins."""
        return np.cumsum([0, *self.notes.places[:, 2]], dtype=np.int64)


_VOCABULARIES = TypeAdapter(Vocabulary)
_ENCODER = msgspec.msgpack.Encoder()
_DOCUMENTS = msgspec.msgpack.Decoder(Document)
_PASSAGES = msgspec.msgpack.Decoder(Passage)
_STATES = "states."
_STATE_LINES = "state_lines."


def document_record(document: Document) -> bytes:
    """Return a document as it is kept."""
    sections = tuple(
        replace(
            section,
            blocks=tuple(replace(block, lines=block.lines[:1]) for block in section.blocks),
        )
        for section in document.sections
    )
    return _ENCODER.encode(replace(document, sections=sections))


def passage_record(passage: Passage) -> bytes:
    """Return a passage as it is kept: its document's number is no part of it."""
    return _ENCODER.encode(replace(passage, document=0))


def notes_of(
    documents: Iterable[bytes], passages: Iterable[bytes], places: Ints, korean: Mask
) -> Notes:
    """Return notes of such records; see Notes for the arrays."""
    return Notes(
        records.joined(documents, _document),
        records.joined(passages, _passage(places)),
        places,
        korean,
    )


def vectors_of(vectors: Floats, owners: Ints, keys: Bytes) -> Vectors:
    """Return an exact inner product index over float32 (n, dimension) unit vectors."""
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    lines = vectors[owners[:, 1] != WHOLE]
    mean = lines.mean(axis=0) if len(lines) else vectors.mean(axis=0)
    return Vectors(index, owners, mean, keys)


def write(contents: Contents, folder: Path, before: Path | None = None) -> list[str]:
    """Write the files of the contents into the folder; return the names of those that are shared
    with the version in the folder `before`, which nothing has changed."""
    notes, vectors, states = contents.notes, contents.vectors, contents.states
    records.write(notes.documents, folder, "documents")
    records.write(notes.passages, folder, "passages")
    faiss.write_index(vectors.faiss, str(folder / "vectors.faiss"))
    lexical.save(contents.lexical, folder, "passage_words")
    lexical.save(contents.line_lexical, folder, "line_words")
    (folder / "vocabulary.json").write_bytes(_VOCABULARIES.dump_json(contents.vocabulary))
    arrays = {
        "places": notes.places,
        "korean": notes.korean,
        "owners": vectors.owners,
        "vector_keys": vectors.keys,
        "state_places": states.places,
    }
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)
    np.savez(folder / "small.npz", **_small(contents))
    shared = []
    for segment in states.segments:
        for name, array in ((_STATES, segment.packed), (_STATE_LINES, segment.lines)):
            file = f"{name}{segment.name}.npy"
            if before and _linked(before / file, folder / file):
                shared.append(file)
            else:
                np.save(folder / file, array)
    return shared


def read(folder: Path) -> Contents:
    """Return what was written there; what is large stays mapped from disk."""
    # Questions run side by side, each on one thread; a search by several waits for all of them.
    faiss.omp_set_num_threads(1)
    places, korean, owners, keys, state_places = (
        np.load(folder / f"{name}.npy")
        for name in ("places", "korean", "owners", "vector_keys", "state_places")
    )
    with np.load(folder / "small.npz") as small:
        vectors = Vectors(
            faiss.read_index(str(folder / "vectors.faiss")), owners, small["line_mean"], keys
        )
        states = TokenStates(_segments(folder), state_places, _projection(small))
        general = General(
            {key: small[f"general_vectors_{key}"] for key in LANGUAGES},
            {key: small[f"general_vector_mean_{key}"] for key in LANGUAGES},
            {key: small[f"general_token_mean_{key}"] for key in LANGUAGES},
        )
    notes = Notes(
        records.read(folder, "documents", _document, kept=True),
        records.read(folder, "passages", _passage(places)),
        places,
        korean,
    )
    vocabulary = _VOCABULARIES.validate_json((folder / "vocabulary.json").read_bytes())
    passages = lexical.load(folder, "passage_words")
    lines = lexical.load(folder, "line_words")
    return Contents(notes, vectors, states, passages, lines, vocabulary, general)


def _small(contents: Contents) -> dict[str, Any]:
    projection, general = contents.states.projection, contents.general
    small: dict[str, Any] = {
        "line_mean": contents.vectors.line_mean,
        "state_mean": projection.mean,
        "state_components": projection.components,
        "state_deviations": projection.deviations,
        "state_learned_from": np.int64(projection.learned_from),
    }
    for key in LANGUAGES:
        small[f"general_vectors_{key}"] = general.vectors[key]
        small[f"general_vector_mean_{key}"] = general.vector_means[key]
        small[f"general_token_mean_{key}"] = general.token_means[key]
    return small


def _projection(small: Any) -> Projection:
    return Projection(
        small["state_mean"],
        small["state_components"],
        small["state_deviations"],
        int(small["state_learned_from"]),
    )


def _segments(folder: Path) -> tuple[Segment, ...]:
    names = sorted(
        path.name[len(_STATES) : -len(".npy")] for path in folder.glob(f"{_STATES}*.npy")
    )
    return tuple(
        Segment(
            name,
            np.load(folder / f"{_STATES}{name}.npy", mmap_mode="r"),
            np.load(folder / f"{_STATE_LINES}{name}.npy", mmap_mode="r"),
        )
        for name in names
    )


def _linked(old: Path, new: Path) -> bool:
    """Return whether the new file is the old one; a copy where the disk knows no links."""
    if not old.exists():
        return False
    try:
        os.link(old, new)
    except OSError:
        shutil.copyfile(old, new)
    return True


def _document(number: int, record: bytes) -> Document:
    return _DOCUMENTS.decode(record)


def _passage(places: Ints) -> Callable[[int, bytes], Passage]:
    def decode(number: int, record: bytes) -> Passage:
        return replace(_PASSAGES.decode(record), document=int(places[number, 0]))

    return decode
