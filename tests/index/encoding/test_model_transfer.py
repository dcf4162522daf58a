"""A model that was made elsewhere is used here, once it has proved to be the right one."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from running import ROOT, environment, notes

from index.encoding.model import model_files
from index.encoding.onnx_encoder import OnnxEncoder

NAME = model_files.folder_name("onnx")
# As where sentence-transformers is not installed.
_LIGHT = "import sys; sys.modules['sentence_transformers'] = None; from ui.cli import main; main()"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return what `notes model export` writes on a machine without torch."""
    folder = tmp_path_factory.mktemp("made") / "model"
    done = subprocess.run(
        [sys.executable, "-c", _LIGHT, "model", "export", str(folder)],
        env=environment(folder.parent, {}),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "sentence-transformers is left out" in done.stderr
    assert [path.name for path in folder.iterdir() if path.is_dir()] == [NAME]
    return folder


@pytest.fixture
def copy(made: Path, tmp_path: Path) -> Path:
    """Return a copy to be spoiled."""
    return Path(shutil.copytree(made, tmp_path / "copy"))


def take_in(folder: Path, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    cache = str(tmp_path / "cache")
    return notes(tmp_path, "model", "import", str(folder), NOTES_CACHE_DIR=cache)


def refusal(folder: Path, tmp_path: Path) -> str:
    """Return why it is not taken, and check that nothing was left of it."""
    done = take_in(folder, tmp_path)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    cache = tmp_path / "cache"
    assert not cache.exists() or [p for p in cache.iterdir() if p.is_dir()] == []
    return done.stderr.splitlines()[-1]


def flip(path: Path, place: int = 30_000_000) -> None:
    with path.open("r+b") as file:
        file.seek(place)
        byte = file.read(1)[0]
        file.seek(place)
        file.write(bytes([byte ^ 0xFF]))


@pytest.mark.parametrize("part", ["", NAME])
def test_an_exported_model_is_taken_in(
    made: Path, tmp_path: Path, onnx_encoder: OnnxEncoder, part: str
) -> None:
    done = take_in(made / part, tmp_path)
    assert done.returncode == 0, done.stderr
    assert model_files.is_current(tmp_path / "cache" / NAME)
    taken = OnnxEncoder(tmp_path / "cache" / NAME)
    (one,), (other,) = (each.encode(["도커"], "query") for each in (taken, onnx_encoder))
    assert np.array_equal(one.vector, other.vector)
    again = take_in(made / part, tmp_path)
    assert again.returncode == 0, again.stderr


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "There is no exported model in" in refusal(tmp_path / "empty", tmp_path)
    assert "cannot be read: No such file" in refusal(tmp_path / "none", tmp_path)


def test_a_damaged_model_is_refused(copy: Path, tmp_path: Path) -> None:
    flip(copy / NAME / model_files.TABLE)
    said = refusal(copy, tmp_path)
    assert f"{model_files.TABLE} is damaged" in said
    assert "notes model export DIR" in said


def test_a_model_cut_short_is_refused(copy: Path, tmp_path: Path) -> None:
    with (copy / NAME / model_files.TABLE).open("r+b") as file:
        file.truncate(1000)
    assert "has 1000 bytes and not" in refusal(copy, tmp_path)


def test_an_export_without_hashes_is_refused(copy: Path, tmp_path: Path) -> None:
    path = copy / NAME / model_files.FILES
    stored = json.loads(path.read_text())
    del stored["sha256"]
    path.write_text(json.dumps(stored))
    assert "without hashes" in refusal(copy, tmp_path)


def test_other_weights_are_refused(copy: Path, tmp_path: Path) -> None:
    (copy / NAME / model_files.FILES).unlink()
    (copy / NAME / model_files.WEIGHTS).unlink()
    other = replace(model_files.MODEL, name="other-model", fingerprint="0123456789abcdef")
    model_files.describe(copy / NAME, other)
    said = refusal(copy, tmp_path)
    assert "other-model with the fingerprint 0123456789ab" in said
    assert f"{model_files.MODEL.name} with {model_files.MODEL.fingerprint[:12]} is expected" in said


def test_a_model_that_gives_other_vectors_is_refused(copy: Path, tmp_path: Path) -> None:
    data = bytearray((copy / NAME / model_files.TABLE).read_bytes())
    half = len(data) // 2
    data[:half] = bytes(half)
    (copy / NAME / model_files.TABLE).write_bytes(data)
    (copy / NAME / model_files.FILES).unlink()
    (copy / NAME / model_files.WEIGHTS).unlink()
    model_files.describe(copy / NAME, model_files.MODEL)
    assert "gives wrong vectors" in refusal(copy, tmp_path)
