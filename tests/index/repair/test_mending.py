"""Korean notes that were read in a wrong code page: mended and marked, or else named."""

import gettext
import json
import shutil
from dataclasses import asdict
from functools import partial
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from running import ROOT, notes

from assistant.answering.ask import Assistant, Question
from assistant.calibration.calibrated_build import build_index
from assistant.slack.block_kit import answer_message
from index.checks.folder import check
from index.encoding.onnx_encoder import OnnxEncoder
from index.markdown.notes import Document
from index.markdown.sections import parse
from index.reading.corpus import Skipped, Warned, read, scan
from index.repair.code_pages import LATIN_1, NO_BREAK, PAGES, WINDOWS_1252, WINDOWS_1254, CodePage
from index.repair.piece_scores import open_reader
from index.repair.repaired import Mending, mend
from index.storage import store
from ui.chat.cards import answer_card
from ui.reader.document_addresses import DocumentAddresses
from ui.reader.frame import Visit
from ui.reader.page_links import Leads
from ui.reader.reader_pages import note
from ui.terminal.printed_answer import show

DOCKER = (ROOT / "corpus" / "docker.md").read_text("utf-8")
CLEAN = "# 제목\n\n읽을 수 있는 문장이다.\n\n"
PLAIN = {0x85, 0x8B, *range(0x91, 0x98), 0x9B, 0xA0, 0xAB, 0xB7, 0xBB}
HANGUL = st.text(st.characters(min_codepoint=0xAC00, max_codepoint=0xD7A3), min_size=2, max_size=40)


def damaged(text: str, page: CodePage, kept: bool = False) -> str:
    """Return a text as it reads in a wrong code page, with all bytes kept or without the lost."""
    data = text.encode()
    if kept:
        return page.read(data)
    if page != LATIN_1:
        data = bytes(code for code in data if code not in page.lost)
    return page.read(data.replace(bytes([NO_BREAK]), b" "))


def beyond_mending(text: str) -> str:
    """Return a text as it reads where every control character was dropped: half of the bytes."""
    return "".join(c for c in LATIN_1.read(text.encode()) if not 0x80 <= ord(c) < NO_BREAK)


@pytest.fixture(scope="module")
def reader(models_dir: Path) -> "partial[object]":
    return partial(open_reader, models_dir)


def syllables(text: str) -> list[str]:
    return [character for character in text if "가" <= character <= "힣"]


def right(meant: str, found: str) -> float:
    """Return the share of syllables that are right, line by line and place by place."""
    pairs = [
        (a, b)
        for line, other in zip(meant.split("\n"), found.split("\n"), strict=True)
        for a, b in zip(syllables(line), [*syllables(other), *" " * len(line)], strict=False)
    ]
    return sum(a == b for a, b in pairs) / len(pairs)


def names(page: CodePage) -> str:
    return page.name


@pytest.mark.parametrize("page", PAGES, ids=names)
class TestAllBytesKept:
    @given(words=st.lists(HANGUL, min_size=1, max_size=8))
    def test_any_hangul_comes_back(self, page: CodePage, words: list[str]) -> None:
        text = " ".join(words)
        # One syllable is no sign of damage, nor is what reads as a letter before quotes and dots.
        assume(sum(not PLAIN.issuperset(each.encode()[1:]) for each in text if each != " ") > 1)
        assert mend(damaged(text, page, kept=True), None).text == text

    @pytest.mark.parametrize("twice", PAGES, ids=names)
    def test_the_notes_come_back(self, page: CodePage, twice: CodePage) -> None:
        once = damaged(DOCKER, page, kept=True)
        assert mend(once, None).text == DOCKER
        assert mend(damaged(once, twice, kept=True), None).text == DOCKER

    def test_windows_line_ends_and_a_byte_order_mark(self, page: CodePage) -> None:
        text = DOCKER.replace("\n", "\r\n")
        assert mend(damaged("\ufeff" + text, page, kept=True), None).text == text

    def test_one_damaged_block_among_others(self, page: CodePage) -> None:
        block = "> 컨테이너를 지우면 **데이터**도 사라진다. → `docker rm` 📝"
        for code in (block, f"```sh\n# {block}\nls\n```"):
            text = f"{CLEAN}{damaged(code, page, kept=True)}\n\n| 가 | 나 |\n|---|---|\n"
            mending = mend(text, None)
            assert mending.text == f"{CLEAN}{code}\n\n| 가 | 나 |\n|---|---|\n"
            assert all(word.start >= len(CLEAN) for word in mending.mended)


