"""The command line: what it prints, and how it ends."""

import json
import shutil
import socket
from pathlib import Path

import pytest
from running import ROOT, Server, free_port, notes

QUESTION = "볼륨은 어디에 저장되나요?"


@pytest.fixture
def built(server: Server, tmp_path: Path) -> Path:
    """Return a data folder with a good index of its own."""
    shutil.copytree(server.data_dir, tmp_path / "data")
    return tmp_path / "data"


def manifest(data_dir: Path) -> Path:
    version = (data_dir / "current").read_text().strip()
    return data_dir / "versions" / version / "manifest.json"


def test_ask_prints_the_words_and_where_they_stand(built: Path) -> None:
    done = notes(built, "ask", QUESTION)
    assert done.returncode == 0
    words, where, link = done.stdout.splitlines()[:3]
    assert words
    assert "\x1b" not in done.stdout
    path, _, line = where.split()[-1].rpartition(":")
    assert words.split("\n")[0] in Path(path).read_text().splitlines()[int(line) - 1]
    assert link.strip().startswith("http://127.0.0.1:7860/notes/docker#")


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
        (["build", "pyproject.toml"], "is a file"),
        (["serve", "--port", "99999"], "NOTES_PORT"),
        (["ask", "docker", "--engine", "steam"], "NOTES_ENGINE"),
        (["ask", "docker", "--public-url", "wiki"], "NOTES_PUBLIC_URL"),
        (["ask", "docker", "--link-template", "/{page}"], "NOTES_LINK_TEMPLATE"),
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

    path.write_text(json.dumps(good | {"schema": 0}))
    done = notes(built, *arguments, NOTES_PORT=str(free_port()))
    assert (done.returncode, "schema 0" in done.stderr) == (2, True)

    weights = good["weights"] | {"fingerprint": "other"}
    path.write_text(json.dumps(good | {"weights": weights}))
    done = notes(built, *arguments, NOTES_PORT=str(free_port()))
    assert (done.returncode, "fingerprint is 'other'" in done.stderr) == (2, True)

    path.write_text(path.read_text()[:100])
    done = notes(built, *arguments, NOTES_PORT=str(free_port()))
    assert (done.returncode, "is damaged" in done.stderr) == (2, True)
    assert "notes build" in done.stderr


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
