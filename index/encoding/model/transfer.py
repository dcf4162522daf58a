"""Import of models that were exported elsewhere into the cache."""

import shutil
from importlib.util import find_spec
from pathlib import Path

from index.encoding.model import model_files
from index.encoding.model.export import prove
from index.encoding.model.model_files import Engine
from index.encoding.model.place import place
from index.errors import ModelError

_AGAIN = "Export it anew, with this release: notes model export DIR"


def take_in(source: Path, cache_dir: Path) -> list[Path]:
    """Copy the exported folders at or in `source` into the cache, and return their new paths.

    Raises ModelError if there are none, or if one is damaged, holds another model, or gives other
    vectors than the default model.
    """
    found = [
        folder for folder in (source, *_below(source)) if (folder / model_files.FILES).is_file()
    ]
    if not found:
        raise ModelError(
            f"There is no exported model in {source}. Make one: notes model export {source}"
        )
    for folder in found:
        _check(folder)
    return [_taken(folder, cache_dir) for folder in found]


def _below(source: Path) -> list[Path]:
    try:
        return sorted(path for path in source.iterdir() if not path.name.startswith("."))
    except OSError as error:
        raise ModelError(f"{source} cannot be read: {error.strerror or error}.") from error


def _check(folder: Path) -> None:
    if damage := model_files.damage(folder):
        raise ModelError(f"The model in {folder} cannot be used: {damage}. {_AGAIN}")
    weights, wanted = model_files.read_weights(folder), model_files.MODEL
    if weights != wanted:
        raise ModelError(
            f"{folder} holds {weights.name} with the fingerprint {weights.fingerprint[:12]}, and "
            f"{wanted.name} with {wanted.fingerprint[:12]} is expected. {_AGAIN}"
        )


def _taken(folder: Path, cache_dir: Path) -> Path:
    kind = _kind(folder)

    def write(copy: Path) -> None:
        shutil.copytree(folder, copy, dirs_exist_ok=True)
        # Where there is no engine for it, nothing runs it either.
        if kind == "onnx" or find_spec("sentence_transformers"):
            prove(kind, copy)

    target = cache_dir / model_files.folder_name(kind)
    place(kind, target, write)
    return target


def _kind(folder: Path) -> Engine:
    return "onnx" if (folder / model_files.GRAPH).exists() else "torch"
