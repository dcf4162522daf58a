"""From notes to an answer with an encoder by hand: the whole way, in seconds."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
from hashing_encoder import HashingEncoder

from assistant.answering import Assistant, Question
from assistant.calibration import build_index
from index.encoding import Kind
from index.reading.corpus import read
from index.storage import store

CORPUS = Path(__file__).parents[1] / "corpus"
QUESTION = "docker compose down 명령어"


class Counting(HashingEncoder):
    """Counts the passages that it encodes."""

    def __init__(self) -> None:
        self.passages: list[str] = []

    def encode(self, texts: Sequence[str], kind: Kind):  # type: ignore[no-untyped-def]
        """Keep what is a passage."""
        self.passages += texts if kind == "passage" else []
        yield from super().encode(texts, kind)


@pytest.fixture(scope="module")
def notes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("notes")
    shutil.copytree(CORPUS, folder / "corpus")
    return folder


@pytest.fixture(scope="module")
def assistant(notes: Path) -> Assistant:
    collection = read({"default": notes / "corpus"})
    snapshot = build_index(collection, notes / "data", HashingEncoder(), lambda _: None)
    return Assistant(snapshot, HashingEncoder(), "", "", risk=0.25)


def test_the_section_with_the_words_comes_first(assistant: Assistant) -> None:
    answer = assistant.ask(Question(QUESTION, min_confidence=0))
    assert answer.passages[0].section.anchor == "docker-compose-orchestration"


def test_what_is_shown_stands_in_the_notes_word_for_word(assistant: Assistant) -> None:
    source = assistant.snapshot.notes.documents[0].source
    for text in (QUESTION, "볼륨", "what is a container", "레이어 캐시"):
        for passage in assistant.ask(Question(text, min_confidence=0)).passages:
            assert passage.text in source
            for mark in passage.highlights:
                assert 0 <= mark.start < mark.end <= len(passage.text)


def test_a_question_without_words_finds_nothing(assistant: Assistant) -> None:
    assert assistant.ask(Question("?!")).grade == "not_covered"


def test_an_edit_encodes_what_is_new_alone(notes: Path, assistant: Assistant) -> None:
    (page,) = (notes / "corpus").glob("*.md")
    page.write_text(
        page.read_text("utf-8") + "\n## 로그 보기\n\n로그는 logs 명령으로 본다.\n", "utf-8"
    )
    before, encoder = store.foundation(notes / "data"), Counting()
    collection = read({"default": notes / "corpus"})
    snapshot = build_index(collection, notes / "data", encoder, lambda _: None, before=before)
    assert {"logs" in text for text in encoder.passages} == {True}
    again = Assistant(snapshot, HashingEncoder(), "", "", risk=0.25)
    assert (
        again.ask(Question("로그 보기", min_confidence=0)).passages[0].section.title == "로그 보기"
    )
