"""A build goes on from what is there: only what is new is encoded, and the answers are the same."""

import json
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from assistant.answering.ask import Assistant, Question
from assistant.settings import Settings
from index.arrays import Floats
from index.building import embedding_cache
from index.building.embedding_cache import CachedEncoder, Counter
from index.encoding.encoder import SENTENCE_COMPONENTS, Encoding, Kind, Weights
from index.encoding.onnx_encoder import OnnxEncoder
from index.storage import store
from index.storage.store import Snapshot
from ui.app.assembling import assemble

ALPHA = """# 알파

## 설치

도커를 설치합니다. 먼저 저장소를 더합니다.

## 삭제

이미지를 지웁니다.
"""
BETA = """# Beta

## Volumes

Data outlives the container.

- Back it up.
- Move it.
"""
GAMMA = """# 감마

## 표

| 이름 | 뜻 |
|---|---|
| up | 띄운다 |
| down | 내린다 |
"""
NOTES = {"alpha.md": ALPHA, "beta.md": BETA, "gamma.md": GAMMA}
QUESTIONS = ("이미지를 어떻게 지우나요?", "Does data outlive the container?", "down은 무엇인가요?")


@dataclass
class Counting:
    """The real encoder; counts what it encodes, and fails once it has encoded so much."""

    inner: OnnxEncoder
    encoded: list[tuple[Kind, str]] = field(default_factory=list)
    embedded: list[str] = field(default_factory=list)
    most: int = 10**9

    @property
    def weights(self) -> Weights:
        return self.inner.weights

    def encode(self, texts: Sequence[str], kind: Kind) -> Iterator[Encoding]:
        for text, encoding in zip(texts, self.inner.encode(texts, kind), strict=True):
            if len(self.encoded) >= self.most:
                raise KeyboardInterrupt
            self.encoded.append((kind, text))
            yield encoding

    def sentence_embeddings(self, texts: Sequence[str]) -> Floats:
        self.embedded += texts
        return self.inner.sentence_embeddings(texts)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return self.inner.count_tokens(texts)

    def passages(self) -> list[str]:
        return [text for kind, text in self.encoded if kind == "passage"]


@dataclass
class Place:
    """Notes and their index."""

    folder: Path
    encoder: OnnxEncoder

    @property
    def notes(self) -> Path:
        return self.folder / "notes"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def write(self, name: str, text: str) -> None:
        self.notes.mkdir(exist_ok=True)
        (self.notes / name).write_text(text, "utf-8")

    def build(self, most: int = 10**9, keep: int = 3) -> tuple[Snapshot, Counting]:
        encoder = Counting(self.encoder, most=most)
        settings = Settings(corpus=str(self.notes), data_dir=self.data, keep_versions=keep)
        return assemble(settings, lambda _: None, encoder), encoder

    def answers(self) -> list[object]:
        """Return what stands first for each question, and the words that are found in the notes.

        Scores differ a little: what token states are projected by stays as it was learned.
        """
        snapshot = store.load(self.data)
        assistant = Assistant(snapshot, self.encoder, "/{document}#{anchor}", "", 0.25)
        found = [assistant.ask(Question(text, min_confidence=0)) for text in QUESTIONS]
        first = [(answer.passages[0].text, answer.passages[0].section) for answer in found]
        contents = snapshot.contents
        words = [set(each.words) for each in (contents.lexical, contents.line_lexical)]
        shares = [contents.line_lexical.share([word]).tolist() for word in sorted(words[1])]
        return [first, words, shares, contents.vocabulary, contents.sentence_embeddings.tobytes()]


