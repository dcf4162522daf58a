"""docs/api.md is true: its examples run and print what it says, its tables are complete."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, expect, sync_playwright
from running import ROOT, Server, notes
from running import server as run_server

from assistant.answering.ask import MAX_HISTORY, MAX_LIMIT, MAX_QUESTION
from assistant.http.body import MAX_BODY
from assistant.http.problems import KINDS
from assistant.http.rest_models import MAX_BATCH, MAX_COMMENT
from assistant.serving.api_keys import SCOPES
from assistant.settings import Settings

PAGE = (ROOT / "docs" / "api.md").read_text()
OPENAPI = ROOT / "docs" / "openapi.json"
ADDRESS = "http://127.0.0.1:7860"
LANGUAGES = ("sh", "python", "js")
# Its examples present a key.
ACCESS = "Access"
VARYING = {
    "id", "answer_id", "took_ms", "index_version", "confidence", "score", "since", "last_asked",
}  # fmt: skip


@dataclass(frozen=True)
class Example:
    """Code under a heading of the page, and what the page says it prints, if it does."""

    heading: str
    code: str
    printed: str | None


def examples(language: str) -> Iterator[Example]:
    """Yield the examples in a language: `json` is what curl prints, `text` what the others do."""
    for part in re.split(r"^##+ ", PAGE, flags=re.MULTILINE)[1:]:
        blocks = dict(re.findall(r"^```(\w+)\n(.*?)^```$", part, re.DOTALL | re.MULTILINE))
        if language in blocks:
            printed = blocks.get("text")
            if language == "sh":
                both = "Each prints:" in part
                printed = blocks.get("json") or (printed if both else None)
            yield Example(part.partition("\n")[0], blocks[language], printed)


@pytest.fixture(scope="module")
def fresh(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data folder with the index alone: nobody asked anything yet."""
    folder = tmp_path_factory.mktemp("api") / "data"
    shutil.copytree(server.data_dir, folder, ignore=shutil.ignore_patterns("feedback*", "keys*"))
    return folder


@pytest.fixture(scope="module")
def local(fresh: Path) -> Iterator[Server]:
    """Return a server on this machine alone."""
    with run_server(fresh) as running:
        # The chat is ready then, as the page has it.
        httpx.get(running.url, timeout=60)
        yield running


@pytest.fixture(scope="module")
def guarded(fresh: Path, key: str) -> Iterator[Server]:
    """Return a server that others reach too, for holders of keys."""
    with run_server(fresh, "--host", "0.0.0.0") as running:  # noqa: S104
        yield running


@pytest.fixture(scope="module")
def key(fresh: Path) -> str:
    """Return a key to it."""
    return notes(fresh, "keys", "create", "wiki").stdout.strip()


# Code, which finds the key in the environment, and the server it asks, to what it prints.
Run = Callable[[str, str, Server], str]
COMMANDS = {
    "sh": ["bash", "-euo", "pipefail", "-c"],
    "python": [sys.executable, "-c"],
    "js": ["node", "--input-type=module", "-e"],
}


@pytest.fixture
def run(language: str) -> Iterator[Run]:
    """Return what runs code in the language: where there is no Node, a page in Chromium does."""
    if language != "js" or shutil.which("node"):
        yield lambda code, key, _: in_process(COMMANDS[language], code, key)
        return
    with chromium() as browser:
        yield lambda code, key, server: in_page(browser, code, key, server)


