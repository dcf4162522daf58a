"""Schemathesis asks whatever the description of the API allows, and what it forbids.

`make fuzz` sets FUZZ_EXAMPLES: how many cases of each call it makes up, beside the systematic ones.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from http_edge import copied
from running import ROOT, Server
from running import server as run_server

from assistant.serving.api_keys import Keys

EXAMPLES = os.environ.get("FUZZ_EXAMPLES", "")
# The long run tries something else each time.
HOW_MANY = (
    ("--max-examples", EXAMPLES, "--generation-database", "none")
    if EXAMPLES
    else ("--max-examples", "2", "--generation-deterministic")
)
# One check is left out, and stands in tests/fuzz/checks.py in another form, with the reason.
CHECKS = ("--checks", "all", "--exclude-checks", "positive_data_acceptance")


@pytest.fixture(scope="module")
def limited(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return a server that needs keys, and limits their holders."""
    data_dir = copied(server, tmp_path_factory.mktemp("limited"))
    Keys(data_dir).create("first", ["ask"])
    options = ("--host", "0.0.0.0", "--rate-limit", "60/minute")  # noqa: S104
    with run_server(data_dir, *options) as running:
        yield running


def test_without_keys_and_limits(server: Server, tmp_path: Path) -> None:
    assert fuzzed(server, tmp_path) >= 300


def test_with_keys_and_limits(limited: Server, tmp_path: Path) -> None:
    key = Keys(limited.data_dir).create("fuzz", ["admin"])
    assert fuzzed(limited, tmp_path, "--header", f"X-API-Key: {key}") >= 300


def fuzzed(server: Server, folder: Path, *options: str) -> int:
    """Return how many cases there were, none of which failed; nor does the server log a trace."""
    command = [
        Path(sys.executable).with_name("schemathesis"),
        *("run", f"{server.url}/openapi.json", *CHECKS, *HOW_MANY, "--no-color", *options),
    ]
    environment = os.environ | {"SCHEMATHESIS_HOOKS": "checks"}
    environment["PYTHONPATH"] = str(ROOT / "tests" / "fuzz")
    done = subprocess.run(
        command, env=environment, cwd=folder, capture_output=True, text=True, check=False
    )
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not any("Traceback" in line for line in server.log)
    found = re.search(r"(\d+) generated", done.stdout)
    return int(found[1]) if found else 0
