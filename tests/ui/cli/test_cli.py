"""The command line: what it prints, and how it ends."""

import json
import shutil
import socket
import subprocess
from pathlib import Path

import httpx
import pytest
from running import NOTES, ROOT, Server, environment, free_port, notes, server

from assistant.answering.answer import (
    Answer,
    DocumentRef,
    FoundPassage,
    Grade,
    Highlight,
    SectionRef,
)
from assistant.answering.ask import Assistant, Question
from assistant.answering.messages import program_message
from index.markdown.commonmark import parser, plain
from ui.terminal.printed_answer import show

QUESTION = "볼륨은 어디에 저장되나요?"


@pytest.fixture
def built(server: Server, tmp_path: Path) -> Path:
    """Return a data folder with a good index of its own."""
    shutil.copytree(server.data_dir, tmp_path / "data")
    return tmp_path / "data"


def manifest(data_dir: Path) -> Path:
    version = (data_dir / "current").read_text().strip()
    return data_dir / "versions" / version / "manifest.json"


def unmarked(line: str) -> str:
    """Return a line of Markdown as it is read."""
    return plain(parser().parseInline(line)[0].children)


def test_ask_prints_the_words_and_where_they_stand(built: Path) -> None:
    done = notes(built, "ask", QUESTION)
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    place = next(number for number, line in enumerate(lines) if ".md:" in line)
    remarks = {program_message("may_answer", "ko")}
    words = next(line for line in lines[:place] if line not in remarks)
    where, link = lines[place : place + 2]
    assert "\x1b" not in done.stdout
    path, _, line = where.split()[-1].rpartition(":")
    assert words in unmarked(Path(path).read_text().splitlines()[int(line) - 1])
    assert link.strip().startswith("http://127.0.0.1:7860/notes/docker#")


def printed(
    capsys: pytest.CaptureFixture[str], text: str, *words: str, grade: Grade = "answers"
) -> list[str]:
    """Return the lines printed for a passage in which these words answer."""
    spans = tuple(Highlight(text.index(w), text.index(w) + len(w)) for w in words)
    section = SectionRef("섹션", ("노트", "섹션"), "섹션", 2)
    document = DocumentRef("a", "노트", "default", "ko", "a.md")
    found = FoundPassage(1, 0.5, text, spans, 3, section, document, False, "/notes/a#섹션", "")
    lost = grade == "not_covered"
    answer = Answer(
        "id", "not_covered" if lost else "answered", grade, 0.5, "없어요" if lost else None, "ko",
        "도커", "ehzj", "v", 1.0, () if lost else (found,), found if lost else None,
    )  # fmt: skip
    show(answer, "ehzj", {"default": str(ROOT)}, "http://localhost")
    return capsys.readouterr().out.splitlines()


@pytest.mark.parametrize(
    ("text", "words", "shown"),
    [
        ("앞. **볼륨**은 `docker` [영역](#a)이다. 뒤.",
         "**볼륨**은 `docker` [영역](#a)이다.", "볼륨은 docker 영역이다."),
        ("- 하나\n- *둘* &amp; \\*셋\\*\n", "*둘* &amp; \\*셋\\*", "둘 & *셋*"),
        ("| a | b |\n|---|---|\n| **c** | `d` |\n", "| **c** | `d` |", "| c | d |"),
        ("```sh\nls **/*.md `w` &amp;\n```\n", "ls **/*.md `w` &amp;", "ls **/*.md `w` &amp;"),
        ("- 항목\n\n  ```sh\n  echo *a* *b*\n  ```\n", "echo *a* *b*", "echo *a* *b*"),
        ("글이다.\n\n    echo _a_ _b_\n", "echo _a_ _b_", "echo _a_ _b_"),
        ("<p>글 <b>굵게</b></p>\n", "<p>글 <b>굵게</b></p>", "글 굵게"),
        ("[bold]은 그대로다.", "[bold]은 그대로다.", "[bold]은 그대로다."),
    ],
)  # fmt: skip
def test_words_are_printed_without_marks_and_code_as_it_is(
    capsys: pytest.CaptureFixture[str], text: str, words: str, shown: str
) -> None:
    assert printed(capsys, text, words)[1] == shown