class TestBytesLost:
    @pytest.mark.parametrize("page", PAGES, ids=names)
    def test_the_notes_are_read_as_they_were(
        self, page: CodePage, reader: "partial[object]"
    ) -> None:
        mending = mend(damaged(DOCKER, page), reader)
        assert right(DOCKER, mending.text) >= 0.99
        assert anchors(mending.text) == anchors(DOCKER)
        assert not mending.beyond
        for mark in ("📝", "🔝", "→", "](#데이터-영속성-volumes)", "|---|"):
            assert mending.text.count(mark) == DOCKER.count(mark), mark

    def test_what_is_mended_has_true_offsets(self, reader: "partial[object]") -> None:
        text = damaged(DOCKER, WINDOWS_1254)
        mending = mend(text, reader)
        undone = mending.text
        for word in reversed(mending.mended):
            assert 0 <= word.confidence <= 1
            undone = undone[: word.start] + word.was + undone[word.end :]
        assert undone == text

    def test_confidence_tells_what_is_right(self, reader: "partial[object]") -> None:
        found = mend(damaged(DOCKER, WINDOWS_1254), reader)
        sure = [word for word in found.mended if word.confidence > 0.99]
        wrong = [w for w in sure if found.text[w.start : w.end] not in DOCKER]
        assert len(wrong) <= 0.01 * len(sure)

    def test_lost_bytes_shown_as_replacement_characters(self, reader: "partial[object]") -> None:
        shown = "".join(
            "\ufffd" if code in WINDOWS_1252.lost else WINDOWS_1252.read(bytes([code]))
            for code in DOCKER.encode()
        )
        assert right(DOCKER, mend(shown, reader).text) >= 0.99

    def test_headings_and_links_agree(self, reader: "partial[object]") -> None:
        text = "- [의존성](#의존성-및-애그리게이션)\n\n## 의존성 및 애그리게이션\n\n글을 적는다.\n"
        found = mend(damaged(text, WINDOWS_1254), reader).text
        (anchor,) = anchors(found)
        assert f"](#{anchor})" in found

    def test_too_many_lost_bytes_are_left_as_they_are(self, reader: "partial[object]") -> None:
        text = beyond_mending(DOCKER)
        found = mend(text, reader)
        assert len(found.blocks_beyond) > 10
        assert all(text[slice(*span)] in found.text for span in found.beyond)
        assert all(found.text[word.start : word.end] in DOCKER for word in found.mended)


def anchors(text: str) -> list[str]:
    return [section.anchor for section in parse(text, "").sections]


class TestCleanText:
    @pytest.mark.parametrize(
        "text",
        [
            DOCKER,
            "Café “déjà vu”… «voilà» naïve — São João, España: ¿qué? ¡Sí!",
            "Lunedì… «così» è più “città”. Ağaç, şeker, ığdır’ın İstanbul’u.",
            "Äpfel, Öl, Übermaß: „Größe“ · Ærø, Ålesund · Žižek’š",
            "`ê°€`는 `가`를 잘못 읽은 것이고 `ì»¨í…Œì´ë„ˆ`도 그렇다.",
            "Les chaînes « à » et « é… » sont là. ë ì í ê",
            "x = 'Ã©'  # what becomes of é",
            "日本語のテキスト「です」。中文也一样。Tiếng Việt được giữ nguyên.",
        ],
    )
    def test_stays(self, text: str) -> None:
        assert mend(text, None) == Mending(text, ())

    def test_translations_in_many_languages_stay(self) -> None:
        for file in sorted(Path("/usr/share/locale").glob("*/LC_MESSAGES/iso_3166*.mo")):
            with file.open("rb") as stream:
                catalog = gettext.GNUTranslations(stream)
            text = "\n\n".join(map(str, catalog._catalog.values()))  # type: ignore[attr-defined]
            assert mend(text, None).text == text, file

    def test_code_stays(self) -> None:
        for file in sorted((ROOT / "index").rglob("*.py")):
            text = file.read_text("utf-8")
            assert mend(text, None).text == text, file