@pytest.fixture(scope="module")
def built(onnx_encoder: OnnxEncoder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return notes with their index, not to be changed."""
    place = Place(tmp_path_factory.mktemp("built"), onnx_encoder)
    for name, text in NOTES.items():
        place.write(name, text)
    place.build()
    return place.folder


@pytest.fixture
def place(built: Path, onnx_encoder: OnnxEncoder, tmp_path: Path) -> Place:
    """Return a copy of them, where the index knows its place."""
    shutil.copytree(built, tmp_path / "copy")
    copied = Place(tmp_path / "copy", onnx_encoder)
    assert copied.build()[1].encoded == []
    return copied


def anew(place: Place, tmp_path: Path) -> list[object]:
    """Return the answers of an index over the same notes that is built from nothing."""
    other = Place(tmp_path / "anew", place.encoder)
    shutil.copytree(place.notes, other.notes)
    # But for the questions that every build encodes.
    other.data.mkdir()
    shutil.copy(place.data / embedding_cache.FILE, other.data)
    other.build()
    return other.answers()


def test_nothing_new_is_the_version_that_is_there(place: Place) -> None:
    before = store.current(place.data)
    snapshot, encoder = place.build()
    assert snapshot.version == before == store.current(place.data)
    assert encoder.encoded == []


def test_an_edit_costs_its_own_texts_alone(place: Place, tmp_path: Path) -> None:
    before = store.current(place.data)
    place.write("alpha.md", ALPHA.replace("먼저 저장소를 더합니다.", "키를 받아 둡니다."))
    snapshot, encoder = place.build()
    assert snapshot.version != before
    # The passage and its changed line; the other line and all other notes are as they were.
    assert sorted(encoder.passages()) == [
        "알파 > 설치\n도커를 설치합니다.\n키를 받아 둡니다.",
        "알파 > 설치\n키를 받아 둡니다.",
    ]
    assert [text for kind, text in encoder.encoded if kind == "query"] == ["키를 받아 둡니다."]
    assert encoder.embedded == ["알파 > 설치\n도커를 설치합니다.\n키를 받아 둡니다.", "알파 > 설치"]
    assert place.answers() == anew(place, tmp_path)


def test_a_file_that_moves_costs_nothing(place: Place, tmp_path: Path) -> None:
    (place.notes / "below").mkdir()
    (place.notes / "beta.md").rename(place.notes / "below" / "zeta.md")
    snapshot, encoder = place.build()
    assert encoder.encoded == []
    assert [document.id for document in snapshot.notes.documents] == [
        "alpha",
        "below/zeta",
        "gamma",
    ]
    assert place.answers() == anew(place, tmp_path)


def test_what_is_deleted_vanishes(place: Place, tmp_path: Path) -> None:
    (place.notes / "gamma.md").unlink()
    snapshot, encoder = place.build()
    assert encoder.passages() == []
    assert snapshot.manifest.counts["documents"] == 2
    assert not snapshot.contents.lexical.frequency("내리")
    assert "띄운다" not in str([p.lines for p in snapshot.notes.passages])
    assert place.answers() == anew(place, tmp_path)


def test_a_document_in_between_shifts_the_others(place: Place, tmp_path: Path) -> None:
    place.write("b.md", "# 사이\n\n## 새로운 것\n\n컨테이너를 다시 띄웁니다.\n")
    place.write("gamma.md", GAMMA.replace("띄운다", "올린다"))
    (place.notes / "alpha.md").unlink()
    place.build()
    assert place.answers() == anew(place, tmp_path)


def test_many_edits_leave_few_files_and_the_same_answers(place: Place, tmp_path: Path) -> None:
    for number in range(15):
        place.write("beta.md", BETA + f"\n## Part {number}\n\nNumber {number}.\n")
        snapshot, _ = place.build()
    assert len(snapshot.contents.states.segments) < 14
    assert len(list((place.data / "versions").iterdir())) == 3
    assert place.answers() == anew(place, tmp_path)


def test_unchanged_states_are_one_file_on_disk(place: Place) -> None:
    place.write("beta.md", BETA + "\nMore.\n")
    place.build()
    *_, first, second = sorted((place.data / "versions").iterdir())
    name = "states.000000.npy"
    assert (first / name).stat().st_ino == (second / name).stat().st_ino


def test_a_build_that_ends_early_goes_on_from_what_it_encoded(
    onnx_encoder: OnnxEncoder, tmp_path: Path
) -> None:
    place = Place(tmp_path, onnx_encoder)
    for number in range(150):
        place.write(f"{number}.md", f"# Note {number}\n\nIts only sentence has number {number}.\n")
    with pytest.raises(KeyboardInterrupt):
        place.build(most=1000)
    assert not (tmp_path / "data" / "current").exists()
    _, encoder = place.build()
    # All were to be encoded once: passages, their lines, those as questions, and general questions.
    whole = 3 * 150 + 600 + len(phrases())
    assert len(encoder.encoded) <= whole - 1000 + 64
    assert place.build()[1].encoded == []


def phrases() -> list[str]:
    path = Path(__file__).parents[3] / "assistant" / "data" / "smalltalk.txt"
    return path.read_text("utf-8").splitlines()


def test_the_journal_keeps_no_more_than_every_build_needs(place: Place) -> None:
    with sqlite3.connect(place.data / embedding_cache.FILE) as connection:
        kinds = connection.execute("SELECT DISTINCT kind FROM encoded").fetchall()
    assert kinds == [("query",)]


def test_a_damaged_journal_is_begun_anew(place: Place, tmp_path: Path) -> None:
    (place.data / embedding_cache.FILE).write_bytes(b"SQLite format 3\0" + bytes(range(256)) * 64)
    place.write("beta.md", BETA + "\nMore.\n")
    _, encoder = place.build()
    assert "Beta > Volumes\nMore." in encoder.passages()
    assert place.answers() == anew(place, tmp_path)


def test_an_index_of_another_schema_gives_its_embeddings(place: Place) -> None:
    version = store.current(place.data)
    path = place.data / "versions" / version / "manifest.json"
    path.write_text(path.read_text().replace(f'"schema": {store.SCHEMA}', '"schema": 99'))
    snapshot, encoder = place.build()
    assert snapshot.version != version
    assert encoder.encoded == encoder.embedded == []


def test_an_index_without_sentences_gets_them_alone(place: Place, tmp_path: Path) -> None:
    path = place.data / "versions" / store.current(place.data) / "manifest.json"
    manifest = json.loads(path.read_text())
    del manifest["files"]["gists.npy"]
    path.write_text(json.dumps(manifest | {"schema": 5}))
    (path.parent / "gists.npy").unlink()
    snapshot, encoder = place.build()
    assert encoder.encoded == []
    assert len(encoder.embedded) == 2 * len(snapshot.notes.passages)
    assert place.answers() == anew(place, tmp_path)


def test_another_program_reads_the_notes_anew_but_encodes_nothing(place: Place) -> None:
    version = store.current(place.data)
    path = place.data / "versions" / version / "manifest.json"
    reader = store.load(place.data).manifest.reader
    path.write_text(path.read_text().replace(reader, "0" * len(reader)))
    snapshot, encoder = place.build()
    assert snapshot.version != version
    assert encoder.encoded == []


@pytest.mark.parametrize("harm", ["flip", "cut", "remove"])
def test_a_damaged_version_is_not_gone_on_from(place: Place, harm: str, tmp_path: Path) -> None:
    folder = place.data / "versions" / store.current(place.data)
    path = folder / "states.000000.npy"
    data = path.read_bytes()
    path.unlink()
    if harm != "remove":
        path.write_bytes(data[:-1] if harm == "cut" else data[:-1] + bytes([data[-1] ^ 1]))
    place.build()
    assert place.answers() == anew(place, tmp_path)


def test_a_clock_moved_back_does_not_make_a_version_older(place: Place) -> None:
    versions = place.data / "versions"
    future = "20990101T000000000000-abcdef01"
    old = versions / store.current(place.data)
    manifest = (old / "manifest.json").read_text().replace(old.name, future)
    (old / "manifest.json").write_text(manifest)
    old.rename(versions / future)
    (place.data / "current").write_text(future)
    place.write("beta.md", BETA + "\nMore.\n")
    snapshot, _ = place.build(keep=1)
    assert snapshot.version > future
    assert [path.name for path in versions.iterdir()] == [snapshot.version]


def test_versions_are_gone_back_to(place: Place) -> None:
    first, was = store.current(place.data), place.answers()
    place.write("beta.md", "# Beta\n\nNothing is left of it.\n")
    place.build()
    assert place.answers() != was
    assert [each.version for each in store.versions(place.data)][1] == first
    assert store.roll_back(place.data).version == first
    assert place.answers() == was
    # The next build follows the notes.
    snapshot, _ = place.build()
    assert np.array_equal(snapshot.notes.korean, [True, False, True])
    assert "Nothing is left of it." in str([p.lines for p in snapshot.notes.passages])


def test_states_kept_by_an_earlier_program_are_not_taken(
    onnx_encoder: OnnxEncoder, tmp_path: Path
) -> None:
    question = "돛은 무엇을 하나요?"
    with embedding_cache.opened(tmp_path) as notebook:
        # As it kept a question: by its text alone, with the states of the last layer.
        tokens, dimension = 5, onnx_encoder.weights.dimension
        row = (
            np.zeros(dimension + SENTENCE_COMPONENTS, np.float32).tobytes(),
            np.zeros((tokens, dimension), np.float16).tobytes(),
            np.zeros((tokens, 2), np.int32).tobytes(),
        )
        notebook.put("query", {embedding_cache.key(onnx_encoder.weights, question): row})
        kept = CachedEncoder(onnx_encoder, notebook, Counter(lambda done, total: None))
        (found,) = kept.questions([question])
        (again,) = kept.questions([question])
    (expected,) = onnx_encoder.encode([question], "query")
    assert found.states.shape == again.states.shape == expected.states.shape
    np.testing.assert_allclose(again.vector, expected.vector, atol=1e-6)
