"""What the documentation names exists, and what exists is documented."""

import json
import re
from pathlib import Path

import httpx
import pytest
import typer
from running import ROOT, Server

from assistant.settings import Settings
from ui.cli.commands import app

README = (ROOT / "README.md").read_text()
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_every_setting_is_documented(name: str) -> None:
    assert f"`NOTES_{name.upper()}`" in README


def test_every_command_is_documented() -> None:
    for name in typer.main.get_command(app).commands:  # type: ignore[attr-defined]
        assert f"`notes {name}" in README


def test_every_make_target_named_exists() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for page in PAGES:
        for target in re.findall(r"`(?:\w+=\S+ )?make ([\w-]+)`", page.read_text()):
            assert re.search(rf"^{target}:", makefile, re.MULTILINE), f"{page.name}: {target}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:|#)([^)#\s]+)", page.read_text()):
        assert (page.parent / target).exists(), target


def test_the_curl_example_answers_as_printed(server: Server) -> None:
    blocks = re.findall(r"```(?:sh|json)\n(.*?)```", README, re.DOTALL)
    call = next(block for block in blocks if "curl" in block)
    body = json.loads(re.search(r"-d '(.*?)'", call, re.DOTALL).group(1))  # type: ignore[union-attr]
    printed = json.loads(next(block for block in blocks if block.startswith("{")))
    answer = httpx.post(f"{server.url}/api/v1/ask", json=body, timeout=60).json()
    assert stable(answer) == stable(printed)


def stable(value: object) -> object:
    """Return the value without what differs from run to run and machine to machine."""
    varying = {"id", "took_ms", "index_version", "confidence", "score"}
    if isinstance(value, dict):
        return {key: stable(item) for key, item in value.items() if key not in varying}
    return [stable(item) for item in value] if isinstance(value, list) else value
