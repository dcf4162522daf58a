"""Switches a running process to new versions of the index, whichever process built them."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import structlog

from assistant.answering import Question
from assistant.milvus_connection import attached
from assistant.searching import search
from assistant.serving.service import Service
from index.errors import IndexUnusable
from index.storage import Snapshot, store

# The pointer is read, not watched: that works on network folders too.
_LOOK_SECONDS = 0.5
# A version that cannot be served is tried again, ever less often: to read it takes time.
_FIRST_WAIT = 1.0
_LONGEST_WAIT = 60.0
# It touches what is made at the first use: words of both scripts, and what is no word of the notes.
_WARM_UP = "준비됐나요 ready?"
_LOG = structlog.get_logger()


@contextmanager
def following(service: Service, data_dir: Path) -> Iterator[None]:
    """Keep the service on the current version of the index until the block ends.

    A version that cannot be served is logged once and tried again; meanwhile the version before
    stays in service.
    """
    ended = threading.Event()
    thread = threading.Thread(target=_follow, args=(service, data_dir, ended), name="index")
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@dataclass(frozen=True)
class _Failed:
    """A version that could not be served, the reason, and the time of the next attempt."""

    name: str
    said: str
    wait: float
    again: float


def _follow(service: Service, data_dir: Path, ended: threading.Event) -> None:
    failed: _Failed | None = None
    taken = service.assistant.snapshot.version
    while not ended.wait(_LOOK_SECONDS):
        name = _current(data_dir)
        if name in (taken, service.assistant.snapshot.version):
            failed = None
        elif not failed or failed.name != name or time.monotonic() >= failed.again:
            failed = _taken_up(service, data_dir, name, failed)
            # A folder that was copied names another version inside: it is not taken up for ever.
            taken = taken if failed else name


def _taken_up(
    service: Service, data_dir: Path, name: str, failed: _Failed | None
) -> _Failed | None:
    """Switch to the current version; return None, or the failure where that cannot be done."""
    started = time.perf_counter()
    try:
        _switch(service, data_dir)
    except IndexUnusable as error:
        return _told(service, name, str(error), failed)
    except Exception as error:
        # Whatever is wrong with a version, it must not end the answering.
        return _told(service, name, f"{type(error).__name__}: {error}", failed)
    _LOG.info(
        "index switched",
        version=service.assistant.snapshot.version,
        seconds=round(time.perf_counter() - started, 2),
    )
    return None


def _switch(service: Service, data_dir: Path) -> None:
    """Read the current version, make it ready, and serve it.

    In a function of its own: no variable holds a version for longer than it is served.
    """
    with service.switching:
        # Whoever built it may have handed it over meanwhile.
        if store.current(data_dir) != service.assistant.snapshot.version:
            take_up(service, store.load(data_dir))


def take_up(service: Service, snapshot: Snapshot) -> None:
    """Warm a version up and serve it; the caller must hold `service.switching`.

    Raises IndexMismatch where the version was built with other model weights.
    """
    store.check_weights(snapshot.manifest, service.assistant.encoder.weights)
    assistant = replace(service.assistant, snapshot=attached(snapshot, service.milvus))
    assistant.ask(Question(_WARM_UP))
    search(assistant, _WARM_UP, 1, 0)
    service.switch(assistant)


def _current(data_dir: Path) -> str:
    """Return the name of the current version, empty where its pointer cannot be read."""
    try:
        return store.current(data_dir)
    except IndexUnusable:
        return ""


def _told(service: Service, name: str, reason: str, failed: _Failed | None) -> _Failed:
    """Log why a version is not served, unless logged before, and return the failure record."""
    known = failed if failed and failed.name == name else None
    if not known or known.said != reason:
        service.metrics.faults.labels("switch").inc()
        _LOG.error(
            "index not switched",
            reason=reason,
            still_serving=service.assistant.snapshot.version,
            refused=name,
        )
    wait = min(2 * known.wait, _LONGEST_WAIT) if known else _FIRST_WAIT
    return _Failed(name, reason, wait, time.monotonic() + wait)
