"""`notes mcp`: the program that assistants start, by its stdin and stdout."""

import json
import signal
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from http_edge import copied
from running import NOTES, ROOT, Server, environment, notes
from speaking_mcp import VERSIONS

from assistant.feedback.feedback_store import FILE

ASKED = "볼륨은 어디에 저장되나요?"
MESSAGES: list[dict[str, Any]] = [
    {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": VERSIONS["legacy"],
            "capabilities": {},
            "clientInfo": {"name": "test", "version": "1"},
        },
    },
    {"jsonrpc": "2.0", "method": "notifications/initialized"},
    {
        "jsonrpc": "2.0",
        "id": 2,
        "method": "tools/call",
        "params": {"name": "ask", "arguments": {"question": ASKED}},
    },
]


@pytest.fixture
def data_dir(server: Server, tmp_path: Path) -> Path:
    return copied(server, tmp_path)


@pytest.mark.parametrize("end", [None, signal.SIGTERM, signal.SIGINT])
def test_nothing_but_the_protocol_is_on_stdout_and_what_was_asked_is_kept(
    data_dir: Path, end: signal.Signals | None
) -> None:
    with subprocess.Popen(
        [*NOTES, "mcp"],
        env=environment(data_dir, {}),
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        for line in ("no json", '{"jsonrpc": "2.0"}', *map(json.dumps, MESSAGES)):
            process.stdin.write(f"{line}\n")
        process.stdin.flush()
        first, second = (json.loads(process.stdout.readline()) for _ in range(2))
        if end:
            process.send_signal(end)
        else:
            process.stdin.close()
        assert process.wait(timeout=30) == (128 + end if end else 0)
        logged = process.stderr.read()
        assert process.stdout.read() == ""
    assert first["result"]["serverInfo"]["name"] == "notes-assistant"
    assert second["result"]["structuredContent"]["status"] == "answered"
    assert ('"event": "answered"' in logged, ASKED in logged) == (True, False)
    with closing(sqlite3.connect(data_dir / FILE)) as database:
        assert database.execute("SELECT question FROM answers").fetchall() == [(ASKED,)]


def test_no_index_or_a_damaged_one_is_said(data_dir: Path, tmp_path: Path) -> None:
    done = notes(tmp_path / "none", "mcp")
    assert (done.returncode, done.stdout) == (2, "")
    assert "Build one: notes build" in done.stderr
    (manifest,) = data_dir.rglob("manifest.json")
    manifest.write_text(manifest.read_text()[:100])
    done = notes(data_dir, "mcp")
    assert (done.returncode, done.stdout) == (2, "")
    assert "is damaged" in done.stderr