@pytest.mark.parametrize("grade", ["answers", "not_covered"])
def test_a_mended_question_is_told(capsys: pytest.CaptureFixture[str], grade: Grade) -> None:
    lines = printed(capsys, "글이다.", "글이다.", grade=grade)
    assert lines[0] == "‘도커’(으)로 찾은 결과예요."


def test_ask_json_is_the_answer_of_rest(built: Path) -> None:
    done = notes(built, "ask", QUESTION, "--json", "--limit", "1")
    answer = json.loads(done.stdout)
    assert answer["status"] == "answered"
    assert len(answer["passages"]) == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["ask", ""], "empty"),
        (["ask", " \t "], "empty"),
        (["ask", "x" * 100_000], "at most 2,000"),
        (["ask", "docker", "--limit", "99"], "limit"),
        (["ask"], "question"),
        (["fly"], "fly"),
        (["build", "no/such/folder"], "does not exist"),
        (["build", "pyproject.toml"], "is no Markdown file"),
        (["serve", "--port", "99999"], "NOTES_PORT"),
        (["ask", "docker", "--engine", "steam"], "NOTES_ENGINE"),
        (["ask", "docker", "--public-url", "wiki"], "NOTES_PUBLIC_URL"),
        (["ask", "docker", "--link-template", "/{nothing}"], "NOTES_LINK_TEMPLATE"),
    ],
)
def test_bad_use_says_why_and_ends_with_2(built: Path, arguments: list[str], said: str) -> None:
    done = notes(built, *arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_only_emoji_is_not_covered_and_ends_with_1(built: Path) -> None:
    done = notes(built, "ask", "🐳")
    assert done.returncode == 1
    assert "글자" in done.stdout


@pytest.mark.parametrize(
    ("question", "said", "closest"),
    [
        (
            "비행기 표는 어떻게 환불하나요?",
            "노트에 ‘비행기’, ‘환불’은 나오지 않아요.",
            "가장 가까운 섹션:",
        ),
        ("best pasta recipe", "The notes do not mention ‘pasta’.", "Closest section:"),
    ],
)
def test_what_is_not_covered_is_said_with_the_closest_section(
    built: Path, question: str, said: str, closest: str
) -> None:
    done = notes(built, "ask", question)
    assert done.returncode == 1
    first, second, *rest = done.stdout.splitlines()
    assert (first, second) == (said, closest)
    assert any("http://127.0.0.1:7860/notes/docker#" in line for line in rest)
    told = json.loads(notes(built, "ask", question, "--json").stdout)
    assert (told["message"], told["passages"]) == (said, [])
    assert told["closest"]["section"]["path"][-1] in done.stdout


def test_explain_prints_the_stages(built: Path) -> None:
    done = notes(built, "ask", QUESTION, "--explain")
    assert done.returncode == 0
    lines = [line.split() for line in done.stdout.splitlines() if line.startswith("  score ")]
    assert len(lines) == 3
    for line in lines:
        assert line[::2] == ["score", "late", "lines", "dense", "lexical", "gist", "reranked"]
        *stages, read = (float(value) for value in line[1::2])
        assert all(-2 < value < 5 for value in stages)
        assert -20 < read < 20
    assert "score" not in notes(built, "ask", QUESTION).stdout


def test_no_index_yet(tmp_path: Path) -> None:
    done = notes(tmp_path / "empty", "ask", "docker")
    assert done.returncode == 2
    assert "notes build" in done.stderr


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, "holds no Markdown files"),
        ({"a.md": b""}, "is empty"),
        ({"a.md": b"# only\n\n## headings\n"}, "has headings but no text"),
        ({"a.md": b"fine\n\xff\n"}, "a.md:2 is not UTF-8"),
    ],
)
def test_bad_notes_leave_the_old_index(
    built: Path, tmp_path: Path, files: dict[str, bytes], said: str
) -> None:
    folder = tmp_path / "notes"
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    before = (built / "current").read_text()
    done = notes(built, "build", str(folder))
    assert done.returncode == 2
    assert said in done.stderr
    assert (built / "current").read_text() == before
    assert notes(built, "ask", QUESTION).returncode == 0