class TestReading:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        (tmp_path / "docker.md").write_text(damaged(DOCKER, WINDOWS_1254), "utf-8")
        (tmp_path / "clean.md").write_text(CLEAN, "utf-8")
        return tmp_path

    def test_documents_hold_the_mended_text(self, folder: Path, models_dir: Path) -> None:
        before = {file.name: file.read_bytes() for file in folder.iterdir()}
        found = read({"default": folder}, cache_dir=models_dir)
        clean, mended = found.documents
        assert (mended.title, clean.mended) == ("Docker 학습 노트", ())
        assert [section.anchor for section in mended.sections] == anchors(DOCKER)
        assert any("words are mended" in item.reason for item in found.warnings)
        assert {file.name: file.read_bytes() for file in folder.iterdir()} == before

    def test_a_block_beyond_mending_is_named_and_answers_nothing(
        self, tmp_path: Path, models_dir: Path
    ) -> None:
        lost = beyond_mending("컨테이너를 지우면 데이터도 사라진다. 볼륨에 저장해야 남는다.")
        (tmp_path / "a.md").write_text(f"{CLEAN}{lost}\n\n마지막 문장이다.\n", "utf-8")
        warned, document = scan({"default": tmp_path}, cache_dir=models_dir)
        assert isinstance(warned, Warned)
        assert isinstance(document, Document)
        assert (warned.path, warned.line) == ("a.md", 5)
        assert lost in document.source
        lines = [line.plain for s in document.sections for b in s.blocks for line in b.lines]
        assert lines == ["읽을 수 있는 문장이다.", "마지막 문장이다."]

    def test_a_file_beyond_mending_is_left_out(self, tmp_path: Path, models_dir: Path) -> None:
        (tmp_path / "a.md").write_text(beyond_mending(DOCKER.split("\n## ")[1]), "utf-8")
        *_, skipped = scan({"default": tmp_path}, cache_dir=models_dir)
        assert skipped == Skipped("a.md", "is damaged beyond mending")


