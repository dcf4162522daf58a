"""The index on disk: what is written is read back, damage is noticed, the old one goes on."""

import json
import re
from dataclasses import asdict, fields, replace
from pathlib import Path

import numpy as np
import pytest

from index.arrays import Floats
from index.encoding.background_questions import LANGUAGES, BackgroundQuestions
from index.encoding.encoder import SENTENCE_COMPONENTS, Weights
from index.errors import IndexDamaged, IndexMismatch, IndexMissing, IndexUnusable
from index.markdown.notes import Document, Passage
from index.markdown.passage_splitting import embedded_text, passages
from index.reading.corpus import read
from index.storage import contents as held
from index.storage import store
from index.vectors.passage_vectors import WHOLE, vectors_of
from index.vectors.token_embeddings import PRINCIPAL, Projection, Segment, TokenEmbeddings
from index.words.analyzer import analyze
from index.words.lexical import index_words
from index.words.vocabulary import collect

CORPUS = Path(__file__).parents[3] / "corpus"
DIMENSION = 8
WEIGHTS = Weights("model", "fingerprint", DIMENSION, "mean", "query: ", "passage: ")
EXTRAS = {"judge.json": b'{"a": 1}', "odd.bin": bytes(range(256))}


def read_notes() -> tuple[Document, list[Passage]]:
    (document,) = read({"default": CORPUS}).documents
    found = passages(document, 0, 100, lambda texts: [len(text) // 2 for text in texts])
    return document, list(found)


def notes() -> held.Notes:
    document, found = read_notes()
    return held.notes_of(
        [held.document_record(document)],
        map(held.passage_record, found),
        np.array([(0, each.section, len(each.lines)) for each in found], np.int32),
        np.array([True]),
    )


def vectors(count: int) -> Floats:
    found = np.random.default_rng(0).normal(size=(count, DIMENSION)).astype(np.float32)
    unit: Floats = found / np.linalg.norm(found, axis=1, keepdims=True)
    return unit


def token_states(found: held.Notes) -> TokenEmbeddings:
    """Return random half bytes, two tokens a line."""
    random = np.random.default_rng(1)
    lines = [np.arange(2 * len(passage.lines)) // 2 for passage in found.passages]
    counts = np.array([len(each) for each in lines])
    packed = random.integers(0, 256, (counts.sum(), DIMENSION // 2), dtype=np.uint8)
    sides = random.normal(size=(2, DIMENSION, DIMENSION)).astype(np.float32)
    rest = random.normal(size=(4, DIMENSION)).astype(np.float32)
    projection = Projection(PRINCIPAL, *sides, *rest)
    places = np.stack([np.zeros_like(counts), np.cumsum(counts) - counts, counts], axis=1)
    segment = Segment("000000", packed, np.concatenate(lines).astype(np.int16))
    return TokenEmbeddings((segment,), places, projection)


def contents() -> held.Contents:
    found = notes()
    owners = [
        (row, line)
        for row, passage in enumerate(found.passages)
        for line in range(WHOLE, len(passage.lines))
    ]
    texts = [embedded_text(found.documents[p.document], p) for p in found.passages]
    lines = [line.plain for passage in found.passages for line in passage.lines]
    return held.Contents(
        notes=found,
        vectors=vectors_of(
            vectors(len(owners)),
            np.asarray(owners, np.int32),
            np.arange(16 * len(owners), dtype=np.uint8).reshape(-1, 16),
        ),
        states=token_states(found),
        sentence_embeddings=np.random.default_rng(2)
        .normal(size=(len(found.passages), 2, SENTENCE_COMPONENTS))
        .astype("f2"),
        lexical=index_words(map(analyze, texts)),
        line_lexical=index_words(map(analyze, lines)),
        vocabulary=collect(texts, (("VM", "가상 머신"),)),
        general=BackgroundQuestions(
            {language: vectors(5) for language in LANGUAGES},
            {language: np.ones((5, SENTENCE_COMPONENTS), np.float32) for language in LANGUAGES},
            {language: vectors(2)[0] for language in LANGUAGES},
        ),
    )


def write(data_dir: Path) -> store.Snapshot:
    folders = {"default": str(CORPUS)}
    with store.draft(data_dir) as folder:
        held.write(contents(), folder)
        kept = held.read(folder)
        return store.publish(
            data_dir, folder, kept, WEIGHTS, folders, {"a": "b"}, "reader", EXTRAS, {}
        )


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with one version, not to be changed."""
    folder = tmp_path_factory.mktemp("written")
    write(folder)
    return folder


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    written, loaded = write(tmp_path), store.load(tmp_path)
    document, found = read_notes()
    assert list(loaded.notes.passages) == list(written.notes.passages) == found
    (kept,) = loaded.notes.documents
    assert (kept.source, kept.title, len(kept.sections)) == (
        document.source,
        document.title,
        len(document.sections),
    )
    for section, whole in zip(kept.sections, document.sections, strict=True):
        assert [block.lines for block in section.blocks] == [b.lines[:1] for b in whole.blocks]
    assert loaded.manifest == written.manifest
    assert loaded.extras == written.extras == EXTRAS
    assert sorted(p.name for p in tmp_path.iterdir()) == ["current", "versions"]


def test_a_vector_searched_against_itself_gives_one_and_ties_go_by_row() -> None:
    stored = vectors(20)
    stored[7] = stored[3]
    keys = np.zeros((20, 16), np.uint8)
    index = vectors_of(stored, np.zeros((20, 2), np.int32), keys)
    scores, rows = index.search(stored[3], 100)
    assert scores[0] == pytest.approx(1, abs=1e-6)
    assert list(rows[:2]) == [3, 7]
    exact = stored @ stored[3]
    np.testing.assert_allclose(scores, np.sort(exact)[::-1], atol=1e-6)


def test_all_parts_are_read_back(written: Path) -> None:
    expected, loaded = contents(), store.load(written).contents
    assert loaded.vocabulary == expected.vocabulary
    assert loaded.line_starts.tolist() == expected.line_starts.tolist()
    everything = loaded.vectors.matrix
    np.testing.assert_array_equal(everything, vectors(len(everything)))
    np.testing.assert_array_equal(loaded.vectors.owners, expected.vectors.owners)
    np.testing.assert_array_equal(loaded.vectors.line_mean, expected.vectors.line_mean)
    for words in (["컨테이너"], ["docker", "볼륨"], ["podman"]):
        for name in ("lexical", "line_lexical"):
            index, same = getattr(loaded, name), getattr(expected, name)
            np.testing.assert_array_equal(index.share(words), same.share(words))
    for language in LANGUAGES:
        for name in ("vectors", "sentence_embeddings", "vector_means"):
            parts = getattr(loaded.general, name), getattr(expected.general, name)
            np.testing.assert_array_equal(parts[0][language], parts[1][language])


def test_sentences_are_mapped_from_disk(written: Path) -> None:
    kept = store.load(written).contents.sentence_embeddings
    assert not kept.flags.writeable
    assert kept.dtype == np.float16
    np.testing.assert_array_equal(kept, contents().sentence_embeddings)


def test_token_states_are_mapped_from_disk(written: Path) -> None:
    expected, loaded = contents().states, store.load(written).contents.states
    np.testing.assert_array_equal(loaded.places, expected.places)
    for given, kept in zip(expected.segments, loaded.segments, strict=True):
        for name in ("packed", "lines"):
            part = getattr(kept, name)
            assert isinstance(part, np.memmap)
            assert not part.flags.writeable
            assert part.dtype == getattr(given, name).dtype
            np.testing.assert_array_equal(part, getattr(given, name))
    for field in fields(Projection):
        given, kept = (getattr(each.projection, field.name) for each in (expected, loaded))
        np.testing.assert_array_equal(kept, given)


def test_the_vectors_of_passages_are_their_own(written: Path) -> None:
    snapshot = store.load(written)
    index = snapshot.contents.vectors
    everything = index.matrix
    count = len(snapshot.notes.passages)
    for chosen in (np.arange(count), np.arange(count)[::-2], np.array([count // 2])):
        found, rows = index.of(chosen.astype(np.int32))
        own = [(p, n) for p in chosen for n in range(-1, len(snapshot.notes.passages[p].lines))]
        assert [tuple(owner) for owner in index.owners[rows].tolist()] == own
        np.testing.assert_array_equal(found, everything[rows])


def test_a_second_build_switches_and_keeps_few(tmp_path: Path) -> None:
    versions = [write(tmp_path).version for _ in range(5)]
    assert len(set(versions)) == 5
    assert store.load(tmp_path).version == versions[-1]
    assert sorted(p.name for p in (tmp_path / "versions").iterdir()) == sorted(versions[-3:])


def test_no_index_yet(tmp_path: Path) -> None:
    with pytest.raises(IndexMissing, match="notes build"):
        store.load(tmp_path)


def harmed(data: bytes, harm: str) -> bytes:
    return (
        data[: len(data) // 2] if harm == "cut" else data[:3] + bytes([data[3] ^ 0xFF]) + data[4:]
    )


@pytest.mark.parametrize("harm", ["cut", "flip", "remove"])
def test_damage_is_named_with_the_way_out(tmp_path: Path, harm: str) -> None:
    folder = tmp_path / "versions" / write(tmp_path).version
    paths = sorted(folder.iterdir())
    assert {"manifest.json", "passages.msgpack", "states.000000.npy", "vectors.npy"} < {
        p.name for p in paths
    }
    for path in paths:
        data = path.read_bytes()
        path.unlink()
        if harm != "remove":
            path.write_bytes(harmed(data, harm))
        with pytest.raises(IndexDamaged, match=rf"{re.escape(path.name)}.*notes build"):
            store.load(tmp_path)
        path.write_bytes(data)
    store.load(tmp_path)


def test_a_pointer_to_nowhere(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "current").write_text("gone\n")
    with pytest.raises(IndexDamaged, match="notes build"):
        store.load(tmp_path)


def test_another_schema(tmp_path: Path) -> None:
    path = tmp_path / "versions" / write(tmp_path).version / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"schema": 99}))
    with pytest.raises(IndexMismatch, match=rf"schema 99, this program reads {store.SCHEMA}"):
        store.load(tmp_path)


@pytest.mark.parametrize("name", ["names.msgpack", "small.npz", "vocabulary.json"])
def test_files_as_another_program_wrote_them(written: Path, name: str) -> None:
    place = written / "versions" / store.current(written)
    (place / name).write_bytes(b"{}")
    manifest = json.loads((place / "manifest.json").read_text())
    manifest["files"][name] = asdict(store._files(place, {})[name])
    (place / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(IndexMismatch, match=r"another version of the program.*notes build"):
        store.load(written)


@pytest.mark.parametrize(
    ("field", "value"),
    [("fingerprint", "other"), ("dimension", 9), ("pooling", "cls"), ("query_prompt", "")],
)
def test_other_weights(tmp_path: Path, field: str, value: object) -> None:
    manifest = write(tmp_path).manifest
    store.check_weights(manifest, WEIGHTS)
    changed = replace(WEIGHTS, **{field: value})  # type: ignore[arg-type]
    with pytest.raises(IndexMismatch, match=rf"{field} is .* notes build"):
        store.check_weights(manifest, changed)


def test_what_a_dead_build_left_is_swept(tmp_path: Path) -> None:
    write(tmp_path)
    dead = tmp_path / "versions" / "x.part-999999999"
    dead.mkdir()
    (tmp_path / "current.part-999999999").touch()
    write(tmp_path)
    assert not dead.exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["current", "versions"]


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    version = write(tmp_path).version
    (tmp_path / "versions" / version).rename(tmp_path / "kept")
    (tmp_path / "versions").rmdir()
    (tmp_path / "versions").write_text("a file stands in the way")
    with pytest.raises(IndexUnusable, match="NOTES_DATA_DIR"):
        write(tmp_path)
    assert (tmp_path / "current").read_text().strip() == version
