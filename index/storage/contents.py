"""The contents of a version of the index, and the files that store them."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from index.arrays import Floats, Halves, Ints, Mask, Ranges
from index.encoding import LANGUAGES, SENTENCE_COMPONENTS, BackgroundQuestions
from index.language import Language
from index.markdown import Document, Passage
from index.storage import records
from index.storage.records import Records
from index.vectors import (
    PRINCIPAL,
    Int64s,
    Projection,
    Segment,
    TokenEmbeddings,
    Vectors,
    learned_projection,
)
from index.vectors import passage_vectors as vector_files
from index.words import Lexical, Vocabulary, lexical


@dataclass(frozen=True, eq=False)
class Notes:
    """The documents of an index and their passages, each decoded on first use.

    The blocks of a document keep only their first lines: the passages hold the rest.
    names: the corpus, id and title of each document, available without decoding it.
    places: int32 (passages, 3), the document, the section in it, and the number of lines.
    korean: bool (documents,), True for a Korean document, False for an English one.
    """

    documents: Records[Document]
    passages: Records[Passage]
    places: Ints
    korean: Mask
    names: Sequence["Name"]

    @cached_property
    def _first(self) -> dict[str, str]:
        return {name.id: name.corpus for name in reversed(self.names)}

    def is_apart(self, document: Document) -> bool:
        """Return whether a document of an earlier corpus has the same id."""
        return self._first.get(document.id, document.corpus) != document.corpus


@dataclass(frozen=True, eq=False)
class Contents:
    """The full contents of a version.

    lexical: the index of the words of passages. line_lexical: that of all lines, passage by
    passage. vocabulary: the notes' words as written. sentence_embeddings: float16
    (passages, 2, SENTENCE_COMPONENTS), mapped from disk, one for each passage and one for the
    headings above it.
    """

    notes: Notes
    vectors: Vectors
    states: TokenEmbeddings
    sentence_embeddings: Halves
    lexical: Lexical
    line_lexical: Lexical
    vocabulary: Vocabulary
    general: BackgroundQuestions

    @cached_property
    def line_starts(self) -> Int64s:
        """Return the first row of each passage in line_lexical, int64 (passages + 1,)."""
        return np.append(0, np.cumsum(self.notes.places[:, 2], dtype=np.int64))

    def lines_of(self, passages: Ints) -> Ranges:
        """Return the rows [start, end) of each passage in line_lexical, int64 (passages, 2)."""
        return np.stack([self.line_starts[passages], self.line_starts[passages + 1]], axis=1)


class Name(msgspec.Struct, frozen=True):
    """The names of a document: its corpus, id and title."""

    corpus: str
    id: str
    title: str


_VOCABULARY = msgspec.json.Decoder(Vocabulary)
_NAME = msgspec.msgpack.Decoder(Name)
_NAMES = "names.msgpack"
_ENCODER = msgspec.msgpack.Encoder()
_DOCUMENTS = msgspec.msgpack.Decoder(Document)
_PASSAGES = msgspec.msgpack.Decoder(Passage)
_STATES = "states."
_STATE_LINES = "state_lines."


def document_record(document: Document) -> bytes:
    """Return the stored bytes of a document; blocks keep only their first lines."""
    sections = tuple(
        replace(
            section,
            blocks=tuple(replace(block, lines=block.lines[:1]) for block in section.blocks),
        )
        for section in document.sections
    )
    return _ENCODER.encode(replace(document, sections=sections))


def passage_record(passage: Passage) -> bytes:
    """Return the stored bytes of a passage, which leave out the number of its document."""
    return _ENCODER.encode(replace(passage, document=0))


def notes_of(
    documents: Iterable[bytes], passages: Iterable[bytes], places: Ints, korean: Mask
) -> Notes:
    """Return notes from records of documents and passages; see Notes for the arrays."""
    kept = records.joined(documents, _document)
    return Notes(
        kept,
        records.joined(passages, _passage(places)),
        places,
        korean,
        [_NAME.decode(record) for record in kept.raw(0, len(kept))],
    )


def write(contents: Contents, folder: Path, before: Path | None = None) -> list[str]:
    """Write the contents into the folder and return the names of shared files.

    A shared file is unchanged since the version in the folder `before`.
    """
    notes, vectors, states = contents.notes, contents.vectors, contents.states
    records.write(notes.documents, folder, "documents")
    records.write(notes.passages, folder, "passages")
    (folder / _NAMES).write_bytes(_ENCODER.encode(notes.names))
    lexical.save(contents.lexical, folder, "passage_words")
    lexical.save(contents.line_lexical, folder, "line_words")
    (folder / "vocabulary.json").write_bytes(msgspec.json.encode(contents.vocabulary))
    arrays = {
        "places": notes.places,
        "korean": notes.korean,
        "state_places": states.places,
        "gists": contents.sentence_embeddings,
    }
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)
    np.savez(folder / "small.npz", **_small(contents))
    shared = vector_files.write(vectors, folder, before)
    for segment in states.segments:
        for name, array in ((_STATES, segment.packed), (_STATE_LINES, segment.lines)):
            file = f"{name}{segment.name}.npy"
            if before and vector_files.linked(before / file, folder / file):
                shared.append(file)
            else:
                np.save(folder / file, array)
    return shared


def read(folder: Path) -> Contents:
    """Return the contents that `write` stored; large arrays stay mapped from disk."""
    places, korean, state_places = (
        np.load(folder / f"{name}.npy") for name in ("places", "korean", "state_places")
    )
    with np.load(folder / "small.npz") as small:
        width = int(small["graph_width"]) if "graph_width" in small else 0
        vectors = vector_files.read(folder, small["line_mean"], width)
        states = TokenEmbeddings(_segments(folder), state_places, _projection(small))
        general = BackgroundQuestions(
            {key: small[f"general_vectors_{key}"] for key in LANGUAGES},
            {key: _general_sentences(small, key) for key in LANGUAGES},
            {key: small[f"general_vector_mean_{key}"] for key in LANGUAGES},
        )
    notes = Notes(
        records.read(folder, "documents", _document, kept=True),
        records.read(folder, "passages", _passage(places)),
        places,
        korean,
        _names(folder),
    )
    vocabulary = _VOCABULARY.decode((folder / "vocabulary.json").read_bytes())
    passages = lexical.load(folder, "passage_words")
    lines = lexical.load(folder, "line_words")
    return Contents(
        notes, vectors, states, _sentence_embeddings(folder), passages, lines, vocabulary, general
    )


def _small(contents: Contents) -> dict[str, Any]:
    projection, general = contents.states.projection, contents.general
    small: dict[str, Any] = {
        "line_mean": contents.vectors.line_mean,
        "graph_width": np.int64(vector_files.width(contents.vectors)),
        "projection": np.array(projection.name),
    }
    if projection.name == PRINCIPAL:
        for field in fields(projection)[1:]:
            small[f"projection_{field.name}"] = getattr(projection, field.name)
    for key in LANGUAGES:
        small[f"general_vectors_{key}"] = general.vectors[key]
        small[f"general_gists_{key}"] = general.sentence_embeddings[key]
        small[f"general_vector_mean_{key}"] = general.vector_means[key]
    return small


def _projection(small: Any) -> Projection:
    """Return the projection of the token states; its name tells if another release made them."""
    # Up to schema 6 an index had principal components of its own: none of its states are taken.
    name = str(small["projection"]) if "projection" in small else ""
    if name == PRINCIPAL:
        arrays = {f.name: small[f"projection_{f.name}"] for f in fields(Projection)[1:]}
        return Projection(name, **arrays)
    return replace(learned_projection(), name=name)


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


# Up to schema 5 there were no sentence embeddings: of such a version only the rest is gone on from.
def _sentence_embeddings(folder: Path) -> Halves:
    path = folder / "gists.npy"
    if not path.exists():
        return np.zeros((0, 2, SENTENCE_COMPONENTS), np.float16)
    return np.asarray(np.load(path, mmap_mode="r"))


def _general_sentences(small: Any, language: Language) -> Floats:
    name = f"general_gists_{language}"
    found: Floats = small[name] if name in small else np.zeros((0, SENTENCE_COMPONENTS), np.float32)
    return found


def _names(folder: Path) -> Sequence[Name]:
    # Up to schema 4 there were none: nothing but embeddings is taken from such an index.
    path = folder / _NAMES
    data = path.read_bytes() if path.exists() else _ENCODER.encode([])
    return msgspec.msgpack.decode(data, type=list[Name])


def _document(number: int, record: bytes) -> Document:
    return _DOCUMENTS.decode(record)


def _passage(places: Ints) -> Callable[[int, bytes], Passage]:
    def decode(number: int, record: bytes) -> Passage:
        return replace(_PASSAGES.decode(record), document=int(places[number, 0]))

    return decode
