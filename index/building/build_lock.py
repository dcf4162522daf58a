"""The build lock: only one process builds an index at a time."""

import json
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from index.errors import IndexBusy, IndexUnusable

FILE = "build.lock"
_HOLDER = "build.json"
_POLL_SECONDS = 0.1


@contextmanager
def building(data_dir: Path, wait: bool, report: Callable[[str], None]) -> Iterator[None]:
    """Hold the build lock of a data folder.

    If another process holds it, report that process and wait, or raise IndexBusy if `wait` is
    False. The system releases the lock of a process that died, for whatever reason.
    """
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        lock = FileLock(data_dir / FILE, poll_interval=_POLL_SECONDS)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            who = _holder(data_dir)
            if not wait:
                raise IndexBusy(
                    f"The index in {data_dir} is being built by {who}. "
                    "Try again later, or leave out --no-wait to wait for it."
                ) from None
            report(f"Waiting for {who}, which builds the index in {data_dir} ...")
            lock.acquire()
    except OSError as error:
        raise IndexUnusable(
            f"The index cannot be written to {data_dir}: {error.strerror or error}. "
            "The old one is untouched. Name another folder in NOTES_DATA_DIR."
        ) from error
    holder = data_dir / _HOLDER
    try:
        if holder.exists():
            report(f"{_holder(data_dir).capitalize()} ended early: what it encoded is used.")
        now = datetime.now(UTC).isoformat(timespec="seconds")
        holder.write_text(
            json.dumps({"process": os.getpid(), "host": socket.gethostname(), "since": now})
        )
        yield
    finally:
        holder.unlink(missing_ok=True)
        lock.release()


def _holder(data_dir: Path) -> str:
    try:
        held = json.loads((data_dir / _HOLDER).read_text())
        return f"process {held['process']} on {held['host']} since {held['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"
