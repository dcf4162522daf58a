"""What a version of the index holds, and its files."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias

import faiss
import numpy as np
import numpy.typing as npt
from pydantic import TypeAdapter

from index import lexical
from index.encoder import Floats, Ints
from index.general import LANGUAGES, General
from index.lexical import Lexical
from index.notes import Document, Passage
from index.states import Int64s, Projection, TokenStates
from index.vocabulary import Vocabulary

Mask: TypeAlias = npt.NDArray[np.bool_]

WHOLE = -1


@dataclass(frozen=True)
class Notes:
    """The documents of an index and their passages."""

    documents: tuple[Document, ...]
    passages: tuple[Passage, ...]


@dataclass(frozen=True)
class Vectors:
    """Unit vectors in FAISS by inner product, and what each stands for.

    owners: int32 (vectors, 2), the passage, and the line in it or WHOLE; a passage's own vector
    stands before its lines', and passages stand in order.
    line_mean: float32 (dimension,), the mean of the lines' vectors.
    A score is a cosine in [-1, 1], higher is better; ties go by row.
    """

    faiss: Any
    owners: Ints
    line_mean: Floats

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


@dataclass(frozen=True)
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
        return np.cumsum([0, *(len(p.lines) for p in self.notes.passages)], dtype=np.int64)


_NOTES = TypeAdapter(Notes)
_VOCABULARIES = TypeAdapter(Vocabulary)


def vectors_of(vectors: Floats, owners: Ints) -> Vectors:
    """Return an exact inner product index over float32 (n, dimension) unit vectors."""
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    lines = vectors[owners[:, 1] != WHOLE]
    return Vectors(index, owners, lines.mean(axis=0) if len(lines) else vectors.mean(axis=0))


def write(contents: Contents, folder: Path) -> None:
    """Write the files of the contents into the folder."""
    (folder / "notes.json").write_bytes(_NOTES.dump_json(contents.notes))
    faiss.write_index(contents.vectors.faiss, str(folder / "vectors.faiss"))
    np.save(folder / "states.npy", contents.states.packed)
    lexical.save(contents.lexical, folder, "passages")
    lexical.save(contents.line_lexical, folder, "lines")
    (folder / "vocabulary.json").write_bytes(_VOCABULARIES.dump_json(contents.vocabulary))
    small = {
        "owners": contents.vectors.owners,
        "line_mean": contents.vectors.line_mean,
        "state_lines": contents.states.lines,
        "state_starts": contents.states.starts,
        "state_mean": contents.states.projection.mean,
        "state_components": contents.states.projection.components,
        "state_deviations": contents.states.projection.deviations,
    }
    for key in LANGUAGES:
        small[f"general_vectors_{key}"] = contents.general.vectors[key]
        small[f"general_vector_mean_{key}"] = contents.general.vector_means[key]
        small[f"general_token_mean_{key}"] = contents.general.token_means[key]
    np.savez(folder / "arrays.npz", **small)  # type: ignore[arg-type]


def read(folder: Path) -> Contents:
    """Return what was written there; token states stay mapped from disk."""
    # Questions run side by side, each on one thread; a search by several waits for all of them.
    faiss.omp_set_num_threads(1)
    notes = _NOTES.validate_json((folder / "notes.json").read_bytes())
    with np.load(folder / "arrays.npz") as small:
        vectors = Vectors(
            faiss.read_index(str(folder / "vectors.faiss")), small["owners"], small["line_mean"]
        )
        states = TokenStates(
            np.load(folder / "states.npy", mmap_mode="r"),
            small["state_lines"],
            small["state_starts"],
            Projection(small["state_mean"], small["state_components"], small["state_deviations"]),
        )
        general = General(
            {key: small[f"general_vectors_{key}"] for key in LANGUAGES},
            {key: small[f"general_vector_mean_{key}"] for key in LANGUAGES},
            {key: small[f"general_token_mean_{key}"] for key in LANGUAGES},
        )
    vocabulary = _VOCABULARIES.validate_json((folder / "vocabulary.json").read_bytes())
    passages = lexical.load(folder, "passages", len(notes.passages))
    lines = lexical.load(folder, "lines", sum(len(p.lines) for p in notes.passages))
    return Contents(notes, vectors, states, passages, lines, vocabulary, general)
