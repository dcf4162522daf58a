"""Imports go one way: ui, then assistant, then index."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MAY_IMPORT = {
    "index": {"index"},
    "assistant": {"assistant", "index"},
    "ui": {"ui", "assistant", "index"},
}


def imported(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names.add((node.module or "").partition(".")[0])
    return names & MAY_IMPORT.keys()


@pytest.mark.parametrize("layer", MAY_IMPORT)
def test_no_import_goes_backward(layer: str) -> None:
    files = list((ROOT / layer).rglob("*.py"))
    assert files
    wrong = {str(f.relative_to(ROOT)): imported(f) - MAY_IMPORT[layer] for f in files}
    assert not {name: names for name, names in wrong.items() if names}


def test_nobody_changes_the_parser_that_all_share() -> None:
    for package in ("assistant", "ui"):
        for path in (ROOT / package).rglob("*.py"):
            assert not re.search(r"\.(disable|enable|use)\(", path.read_text()), path


@pytest.mark.parametrize(
    "module", ["index.encoding.encoder", "assistant.calibration.evaluate", "ui.cli.commands"]
)
def test_numpy_is_loaded_for_one_thread_whatever_comes_first(module: str) -> None:
    asked = (
        f"import {module}, numpy, threadpoolctl\n"
        "print(*(found['num_threads'] for found in threadpoolctl.threadpool_info()\n"
        "    if 'numpy' in found['filepath']))"
    )
    environment = {key: value for key, value in os.environ.items() if "_NUM_THREADS" not in key}
    found = subprocess.run(
        [sys.executable, "-c", asked], env=environment, capture_output=True, text=True, check=True
    )
    assert found.stdout.split() == ["1"]
