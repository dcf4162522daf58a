"""How much an installation takes on disk, as it lies in an image: libraries, program, models."""

import subprocess
import tempfile
from collections.abc import Sequence, Set
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path

from platformdirs import user_cache_path

from benchmarks.compare.results import ROOT
from benchmarks.compare.systems import System, folder
from index.encoding.model.model_files import folder_name

_INSTALL = ROOT / "deploy" / "install.sh"


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
            command = [str(_INSTALL), "application", str(folder(system.edition)), scratch]
            subprocess.run(command, cwd=ROOT, check=True)
            program = _megabytes(Path(scratch))
    libraries = _megabytes(folder(system.edition), _exporters(system))
    weights = sum(_megabytes(each) for each in engines)
    if not system.ours:
        # The second encoder is none of theirs.
        weights -= sum(path.stat().st_size for path in engines[0].glob("gist*")) / 1e6
    return Size(system.name, libraries, program, weights)


def _megabytes(folder: Path, left_out: Set[Path] = frozenset()) -> float:
    """Return what a folder takes on disk, some of its files left out."""
    kept = (path for path in folder.rglob("*") if path not in left_out)
    return sum(path.lstat().st_blocks * 512 for path in kept) / 1e6


def _exporters(system: System) -> Set[Path]:
    """Return the files of the packages that models are written with, which an image does not
    keep; of a peer too, which has them from the same models."""
    edition = "light" if system.edition == "light" else "full"
    command = [str(_INSTALL), "exporters", edition]
    names = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    (packages,) = folder(system.edition).glob("lib/python*/site-packages")
    return {
        packages / file
        for each in distributions(path=[str(packages)])
        if each.name.lower().replace("_", "-") in names
        for file in each.files or ()
    }
