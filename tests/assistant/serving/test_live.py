"""A running server takes up new versions: another process's, and its own as the notes change."""

import gc
import json
import shutil
import weakref
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient
from playwright.sync_api import Browser, expect
from running import Server, notes
from running import server as run_server
from switching import EDITIONS, QUESTIONS, Built, built, edition, point, served, switch, until
from visiting import Visit

from assistant.answering.ask import Assistant, Question
from assistant.http.api import create_app
from assistant.serving.live import following
from assistant.serving.service import Service, open_service
from assistant.settings import Settings
from index.encoding.onnx_encoder import OnnxEncoder
from index.storage import store
from ui.chat.edition import ChatEdition
from ui.reader.reader_routes import NotesReader, create_reader

AMBER, COBALT = EDITIONS
FERRY = QUESTIONS[0]


@pytest.fixture(scope="module")
def versions(onnx_encoder: OnnxEncoder, tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Return two versions of an index, the second one current."""
    return built(tmp_path_factory.mktemp("versions"), onnx_encoder)


@pytest.fixture
def own(versions: Built, tmp_path: Path) -> Built:
    """Return the versions in a folder of the test's own."""
    return versions.copy(tmp_path)


@pytest.fixture(scope="module")
def server(versions: Built, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return a server over the versions."""
    with run_server(versions.copy(tmp_path_factory.mktemp("followed")).data_dir) as running:
        yield running


@pytest.fixture
def service(own: Built, onnx_encoder: OnnxEncoder) -> Iterator[Service]:
    """Return a service over the versions, in this process."""
    assistant = Assistant(
        store.load(own.data_dir), onnx_encoder, "/notes/{document}#{anchor}", "", 0.25
    )
    opened = open_service(assistant, Settings(data_dir=own.data_dir))
    del assistant
    with closing(opened.feedback):
        yield opened


def asked(server: Server, question: str, *history: str) -> dict[str, Any]:
    body = {"question": question, "history": history}
    response = httpx.post(f"{server.url}/api/v1/ask", json=body, timeout=60)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


def said(server: Server, question: str, *history: str) -> str:
    """Return all that is answered, in one text."""
    return json.dumps(asked(server, question, *history), ensure_ascii=False)


# --- Versions of another process


def test_what_another_process_built_is_served_everywhere(server: Server, tmp_path: Path) -> None:
    before = served(server)
    (tmp_path / "harbour.md").write_text(edition("violet"))
    (tmp_path / "quay.md").write_text("# Quay\n\nThe quay was built of granite.\n")
    done = notes(server.data_dir, "build", str(tmp_path))
    assert done.returncode == 0, done.stderr
    version = (server.data_dir / "current").read_text().strip()
    until(lambda: served(server) == version, "the new version is served")
    assert version != before
    answer = asked(server, FERRY)
    assert answer["index_version"] == version
    assert "in the violet season" in answer["passages"][0]["text"]
    assert "The museum opens" in said(server, "and the museum?", FERRY)
    listed = httpx.get(f"{server.url}/api/v1/documents").json()["documents"]
    assert [document["id"] for document in listed] == ["harbour", "quay"]
    assert "violet" in httpx.get(f"{server.url}/notes/harbour").text
    assert "granite" in httpx.get(f"{server.url}/notes/quay").text
    assert "Quay" in httpx.get(f"{server.url}/notes/").text
    metrics = httpx.get(f"{server.url}/metrics").text
    assert f'notes_index_info{{version="{version}"}} 1.0' in metrics
    assert metrics.count("notes_index_info{") == 1
    assert "notes_index_switches_total 1.0" in metrics
    assert httpx.get(f"{server.url}/api/v1/gaps").status_code == 200


def test_a_note_that_is_gone_is_gone_from_the_pages(server: Server, versions: Built) -> None:
    switch(server, next(iter(versions.sources)))
    assert httpx.get(f"{server.url}/notes/quay").status_code == 404
    page = httpx.get(f"{server.url}/notes/harbour").text
    assert AMBER in page
    assert "violet" not in page


def test_an_open_chat_goes_on_and_a_new_visit_is_greeted_anew(
    browser: Browser, server: Server, versions: Built
) -> None:
    amber, cobalt = versions.sources
    switch(server, amber)
    visit = Visit(browser, server, "en-US", "desktop")
    page = visit.page
    page.goto("/")
    expect(page.locator("#welcome h1 [lang=en]")).to_have_text(f"Harbour of {AMBER}")
    visit.ask(FERRY)
    expect(page.locator(".note-card").last).to_contain_text(f"in the {AMBER} season")
    switch(server, cobalt)
    visit.ask("and the museum?")
    answer = page.locator(".note-card").last
    expect(answer).to_contain_text(f"The museum opens at {len(COBALT) + 3}")
    page.reload()
    expect(page.locator("#welcome h1 [lang=en]")).to_have_text(f"Harbour of {COBALT}")
    expect(page).to_have_title(f"Harbour of {COBALT}")
    expect(page.locator(".note-card")).to_have_count(2, timeout=20_000)
    expect(page.locator(".note-card").first).to_contain_text(f"in the {COBALT} season")
    visit.assert_clean()


# --- Versions that cannot be served


Harm = Callable[[Path, str], Callable[[], object]]


def damaged(data_dir: Path, version: str) -> Callable[[], object]:
    folder = data_dir / "versions" / version
    listed = json.loads((folder / "manifest.json").read_text())["files"]
    path = folder / max(listed, key=lambda name: listed[name]["size"])
    whole = path.read_bytes()

    def write(data: bytes) -> None:
        # A file of its own: versions may share one.
        path.unlink()
        path.write_bytes(data)

    write(bytes([whole[0] ^ 1]) + whole[1:])
    return lambda: write(whole)


def of_other_weights(data_dir: Path, version: str) -> Callable[[], object]:
    path = data_dir / "versions" / version / "manifest.json"
    text = path.read_text()
    manifest = json.loads(text)
    manifest["weights"]["fingerprint"] = "another"
    path.write_text(json.dumps(manifest))
    return lambda: path.write_text(text)


def vanished(data_dir: Path, version: str) -> Callable[[], object]:
    folder = data_dir / "versions" / version
    away = folder.rename(data_dir / "away")
    return lambda: away.rename(folder)


@pytest.mark.parametrize("harm", [damaged, of_other_weights, vanished])
def test_a_version_that_cannot_be_served_leaves_the_old_one_serving(
    service: Service, own: Built, harm: Harm
) -> None:
    amber, cobalt = own.sources
    mend = harm(own.data_dir, amber)
    with following(service, own.data_dir):
        point(own.data_dir, amber)
        until(lambda: faults(service), "the fault is noticed")
        assert service.ask(Question(FERRY)).index_version == cobalt
        mend()
        # Nobody moved the pointer: it is tried again by itself.
        until(lambda: service.assistant.snapshot.version == amber, "it is served once mended")
    assert faults(service) == 1
    assert service.ask(Question(FERRY)).index_version == amber


def test_a_lost_pointer_leaves_the_old_version_serving(service: Service, own: Built) -> None:
    amber, cobalt = own.sources
    (own.data_dir / "current").unlink()
    with following(service, own.data_dir):
        until(lambda: faults(service), "the loss is noticed")
        assert service.ask(Question(FERRY)).index_version == cobalt
        point(own.data_dir, amber)
        until(lambda: service.assistant.snapshot.version == amber, "it is found again")


def test_the_log_says_once_why_and_what_mends_it(server: Server, versions: Built) -> None:
    amber, cobalt = versions.sources
    switch(server, cobalt)
    mend = damaged(server.data_dir, amber)
    point(server.data_dir, amber)
    lines = until(lambda: logged(server, "index not switched"), "it is logged")
    assert "is damaged" in lines[0]["reason"]
    assert "notes build" in lines[0]["reason"]
    assert lines[0]["still_serving"] == served(server) == cobalt
    mend()
    until(lambda: served(server) == amber, "it is served once mended")
    assert len(logged(server, "index not switched")) == 1


def faults(service: Service) -> float:
    """Return how often a version could not be served, as the metrics say."""
    found = service.metrics.registry.get_sample_value(
        "notes_index_faults_total", {"step": "switch"}
    )
    return found or 0.0


def logged(server: Server, event: str) -> list[dict[str, Any]]:
    """Return the lines of the log about an event."""
    lines = (json.loads(line) for line in list(server.log) if line.startswith("{"))
    return [line for line in lines if line["event"] == event]


# --- One request, one version


def test_a_version_is_freed_when_its_last_request_ends(service: Service, own: Built) -> None:
    amber, cobalt = own.sources
    app = create_app(service)
    app.include_router(create_reader(service.per_version(NotesReader)))
    edition = service.per_version(ChatEdition)
    freed = [weakref.ref(each) for each in (service.assistant, service.assistant.snapshot.contents)]
    with TestClient(app) as client:
        client.post("/api/v1/ask", json={"question": "and the museum?", "history": [FERRY]})
        client.post("/api/v1/ask/batch", json={"questions": QUESTIONS})
        for path in ("/api/v1/search?q=ferry", "/api/v1/documents", "/notes/", "/notes/harbour"):
            assert client.get(path).status_code == 200
    assert edition().suggestions.after(service.ask(Question(FERRY)), [FERRY]) is not None
    held = service.assistant
    point(own.data_dir, amber)
    gc.collect()
    # What only the collector finds might stay for hours in a server at rest.
    gc.disable()
    try:
        service.switch(replace(held, snapshot=store.load(own.data_dir)))
        assert held.ask(Question(FERRY)).index_version == cobalt
        assert service.ask(Question(FERRY)).index_version == amber
        assert all(reference() for reference in freed)
        del held
        assert [reference() for reference in freed] == [None, None]
    finally:
        gc.enable()


# --- Notes that change


@pytest.fixture(scope="module")
def wiki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a corpus of two notes at `notes`, and a lone note."""
    folder = tmp_path_factory.mktemp("wiki")
    (folder / "notes" / "guide").mkdir(parents=True)
    (folder / "notes" / "harbour.md").write_text(edition(AMBER))
    (folder / "notes" / "guide" / "tides.md").write_text("# Tides\n\nThe tide turns at noon.\n")
    (folder / "lone.md").write_text("# Keeper\n\nThe keeper of the lamp is called Ada.\n")
    return folder


@pytest.fixture(scope="module")
def watching(wiki: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return a server that watches what its index was built from, though nothing names it."""
    data_dir = tmp_path_factory.mktemp("watching")
    corpora = f"main={wiki / 'notes'},keeper={wiki / 'lone.md'}"
    done = notes(data_dir, "build", "--corpus", corpora)
    assert done.returncode == 0, done.stderr
    with run_server(data_dir, "--watch", NOTES_EXCLUDE="drafts/") as running:
        until(lambda: logged(running, "index as the notes are"), "the first look is over")
        yield running


def test_a_save_changes_the_answer(watching: Server, wiki: Path) -> None:
    path = wiki / "notes" / "harbour.md"
    path.write_text(edition(COBALT))
    until(lambda: f"in the {COBALT} season" in said(watching, FERRY), "the answer changes")
    assert COBALT in httpx.get(f"{watching.url}/notes/harbour").text
    assert logged(watching, "notes changed")[0]["files"] == [str(path)]
    # Served first, perhaps, and then logged by the thread that built.
    (line,) = until(lambda: logged(watching, "index built"), "the build is logged")
    assert line["seconds"] > 0


def test_editors_files_are_no_notes_and_their_renames_are_saves(
    watching: Server, wiki: Path
) -> None:
    folder = wiki / "notes"
    (folder / ".harbour.md.swp").write_bytes(b"\0swap")
    (folder / "4913").write_text("")
    (folder / "4913").unlink()
    shutil.copy(folder / "harbour.md", folder / "harbour.md~")
    (folder / "drafts").mkdir()
    (folder / "drafts" / "new.md").write_text("# Draft\n\nThis is not to be read.\n")
    (folder / "new.tmp").write_text(edition("ochre"))
    (folder / "new.tmp").replace(folder / "harbour.md")
    until(lambda: "in the ochre season" in said(watching, FERRY), "the answer changes")
    told = {Path(file) for line in logged(watching, "notes changed") for file in line["files"]}
    assert told == {folder / "harbour.md"}


def test_many_saves_end_in_the_last_one(watching: Server, wiki: Path) -> None:
    before = len(logged(watching, "index built"))
    for number in range(30):
        (wiki / "notes" / "harbour.md").write_text(edition(f"teal{number}"))
    until(lambda: "in the teal29 season" in said(watching, FERRY), "the last one is answered")
    assert len(logged(watching, "index built")) - before < 10


def test_a_lone_note_that_is_replaced_is_read_anew(watching: Server, wiki: Path) -> None:
    for name in ("Grace", "Mary"):
        (wiki / "lone.new").write_text(f"# Keeper\n\nThe keeper of the lamp is called {name}.\n")
        (wiki / "lone.new").replace(wiki / "lone.md")
        until(lambda n=name: n in said(watching, "Who keeps the lamp?"), "the new keeper is known")


def test_what_is_deleted_or_ignored_is_answered_no_more(watching: Server, wiki: Path) -> None:
    question = "When does the tide turn?"
    folder = wiki / "notes"
    for hide, show in (
        (lambda: (folder / ".gitignore").write_text("guide/\n"), (folder / ".gitignore").unlink),
        (
            lambda: (folder / "guide").rename(wiki / "guide"),
            lambda: (wiki / "guide").rename(folder / "guide"),
        ),
    ):
        assert "turns at noon" in said(watching, question)
        hide()
        until(lambda: "turns at noon" not in said(watching, question), "it is answered no more")
        assert httpx.get(f"{watching.url}/notes/guide/tides").status_code == 404
        show()
        until(lambda: "turns at noon" in said(watching, question), "it is answered again")


def test_notes_that_cannot_be_read_leave_the_old_index_serving(
    watching: Server, wiki: Path
) -> None:
    version = served(watching)
    glossary = wiki / "notes" / "glossary.yaml"
    glossary.write_text("- [ferry, 페리\n")
    (line,) = until(lambda: logged(watching, "index not built"), "the failure is logged")
    assert "glossary.yaml is not YAML" in line["reason"]
    assert line["still_serving"] == version
    assert asked(watching, FERRY)["index_version"] == version
    assert 'notes_index_faults_total{step="build"} 1.0' in httpx.get(f"{watching.url}/metrics").text
    glossary.write_text("- [ferry, 페리]\n")
    until(lambda: served(watching) != version, "the mended notes are served")


def test_a_folder_that_vanishes_and_comes_back_is_read_again(watching: Server, wiki: Path) -> None:
    folder = wiki / "notes"
    version = served(watching)
    failures = len(logged(watching, "index not built"))
    folder.rename(wiki / "away")
    until(lambda: len(logged(watching, "index not built")) > failures, "the loss is logged")
    assert "does not exist" in logged(watching, "index not built")[-1]["reason"]
    assert asked(watching, FERRY)["index_version"] == version
    shutil.copytree(wiki / "away", folder)
    (folder / "harbour.md").write_text(edition("umber"))
    until(lambda: "in the umber season" in said(watching, FERRY), "it is read again")
    (folder / "harbour.md").write_text(edition("sepia"))
    until(lambda: "in the sepia season" in said(watching, FERRY), "it is watched again")
