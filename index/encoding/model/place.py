"""Atomic placement of a finished folder, safe when several processes do it at the same time.

A folder is written beside its target and then renamed. Of two writers, one works; the other waits
and uses the folder of the first. The system releases the lock when its holder dies, so that any
partial folder found by the next holder was left by a crash.
"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from index.encoding.model import model_files
from index.errors import ModelError

_MEGABYTES = {"onnx": 130, "torch": 550}


def place(kind: model_files.Engine, target: Path, write: Callable[[Path], None]) -> bool:
    """Let `write` fill an empty folder, move it to `target`, and return True.

    Returns False if a complete folder is there already. Passes on the errors of `write`; raises
    ModelError if the disk is full or not writable, or if `target` holds something else.
    """
    from filelock import FileLock

    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(target.parent / f".{target.name}.lock"):
            if model_files.is_current(target):
                return False
            _refuse_foreign(target)
            with _partial(target) as folder:
                write(folder)
                _replace(target, folder)
    except OSError as error:
        raise ModelError(
            f"The model cannot be written to {target}: {error.strerror or error}. It needs "
            f"{_MEGABYTES[kind]} MB: free some space, or set NOTES_CACHE_DIR to a folder that can "
            "be written."
        ) from error
    return True


@contextmanager
def _partial(target: Path) -> Iterator[Path]:
    """Yield an empty folder beside the target and remove it afterwards."""
    folder = target.parent / f".{target.name}.partial"
    _remove(folder)
    folder.mkdir()
    try:
        yield folder
    finally:
        _remove(folder)


def _replace(target: Path, folder: Path) -> None:
    old = target.parent / f".{target.name}.old"
    _remove(old)
    if target.exists():
        target.rename(old)
    folder.rename(target)
    _remove(old)


def _remove(folder: Path) -> None:
    # What a running server has mapped cannot be removed on every system; it is tried again.
    shutil.rmtree(folder, ignore_errors=True)


def _refuse_foreign(target: Path) -> None:
    """Raise ModelError if the target holds something other than an exported model."""
    if not target.exists() or (target.is_dir() and not any(target.iterdir())):
        return
    if not any((target / name).exists() for name in (model_files.WEIGHTS, model_files.FILES)):
        raise ModelError(f"{target} holds something else; name an empty or a new folder.")
