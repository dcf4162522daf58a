"""The real models, exported once into the user's cache, and the real server."""

import os
import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import platformdirs
import pytest
from hypothesis import settings
from playwright.sync_api import Browser, Playwright, sync_playwright
from running import ROOT, Server
from running import server as run_server
from visiting import launched

from assistant.answering.ask import Assistant
from assistant.calibration.calibrated_build import build_index
from index.encoding.model.export import ensure
from index.encoding.onnx_encoder import OnnxEncoder
from index.encoding.torch_encoder import TorchEncoder
from index.reading.corpus import read

if TYPE_CHECKING:
    from milvus_server import MilvusServer

# A server of Milvus is started by `make test-stores` alone.
collect_ignore = [] if "MILVUS_SERVER" in os.environ else ["index/milvus/test_milvus.py"]


# A run finds what the one before it found: `make fuzz` looks for more.
settings.register_profile("steady", derandomize=True)
settings.load_profile("default" if "FUZZ_EXAMPLES" in os.environ else "steady")


# What runs a model, a server, a browser or another process.
_WHOLE = {"models_dir", "onnx_encoder", "torch_encoder", "docker", "server", "playwright"}
_HELPERS = {"running", "visiting", "subprocess", "multiprocessing", "http_edge", "httpx", "torch"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what takes more than the pure core: `make test-fast` leaves it out."""
    for item in items:
        assert isinstance(item, pytest.Function)
        if _WHOLE & set(item.fixturenames) or _HELPERS & _imported(item.module):
            item.add_marker("whole")


@cache
def _imported(module: ModuleType) -> set[str]:
    """Return the modules that a module's names come from."""
    values = vars(module).values()
    names = [
        v.__name__ if isinstance(v, ModuleType) else getattr(v, "__module__", "") for v in values
    ]
    return {str(name).partition(".")[0] for name in names}


@pytest.fixture(scope="session")
def models_dir() -> Path:
    """Return the folder of exported models."""
    named = os.environ.get("NOTES_CACHE_DIR")
    return Path(named) if named else platformdirs.user_cache_path("notes-assistant")


@pytest.fixture(scope="session")
def onnx_encoder(models_dir: Path) -> OnnxEncoder:
    """Return the default model on ONNX Runtime."""
    return OnnxEncoder(ensure("onnx", models_dir))


@pytest.fixture(scope="session")
def torch_encoder(models_dir: Path) -> TorchEncoder:
    """Return the default model on sentence-transformers."""
    return TorchEncoder(ensure("torch", models_dir))


@pytest.fixture(scope="session")
def docker(onnx_encoder: OnnxEncoder, tmp_path_factory: pytest.TempPathFactory) -> Assistant:
    """Return an assistant over the notes in `corpus`, built as the commands build."""
    collection = read({"default": ROOT / "corpus"})
    data_dir = tmp_path_factory.mktemp("docker")
    snapshot = build_index(collection, data_dir, onnx_encoder, lambda _: None)
    return Assistant(snapshot, onnx_encoder, "/notes/{document}#{anchor}", "", 0.25)


@pytest.fixture(scope="session")
def server(models_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return a server over a copy of the notes, at `corpus` beside its data folder."""
    folder = tmp_path_factory.mktemp("server")
    shutil.copytree(ROOT / "corpus", folder / "corpus")
    with run_server(folder / "data", "--corpus", str(folder / "corpus")) as running:
        yield running


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    """Return Playwright; for one module, since no other event loop runs beside it."""
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """Return the real browser."""
    with launched(playwright) as opened:
        yield opened


@pytest.fixture(scope="session")
def milvus_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator["MilvusServer"]:
    """Return a real Milvus; what wants it fails where it does not start."""
    from milvus_server import MilvusServer

    server = MilvusServer(tmp_path_factory.mktemp("milvus"))
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture(scope="session")
def milvus_uri(milvus_server: "MilvusServer") -> str:
    """Return its address."""
    return milvus_server.uri
