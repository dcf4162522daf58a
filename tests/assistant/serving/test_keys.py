"""API keys: shown once, found as long as they are valid, by every process at once."""

import hashlib
import re
import sqlite3
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assistant.serving.api_keys import SCOPES, Keys, Scope
from index.errors import KeyRefused, KeysUnusable, NotesError, UnknownName


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys(tmp_path / "data")


def elsewhere(keys: Keys, statement: str) -> subprocess.Popen[str]:
    """Start a process that runs a statement with these keys, and prints what it returns."""
    program = (
        "import sys; from pathlib import Path; from assistant.serving.api_keys import Keys\n"
        f"keys = Keys(Path(sys.argv[1])); print({statement})"
    )
    return subprocess.Popen(
        [sys.executable, "-c", program, str(keys.data_dir)], stdout=subprocess.PIPE, text=True
    )


def test_a_key_is_found_by_what_was_shown(keys: Keys) -> None:
    shown = keys.create("wiki", ["ask", "feedback"])
    found = keys.find(shown)
    assert re.fullmatch(r"notes_[0-9a-f]{8}_[A-Za-z0-9_-]{43}", shown)
    assert found is not None
    assert found.name == "wiki"
    assert found.scopes == {"ask", "feedback"}
    assert shown.startswith(f"notes_{found.id}_")
    assert found.created.tzinfo is UTC
    assert abs(datetime.now(UTC) - found.created) < timedelta(minutes=5)
    assert keys.listed() == [found]


def test_every_secret_is_found_underscores_and_dashes_too(keys: Keys) -> None:
    shown = [keys.create(f"key {number}", ["ask"]) for number in range(40)]
    assert any("_" in key[15:] for key in shown)
    assert [keys.find(key).name for key in shown] == [f"key {n}" for n in range(40)]  # type: ignore[union-attr]


def test_the_file_holds_no_secret_and_is_for_its_owner_only(keys: Keys) -> None:
    shown = keys.create("wiki", ["ask"])
    data = keys.path.read_bytes()
    assert shown[15:].encode() not in data
    assert hashlib.sha256(shown[15:].encode()).digest() in data
    assert stat.S_IMODE(keys.path.stat().st_mode) == 0o600
    assert {path.name for path in keys.data_dir.iterdir()} <= {"keys.sqlite3", "keys.lock"}


@pytest.mark.parametrize(
    ("has", "allows"),
    [
        ({"ask"}, {"ask"}),
        ({"feedback"}, {"feedback"}),
        ({"ask", "feedback"}, {"ask", "feedback"}),
        ({"admin"}, {"ask", "feedback", "admin"}),
    ],
)
def test_admin_includes_the_others(keys: Keys, has: set[str], allows: set[Scope]) -> None:
    key = keys.find(keys.create("wiki", has))
    assert key is not None
    assert {scope for scope in SCOPES if key.allows(scope)} == allows


def test_a_missing_file_means_no_keys_and_is_not_made_by_looking(keys: Keys) -> None:
    assert keys.find("notes_00000000_" + "a" * 43) is None
    assert keys.listed() == []
    assert not keys.any_valid()
    with pytest.raises(UnknownName):
        keys.revoke("wiki")
    assert not keys.data_dir.exists()


@pytest.mark.parametrize("by", ["id", "name"])
def test_a_revoked_key_is_none(keys: Keys, by: str) -> None:
    shown, other = keys.create("wiki", ["admin"]), keys.create("slack", ["ask"])
    keys.revoke(getattr(keys.find(shown), by))
    assert keys.find(shown) is None
    assert keys.find(other) is not None
    assert [key.revoked is None for key in keys.listed()] == [False, True]
    assert keys.any_valid()
    keys.revoke("slack")
    assert not keys.any_valid()


def test_a_key_is_revoked_once_and_its_name_is_free_again(keys: Keys) -> None:
    first = keys.create("위키 📝", ["ask"])
    keys.revoke("위키 📝")
    with pytest.raises(UnknownName, match="위키"):
        keys.revoke("위키 📝")
    with pytest.raises(UnknownName):
        keys.revoke(keys.listed()[0].id)
    second = keys.create("위키 📝", ["ask"])
    assert keys.find(first) is None
    assert keys.find(second) is not None


def test_a_name_of_decomposed_hangul_is_the_same_name(keys: Keys) -> None:
    keys.create("\u1100\u1161", ["ask"])
    assert keys.listed()[0].name == "가"
    keys.revoke("\u1100\u1161")


@pytest.mark.parametrize("name", ["a", "x" * 60, "위키 봇", "it's; DROP TABLE keys", "봇 📝"])
def test_names_that_can_be_had(keys: Keys, name: str) -> None:
    keys.create(name, ["ask"])
    assert [key.name for key in keys.listed()] == [name]
    with pytest.raises(KeyRefused, match="already"):
        keys.create(name, ["ask"])