@pytest.mark.parametrize("command", ["ask", "serve"])
def test_an_index_that_does_not_fit_is_refused(built: Path, command: str) -> None:
    arguments = [command] if command == "serve" else [command, QUESTION]
    path = manifest(built)
    good = json.loads(path.read_text())

    if command == "ask":
        path.write_text(json.dumps(good | {"schema": 0}))
        done = notes(built, *arguments)
        assert (done.returncode, "schema 0" in done.stderr) == (2, True)

    weights = good["weights"] | {"fingerprint": "other"}
    path.write_text(json.dumps(good | {"weights": weights}))
    done = notes(built, *arguments, NOTES_PORT=str(free_port()))
    assert (done.returncode, "fingerprint is 'other'" in done.stderr) == (2, True)

    path.write_text(path.read_text()[:100])
    done = notes(built, *arguments, NOTES_PORT=str(free_port()))
    assert (done.returncode, "is damaged" in done.stderr) == (2, True)
    assert "notes build" in done.stderr


def test_a_server_builds_an_index_of_another_schema_anew(built: Path) -> None:
    path = manifest(built)
    path.write_text(json.dumps(json.loads(path.read_text()) | {"schema": 0}))
    before = (built / "current").read_text()
    with server(built) as running:
        answered = httpx.post(f"{running.url}/api/v1/ask", json={"question": QUESTION}, timeout=60)
    assert answered.json()["status"] == "answered"
    assert (built / "current").read_text() != before


def test_no_library_keeps_an_id_of_the_machine(
    built: Path, models_dir: Path, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    settings = {"HOME": str(home), "NOTES_CACHE_DIR": str(models_dir)}
    assert notes(built, "ask", QUESTION, **settings).returncode == 0
    assert list(home.rglob("*")) == []


def test_a_build_mends_a_damaged_index(built: Path) -> None:
    manifest(built).write_text("{")
    assert notes(built, "build", str(ROOT / "corpus")).returncode == 0
    assert notes(built, "ask", QUESTION).returncode == 0


def test_a_port_in_use(built: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = notes(built, "serve", "--port", str(port))
    assert done.returncode == 2
    assert f"port {port}" in done.stderr
    assert f"--port {port + 1}" in done.stderr


def test_links_are_absolute_with_a_public_address(built: Path) -> None:
    done = notes(built, "ask", QUESTION, "--json", NOTES_PUBLIC_URL="https://wiki.example.org/")
    url = json.loads(done.stdout)["passages"][0]["url"]
    assert url.startswith("https://wiki.example.org/notes/docker#")


def test_links_by_a_template(built: Path) -> None:
    template = "https://git.example.org/{path}#{anchor}"
    done = notes(built, "ask", QUESTION, "--json", "--link-template", template)
    url = json.loads(done.stdout)["passages"][0]["url"]
    assert url.startswith("https://git.example.org/docker.md#")


def test_a_terminal_without_hangul_gets_question_marks(built: Path) -> None:
    done = notes(built, "ask", QUESTION, PYTHONIOENCODING="ascii")
    assert done.returncode == 0
    assert "?" in done.stdout
    assert "Traceback" not in done.stderr


def test_output_that_cannot_be_written_ends_with_2(built: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*NOTES, "ask", QUESTION, "--json"],
            env=environment(built, {}),
            cwd=ROOT,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=120,
            check=False,
        )
    assert done.returncode == 2
    assert "No space left" in done.stderr
    assert "Traceback" not in done.stderr


def test_notes_do_not_steer_the_terminal(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.md").write_text("# Volume\n\nThe \x1b[31mred\x1b[0m \u202evolume.\n")
    assert notes(tmp_path / "data", "build", str(tmp_path / "notes")).returncode == 0
    done = notes(tmp_path / "data", "ask", "red volume")
    assert "volume" in done.stdout
    assert not set("\x1b\u202e") & set(done.stdout)


def test_a_lone_file_is_named_where_it_is(
    docker: Assistant, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    asked = "볼륨은 어디에 저장되나요?"
    answer = docker.ask(Question(asked))
    for place in ("corpus", "corpus/docker.md"):
        show(answer, asked, {"default": str(ROOT / place)}, "")
        assert f"    corpus/docker.md:{answer.passages[0].line}" in capsys.readouterr().out
