"""A build: notes to passages to vectors and token states to a new version of the index."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from index import contents as held
from index import corpus, general, lexical, states, store, vocabulary
from index.analyzer import analyze
from index.encoder import Encoder, Encoding, Floats, normalise
from index.language import Language
from index.notes import Document, Passage
from index.passages import embedded_text, heading_path, passages

PASSAGE_TOKENS = 256
_SAMPLE_TOKENS = 60_000
_SAMPLE_LINES = 300

Report = Callable[[str], None]
Bank = Mapping[Language, Sequence[Encoding]]
Prepare = Callable[[held.Contents, Bank], Mapping[str, bytes]]


def build(
    collection: corpus.Collection,
    data_dir: Path,
    encoder: Encoder,
    report: Report,
    prepare: Prepare,
) -> store.Snapshot:
    """Build a new version of the index, switch to it and return it.

    prepare gets the contents and the encoded bank of general questions, and returns files that
    the version holds as well. Raises IndexUnusable; the version before then goes on being served.
    """
    for item in collection.skipped:
        report(f"Left out: {item.path} {item.reason}.")
    for warning in collection.warnings:
        report(f"Warning: {warning.path}:{warning.line} {warning.reason}.")
    documents = collection.documents
    found = [
        passage
        for number, document in enumerate(documents)
        for passage in passages(document, number, PASSAGE_TOKENS, encoder.count_tokens)
    ]
    lines = sum(len(_embedded_lines(passage)) for passage in found)
    report(f"Encoding {len(found)} passages with {lines} lines ...")
    asked = {
        language: list(encoder.encode(general.questions(language), "query"))
        for language in general.LANGUAGES
    }
    texts = [embedded_text(documents[passage.document], passage) for passage in found]
    whole, tokens = _passages(texts, documents, found, encoder, [*asked["ko"], *asked["en"]])
    contents = held.Contents(
        notes=held.Notes(documents, tuple(found)),
        vectors=_vectors(documents, found, whole, encoder),
        states=tokens,
        lexical=lexical.index_words(map(analyze, texts)),
        line_lexical=lexical.index_words(map(analyze, _titled_lines(documents, found))),
        vocabulary=vocabulary.collect(texts, collection.glossary),
        general=general.summarise(asked, *_as_questions(documents, found, encoder)),
    )
    return store.write(
        data_dir,
        contents,
        encoder.weights,
        {name: str(folder.resolve()) for name, folder in collection.folders.items()},
        {f"{d.corpus}/{d.id}": corpus.source_hash(d.source) for d in documents},
        prepare(contents, asked),
    )


def _passages(
    texts: Sequence[str],
    documents: Sequence[Document],
    found: Sequence[Passage],
    encoder: Encoder,
    asked: Sequence[Encoding],
) -> tuple[Floats, states.TokenStates]:
    """Return the passages' vectors, float32 (passages, dimension), and their token states."""
    stride = 1 + sum(encoder.count_tokens(texts)) // _SAMPLE_TOKENS
    sample = list(encoder.encode(texts[::stride], "passage"))
    projection = states.learn(sample, asked)
    encodings: Iterator[Encoding] = (
        iter(sample) if stride == 1 else encoder.encode(texts, "passage")
    )
    vectors, values, lines = [], [], []
    for passage, text, encoding in zip(found, texts, encodings, strict=True):
        heading = len(normalise(heading_path(documents[passage.document], passage))) + 1
        kept = states.spoken(encoding, normalise(text))
        vectors.append(encoding.vector)
        values.append(states.pack(encoding, kept, projection))
        lines.append(states.token_lines(encoding.offsets[kept], heading, passage.lines))
    starts = np.cumsum([0, *(len(rows) for rows in values)], dtype=np.int64)
    tokens = states.TokenStates(np.concatenate(values), np.concatenate(lines), starts, projection)
    return np.stack(vectors), tokens


def _vectors(
    documents: Sequence[Document], found: Sequence[Passage], whole: Floats, encoder: Encoder
) -> held.Vectors:
    texts = [
        f"{heading_path(documents[passage.document], passage)}\n{passage.lines[line].plain}"
        for passage in found
        for line in _embedded_lines(passage)
    ]
    lines = (encoding.vector for encoding in encoder.encode(texts, "passage"))
    vectors, owners = [], []
    for row, passage in enumerate(found):
        vectors.append(whole[row])
        owners.append((row, held.WHOLE))
        for line in _embedded_lines(passage):
            vectors.append(next(lines))
            owners.append((row, line))
    return held.vectors_of(np.stack(vectors), np.asarray(owners, np.int32))


def _titled_lines(documents: Sequence[Document], found: Sequence[Passage]) -> Iterator[str]:
    for passage in found:
        title = documents[passage.document].sections[passage.section].title
        yield from (f"{title}\n{line.plain}" for line in passage.lines)


def _as_questions(
    documents: Sequence[Document], found: Sequence[Passage], encoder: Encoder
) -> tuple[list[Encoding], Language]:
    """Return some of the notes' lines encoded as questions, and the language of most of them."""
    lines = [passage.lines[line].plain for passage in found for line in _embedded_lines(passage)]
    lines = lines or [line.plain for passage in found for line in passage.lines]
    sample = lines[:: 1 + len(lines) // _SAMPLE_LINES]
    languages = Counter(documents[passage.document].language for passage in found)
    return list(encoder.encode(sample, "query")), languages.most_common(1)[0][0]


def _embedded_lines(passage: Passage) -> list[int]:
    """Return the lines that have a vector of their own: a line of code alone says too little."""
    return [number for number, line in enumerate(passage.lines) if line.kind != "code"]