@pytest.fixture(scope="module")
def assistant(
    onnx_encoder: OnnxEncoder,
    models_dir: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Assistant:
    """Return an assistant over damaged notes and others, built and loaded again."""
    folder = tmp_path_factory.mktemp("notes")
    (folder / "docker.md").write_text(damaged(DOCKER, WINDOWS_1254), "utf-8")
    (folder / "whale.md").write_text("# 고래\n\n고래는 바다에 사는 포유류다.\n", "utf-8")
    collection = read({"default": folder}, cache_dir=models_dir)
    data_dir = tmp_path_factory.mktemp("data")
    build_index(collection, data_dir, onnx_encoder, lambda _: None)
    template = "/notes/{document}#{anchor}"
    return Assistant(store.load(data_dir), onnx_encoder, template, "", 0.25)


class TestAnswers:
    def test_from_mended_notes_say_so(
        self, assistant: Assistant, capsys: pytest.CaptureFixture[str]
    ) -> None:
        answer = assistant.ask(Question("볼륨은 어디에 저장되나요?"))
        first = asdict(answer)["passages"][0]
        assert (answer.status, first["damaged"]) == ("answered", True)
        assert first["section"]["anchor"] == "데이터-영속성-volumes"
        assert "/var/lib/docker/volumes/" in first["text"]
        assert "깨진 글자를 복원한 내용이에요." in answer_card(answer, "")
        assert "깨진 글자를 복원한 내용이에요." in json.dumps(
            list(answer_message(answer).blocks), ensure_ascii=False
        )
        show(answer, answer.query, {"default": "notes"}, "")
        assert capsys.readouterr().out.startswith("깨진 글자를 복원한 내용이에요.")

    def test_from_other_notes_do_not(self, assistant: Assistant) -> None:
        answer = assistant.ask(Question("고래는 어디에 사나요?"))
        assert answer.passages[0].document.id == "whale"
        assert not answer.passages[0].damaged
        assert "깨진 글자" not in answer_card(answer, "")

    def test_the_reader_says_so(self, assistant: Assistant) -> None:
        shelf = DocumentAddresses(tuple(assistant.snapshot.notes.documents))
        pages = {
            document.id: note(document, shelf, Leads(shelf, {}), Visit("ko", "")).body
            for document in shelf.documents
        }
        assert "깨진 글자를 복원한 노트" in pages["docker"]
        assert "깨진 글자" not in pages["whale"]


class TestCheck:
    @pytest.mark.parametrize(
        ("text", "mend"),
        [
            (damaged("컨테이너와 이미지", LATIN_1, kept=True), "It says '컨테이너와'"),
            (damaged("격리된 환경에서 실행하는 데이터", WINDOWS_1254), "Bytes were lost: "),
            (beyond_mending("컨테이너를 지우면 데이터도 사라진다."), "Too many bytes were lost"),
        ],
    )
    def test_says_how_to_mend_it(self, tmp_path: Path, text: str, mend: str) -> None:
        page = tmp_path / "a.md"
        page.write_text(f"글\n\n{text}\n", "utf-8")
        (finding,) = check(page, ("damaged-text",)).findings
        assert (finding.line, finding.column, finding.severity) == (3, 1, "error")
        assert finding.mend.startswith(mend)
        assert ("`notes mend FILE -o OUT`" in finding.mend) is ("Too many" not in mend)


class TestMend:
    def test_writes_a_new_file_and_the_difference(self, tmp_path: Path) -> None:
        page, out = tmp_path / "a.md", tmp_path / "b.md"
        page.write_bytes(damaged("\ufeff" + DOCKER.replace("\n", "\r\n"), WINDOWS_1254).encode())
        before = page.read_bytes()
        done = notes(tmp_path, "mend", str(page), "-o", str(out))
        assert done.returncode == 0
        assert page.read_bytes() == before
        mended = out.read_bytes().decode()
        assert right(DOCKER, mended.replace("\r\n", "\n")) >= 0.99
        assert mended.count("\r\n") == DOCKER.count("\n")
        assert f"--- {page}\n+++ {out}\n@@" in done.stdout
        assert "\n+title: Docker 학습 노트" in done.stdout
        assert f"{out}:" in done.stderr
        assert "doubtful (0." in done.stderr

    @pytest.mark.parametrize("same", [True, False])
    def test_never_overwrites(self, tmp_path: Path, same: bool) -> None:
        page, out = tmp_path / "a.md", tmp_path / ("a.md" if same else "b.md")
        page.write_text(damaged(DOCKER, LATIN_1), "utf-8")
        if not same:
            out.write_text("mine", "utf-8")
        before = out.read_bytes()
        done = notes(tmp_path, "mend", str(page), "-o", str(out))
        assert (done.returncode, out.read_bytes()) == (2, before)
        assert "is there already" in done.stderr

    def test_nothing_damaged_writes_nothing(self, tmp_path: Path) -> None:
        shutil.copy(ROOT / "corpus" / "docker.md", tmp_path / "a.md")
        done = notes(tmp_path, "mend", str(tmp_path / "a.md"), "-o", str(tmp_path / "b.md"))
        assert (done.returncode, done.stdout) == (0, "")
        assert "is not damaged" in done.stderr
        assert not (tmp_path / "b.md").exists()

    def test_what_is_left_is_named(self, tmp_path: Path) -> None:
        lost = beyond_mending("컨테이너를 지우면 데이터도 사라진다. 볼륨에 저장해야 남는다.")
        (tmp_path / "a.md").write_text(f"{CLEAN}{lost}\n", "utf-8")
        done = notes(tmp_path, "mend", str(tmp_path / "a.md"), "-o", str(tmp_path / "b.md"))
        assert done.returncode == 1
        assert f"{tmp_path / 'a.md'}:5:1" in done.stderr

    @pytest.mark.parametrize("name", ["none.md", "utf8.md"])
    def test_what_cannot_be_read(self, tmp_path: Path, name: str) -> None:
        (tmp_path / "utf8.md").write_bytes(b"# caf\xe9\n")
        done = notes(tmp_path, "mend", str(tmp_path / name), "-o", str(tmp_path / "b.md"))
        assert (done.returncode, name in done.stderr) == (2, True)


def test_shapes_are_logarithms() -> None:
    table = json.loads((ROOT / "index" / "data" / "shapes.json").read_text("utf-8"))
    assert all(value <= 0 for row in table.values() for value in row.values())
