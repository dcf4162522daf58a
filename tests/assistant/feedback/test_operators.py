"""`notes gaps` and `notes keys`, as operators and their scripts use them."""

import json
import re
import shutil
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from running import Server, notes
from test_feedback import ANSWERED, UNANSWERED, apart

from assistant.feedback.feedback_store import FILE, Feedback
from assistant.serving.api_keys import MAX_NAME, SCOPES, Keys

Run = Callable[..., CompletedProcess[str]]


@pytest.fixture(scope="module")
def asked(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data folder with the index, and questions of today and of 100 days ago."""
    folder = tmp_path_factory.mktemp("asked") / "data"
    shutil.copytree(server.data_dir, folder, ignore=shutil.ignore_patterns("feedback*", "keys*"))
    now = [datetime.now(UTC) - timedelta(days=100)]
    with closing(Feedback(folder, 365, apart, lambda: now[0])) as feedback:

        def ask(id_: str, question: str, answer: object = UNANSWERED) -> None:
            assert isinstance(answer, type(UNANSWERED))
            feedback.answered(replace(answer, id=id_, query=question), question)

        ask("old", "Is there a Docker for Windows 95?")
        feedback.vote("old", False, "still missing")
        now[0] = datetime.now(UTC)
        ask("1", "How do I deploy to Kubernetes?")
        ask("2", "How do I deploy to Kubernetes?")
        ask("3", "how to deploy on kubernetes")
        ask("4", "[red]What[/red] does \x1b[31mCMD do?", ANSWERED)
        feedback.vote("4", False, "no [link](x) \x1b[2J example")
        ask("5", "a good answer", ANSWERED)
    return folder


class TestGaps:
    def test_for_people(self, asked: Path) -> None:
        done = notes(asked, "gaps")
        assert (done.returncode, done.stderr) == (0, "")
        first, second = re.split(r"\n(?=\d+×)", done.stdout.rstrip())
        today = f"{datetime.now(UTC):%Y-%m-%d}"
        place = "closest: 데이터 영속성 (Volumes), docker#데이터-영속성-volumes"
        assert first.splitlines() == [
            "3× How do I deploy to Kubernetes?",
            f"   unanswered 3, voted down 0, {today}, {place}",
            "   also: how to deploy on kubernetes",
        ]
        assert second.splitlines()[0].startswith("1× [red]What[/red] does ")
        assert second.splitlines()[-1].startswith("   said: no [link](x) ")
        assert "\x1b" not in done.stdout

    def test_for_scripts(self, asked: Path) -> None:
        done = notes(asked, "gaps", "--json", "--limit", "1")
        found = json.loads(done.stdout)
        assert found.keys() == {"since", "gaps"}
        since = datetime.fromisoformat(found["since"])
        assert timedelta(days=30) < datetime.now(UTC) - since < timedelta(days=30, minutes=5)
        (gap,) = found["gaps"]
        assert (gap["count"], gap["unanswered"], gap["voted_down"]) == (3, 3, 0)
        assert gap["nearest"]["document"] == "docker"

    def test_looking_deletes_nothing(self, asked: Path) -> None:
        for _ in range(2):
            done = notes(asked, "gaps", "--days", "365", NOTES_KEEP_QUESTIONS_DAYS="90")
            assert "Windows 95" in done.stdout
            assert "said: still missing" in done.stdout

    def test_none(self, asked: Path, tmp_path: Path) -> None:
        folder = tmp_path / "data"
        shutil.copytree(asked, folder, ignore=shutil.ignore_patterns("feedback*"))
        done = notes(folder, "gaps", "--days", "7")
        assert (done.returncode, done.stdout.strip()) == (
            0,
            "No question went unanswered or was voted down in the last 7 days.",
        )
        done = notes(folder, "gaps", NOTES_KEEP_QUESTIONS_DAYS="0")
        assert done.stdout.strip() == "No question is kept: NOTES_KEEP_QUESTIONS_DAYS is 0."
        assert not list(folder.glob("feedback*"))

    def test_without_an_index(self, tmp_path: Path) -> None:
        done = notes(tmp_path, "gaps")
        assert (done.returncode, done.stdout) == (2, "")
        assert "notes build" in done.stderr

    def test_a_damaged_file(self, asked: Path, tmp_path: Path) -> None:
        folder = tmp_path / "data"
        shutil.copytree(asked, folder, ignore=shutil.ignore_patterns("feedback*"))
        (folder / FILE).write_bytes(b"\xa5" * 8192)
        done = notes(folder, "gaps")
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith("notes: ")
        assert "It is damaged: move feedback.sqlite3* away" in done.stderr
        assert len(done.stderr.splitlines()) == 1

    @pytest.mark.parametrize("bad", [("--days", "0"), ("--days", "366"), ("--limit", "0")])
    def test_bad_options(self, asked: Path, bad: tuple[str, str]) -> None:
        done = notes(asked, "gaps", *bad)
        assert done.returncode == 2
        assert bad[0] in done.stderr


class TestKeys:
    @pytest.fixture
    def run(self, tmp_path: Path) -> Run:
        """Return what runs `notes keys` in a data folder of its own."""
        return lambda *arguments: notes(tmp_path / "data", "keys", *arguments)

    def test_a_key_is_shown_once_and_works(self, run: Run, tmp_path: Path) -> None:
        done = run("create", "위키 봇")
        assert done.returncode == 0
        assert re.fullmatch(r"notes_[0-9a-f]{8}_[\w-]{43}\n", done.stdout)
        assert done.stderr == "Keep it now: it is not shown again. It is for ask, feedback.\n"
        key = Keys(tmp_path / "data").find(done.stdout.strip())
        assert key
        assert (key.name, key.scopes) == ("위키 봇", {"ask", "feedback"})
        secret = done.stdout.strip().split("_", 2)[2]
        listed = run("list").stdout + run("list", "--json").stdout
        assert secret not in listed
        assert all(
            secret.encode() not in file.read_bytes() for file in (tmp_path / "data").iterdir()
        )

    def test_list_and_revoke(self, run: Run, tmp_path: Path) -> None:
        shown = run("create", "wiki", "--scope", "ask").stdout.strip()
        run("create", "grafana", "--scope", "admin", "--scope", "ask")
        done = run("list")
        lines = [line.split() for line in done.stdout.splitlines()]
        assert lines[0] == ["id", "name", "scopes", "created", "(UTC)", "revoked", "(UTC)"]
        assert [line[1:3] for line in lines[1:]] == [["wiki", "ask"], ["grafana", "admin,"]]
        done = run("revoke", "wiki")
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "Revoked wiki.\n")
        assert Keys(tmp_path / "data").find(shown) is None
        keys = json.loads(run("list", "--json").stdout)["keys"]
        assert [(key["name"], key["scopes"]) for key in keys] == [
            ("wiki", ["ask"]),
            ("grafana", ["admin", "ask"]),
        ]
        assert keys[0]["revoked"]
        assert keys[1]["revoked"] is None
        done = run("revoke", keys[1]["id"])
        assert done.returncode == 0
        assert Keys(tmp_path / "data").any_valid() is False

    def test_a_list_is_neither_cut_nor_marked_up(self, run: Run) -> None:
        names = ["[red]x[/red]", "가" * MAX_NAME, "w" * MAX_NAME, "a | b"]
        for name in names:
            assert run("create", name, *(f"--scope={scope}" for scope in SCOPES)).returncode == 0
        listed = run("list").stdout.splitlines()
        assert len(listed) == len(names) + 1
        for name, line in zip(names, listed[1:], strict=True):
            assert f"  {name}  " in line
            assert "admin, ask, feedback" in line

    def test_no_key_yet(self, run: Run, tmp_path: Path) -> None:
        done = run("list")
        assert (done.returncode, done.stdout) == (0, "")
        assert "notes keys create NAME" in done.stderr
        assert json.loads(run("list", "--json").stdout) == {"keys": []}
        assert not (tmp_path / "data").exists()

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (("create", ""), "1 to 60 characters"),
            (("create", "x" * 61), "1 to 60 characters"),
            (("create", " wiki"), "no space at either end"),
            (("create", "a\tb"), "invisible"),
            (("create", "deadbeef"), "another key's id"),
            (("create", "new", "--scope", "write"), "choose from ask, feedback, admin"),
            (("create", "new", "--scope", "ask,admin"), "choose from ask, feedback, admin"),
            (("create", "new", "--scope", ""), "choose from ask, feedback, admin"),
            (("create", "wiki"), "Choose another name"),
            (("revoke", "nobody"), "`notes keys list`"),
            (("revoke", ""), "`notes keys list`"),
        ],
    )
    def test_what_cannot_be(self, run: Run, arguments: tuple[str, ...], said: str) -> None:
        if arguments[1] == "wiki":
            run("create", "wiki")
        done = run(*arguments)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith("notes: ")
        assert said in done.stderr
        assert len(done.stderr.splitlines()) == 1

    @pytest.mark.parametrize("arguments", [("create",), ("revoke",), ("create", "a", "b"), ("x",)])
    def test_bad_use(self, run: Run, arguments: tuple[str, ...]) -> None:
        assert run(*arguments).returncode == 2

    def test_a_folder_that_cannot_be(self, tmp_path: Path) -> None:
        (tmp_path / "data").write_text("a file stands in the way")
        done = notes(tmp_path / "data", "keys", "create", "wiki")
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith("notes: ")

    def test_the_help_names_scopes(self, run: Run) -> None:
        said = run("create", "--help").stdout
        for scope in SCOPES:
            assert f"{scope}: " in said