@pytest.mark.parametrize(
    "name",
    ["", " ", " a", "a ", "x" * 61, "a\nb", "a\x00", "\x1b[31m", "a\u202eb", "\ud800", "deadbeef"],
)
def test_names_that_cannot_be_had(keys: Keys, name: str) -> None:
    with pytest.raises(KeyRefused):
        keys.create(name, ["ask"])
    assert keys.listed() == []


@pytest.mark.parametrize("scopes", [[], ["write"], ["ask", "Admin"], "ask"])
def test_scopes_that_cannot_be_had(keys: Keys, scopes: list[str]) -> None:
    with pytest.raises(KeyRefused, match="choose from ask, feedback, admin"):
        keys.create("wiki", scopes)


def test_what_is_almost_the_key_is_none(keys: Keys) -> None:
    shown = keys.create("wiki", ["admin"])
    last = "A" if shown[-1] != "A" else "B"
    other_id = "0" if shown[6] != "0" else "1"
    wrong = [
        shown[:-1],
        shown + "A",
        shown + "\n",
        f" {shown}",
        shown[:-1] + last,
        shown.upper(),
        shown[:6] + other_id + shown[7:],
        shown.replace("notes_", ""),
        shown[:15],
        shown[15:],
        "",
    ]
    assert [keys.find(key) for key in wrong] == [None] * len(wrong)


@given(st.text() | st.from_regex(r"notes_[0-9a-f]{8}_[A-Za-z0-9_-]{43}"))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_presented_is_none(keys: Keys, presented: str) -> None:
    if not keys.path.exists():
        keys.create("wiki", ["admin"])
    assert keys.find(presented) is None


@given(st.text())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_revoked_or_named_is_understood_or_refused(keys: Keys, text: str) -> None:
    with pytest.raises(UnknownName):
        keys.revoke(text)
    try:
        keys.create(text, ["ask"])
    except KeyRefused:
        return
    keys.revoke(text)


def spoilt(path: Path, how: str) -> None:
    data = path.read_bytes()
    if how == "statement":
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("UPDATE keys SET hash = 'x', created = 3, scopes = x''")
    elif how == "folder":
        path.unlink()
        path.mkdir()
    else:
        path.write_bytes({"empty": b"", "text": b"no keys " * 200, "half": data[:5000]}[how])


@pytest.mark.parametrize("how", ["empty", "text", "half", "statement", "folder"])
def test_a_damaged_file_lets_nobody_in_and_says_what_to_do(keys: Keys, how: str) -> None:
    shown = keys.create("wiki", ["admin"])
    spoilt(keys.path, how)
    for call in (lambda: keys.find(shown), keys.listed, keys.any_valid):
        with pytest.raises(KeysUnusable, match=r"keys\.sqlite3.*backup"):
            call()


def test_a_folder_that_cannot_be_had_is_reported(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    with pytest.raises(KeysUnusable, match="make new keys"):
        Keys(tmp_path / "data").create("wiki", ["ask"])


def test_errors_are_the_programs_own() -> None:
    assert all(issubclass(error, NotesError) for error in (KeysUnusable, UnknownName, KeyRefused))


def test_another_process_makes_and_revokes_a_key(keys: Keys) -> None:
    shown = elsewhere(keys, "keys.create('wiki', ['ask'])").communicate()[0].strip()
    assert keys.find(shown) is not None
    elsewhere(keys, "keys.revoke('wiki')").communicate()
    assert keys.find(shown) is None


def test_processes_at_once_lose_no_key(keys: Keys) -> None:
    make = "[keys.create(f'{name} {n}', ['ask']) for n in range(10)]"
    started = [elsewhere(keys, make.replace("{name}", name)) for name in "abcd"]
    while any(process.poll() is None for process in started):
        keys.any_valid()
        keys.find("notes_00000000_" + "a" * 43)
    assert [process.wait() for process in started] == [0] * 4
    assert len(keys.listed()) == 40
    for process in started:
        process.communicate()


def test_threads_at_once_give_a_name_to_one_key_only(keys: Keys) -> None:
    def make(number: int) -> str | None:
        try:
            return keys.create(f"key {number % 8}", ["ask"])
        except KeyRefused:
            return None

    with ThreadPoolExecutor(8) as pool:
        shown = [key for key in pool.map(make, range(32)) if key]
        found = list(pool.map(keys.find, shown))
    assert sorted(key.name for key in found if key) == [f"key {n}" for n in range(8)]


def test_a_killed_writer_leaves_the_keys_as_they_were(keys: Keys) -> None:
    shown = keys.create("wiki", ["ask"])
    program = (
        "import os, sqlite3, sys; c = sqlite3.connect(sys.argv[1])\n"
        "c.execute('PRAGMA cache_size = 1'); c.execute('UPDATE keys SET revoked = 1')\n"
        "c.execute('CREATE TABLE more AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL "
        "SELECT i + 1 FROM n WHERE i < 20000) SELECT i, randomblob(100) FROM n'); os._exit(9)"
    )
    assert subprocess.run([sys.executable, "-c", program, keys.path], check=False).returncode == 9
    assert (keys.data_dir / "keys.sqlite3-journal").exists()
    assert keys.find(shown) is not None