@contextmanager
def chromium() -> Iterator[Browser]:
    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if not path:
        pytest.fail("NO BROWSER: install Chromium (apt-get install chromium), or name CHROMIUM.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


def in_process(command: list[str], code: str, key: str) -> str:
    done = subprocess.run(
        [*command, code],
        env=os.environ | {"KEY": key},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def in_page(browser: Browser, code: str, key: str, server: Server) -> str:
    page = browser.new_page(base_url=server.url)
    page.goto("/problems/")
    printed: list[str] = []
    # What the browser says by itself of a refused request is no output of the example.
    page.on("console", lambda m: printed.append(f"{m.text}\n") if m.type == "log" else None)
    process = f"const process = {{ env: {{ KEY: {json.dumps(key)} }} }};"
    page.evaluate(f"async () => {{ {process} {code} }}")
    page.close()
    return "".join(printed)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_examples_print_what_the_page_says(
    language: str, run: Run, local: Server, guarded: Server, key: str
) -> None:
    said, printed = {}, {}
    for example in examples(language):
        at = guarded if example.heading == ACCESS else local
        found = run(example.code.replace(ADDRESS, at.url), key, at)
        assert found, example.heading
        if example.printed is not None:
            said[example.heading] = comparable(example.printed)
            printed[example.heading] = comparable(found)
        elif language == "sh":
            json.loads(found)
    assert printed == said


def test_the_page_shows_each_grade(local: Server) -> None:
    (code,) = re.findall(r"^```html\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    with chromium() as browser:
        page = browser.new_page(base_url=local.url)
        page.goto("/problems/")
        page.set_content(code.replace(ADDRESS, local.url))
        answer = page.locator("#answer")
        for question, message, quotes, title in (
            ("What is Docker Compose for?", "", 1, "Docker Compose (Orchestration)"),
            ("is docker free", "This may not be", 1, "VM vs Docker (Container)"),
            ("best pasta recipe", "do not mention ‘pasta’", 0, "데이터 영속성 (Volumes)"),
            ("hello", "Hello!", 0, None),
            ("   ", "question", 0, None),
        ):
            answer.evaluate("place => place.replaceChildren()")
            page.locator("input").fill(question)
            page.locator("button").click()
            expect(answer).not_to_be_empty()
            expect(answer.locator("p")).to_have_count(1 if message else 0)
            expect(answer).to_contain_text(message)
            expect(answer.locator("blockquote")).to_have_count(quotes)
            expect(answer.locator("a")).to_have_text([title] if title else [])
            for link in answer.locator("a").all():
                assert str(link.evaluate("a => a.href")).startswith(f"{local.url}/notes/docker#")


def test_every_example_is_in_every_language() -> None:
    headings = {language: [each.heading for each in examples(language)] for language in LANGUAGES}
    assert headings["sh"] == headings["python"] == headings["js"]
    assert len(headings["sh"]) == len(re.findall("^```sh$", PAGE, re.MULTILINE)) > 10


def comparable(printed: str) -> Any:
    """Return what is printed, of JSON what stays the same from run to run."""
    return stable(json.loads(printed)) if printed.startswith("{") else printed


def stable(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: stable(item) for name, item in value.items() if name not in VARYING}
    return [stable(item) for item in value] if isinstance(value, list) else value


def test_the_page_without_a_key_is_refused(guarded: Server) -> None:
    assert httpx.get(f"{guarded.url}/api/v1/documents").status_code == 401


def test_every_kind_of_problem_is_listed() -> None:
    rows = re.findall(r"^\| `/problems/.*$", PAGE, re.MULTILINE)
    kinds = KINDS.items()
    assert rows == [f"| `/problems/{name}` | {kind.status} | {kind.mend} |" for name, kind in kinds]


def test_the_written_description_is_the_one_served(local: Server) -> None:
    served = httpx.get(f"{local.url}/openapi.json").json()
    assert json.loads(OPENAPI.read_text()) == served, "Run: make openapi"


def test_the_description_is_written_by_its_command(tmp_path: Path) -> None:
    shutil.copy(ROOT / "docs" / "write_openapi.py", tmp_path)
    program = [sys.executable, str(tmp_path / "write_openapi.py")]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    subprocess.run(program, env=environment, check=True)
    assert (tmp_path / "openapi.json").read_text() == OPENAPI.read_text(), "Run: make openapi"


DESCRIPTION = json.loads(OPENAPI.read_text())


def test_links_within_the_page_lead_to_headings() -> None:
    headings = re.findall(r"^##+ (.*)$", PAGE, re.MULTILINE)
    anchors = {heading.lower().replace(" ", "-") for heading in headings}
    links = set(re.findall(r"\]\(#([^)]*)\)", PAGE))
    assert links
    assert links <= anchors


@pytest.mark.parametrize("path", DESCRIPTION["paths"])
def test_every_call_is_on_the_page(path: str) -> None:
    for method in DESCRIPTION["paths"][path]:
        assert f"`{method.upper()} {path}`" in PAGE


@pytest.mark.parametrize("name", DESCRIPTION["components"]["schemas"])
def test_every_field_is_on_the_page(name: str) -> None:
    for field in DESCRIPTION["components"]["schemas"][name].get("properties", {}):
        assert re.search(rf'[`"]{field}["`]', PAGE), f"{name}.{field}"


@pytest.mark.parametrize("name", re.findall(r"`NOTES_([A-Z_]+)", PAGE))
def test_every_setting_on_the_page_exists(name: str) -> None:
    assert name.lower() in Settings.model_fields


def test_limits_and_scopes_are_those_of_the_program() -> None:
    for said in (
        f"| question, `q` | {MAX_QUESTION:,} characters |",
        f"| `history` | {MAX_HISTORY} questions",
        f"| `limit` | {MAX_LIMIT} sections |",
        f"| batch | {MAX_BATCH} questions |",
        f"| comment | {MAX_COMMENT:,} characters |",
        f"| body | {MAX_BODY // 1024} kB,",
        *(f"| `{scope}` |" for scope in SCOPES),
    ):
        assert said in PAGE
