"""`notes serve --watch`: rebuilds the index when the notes change."""

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import structlog

from assistant.serving import Service, take_up
from assistant.settings import Settings
from index.arrays import Floats
from index.encoding import Encoder, Encoding, Kind, Weights
from index.errors import IndexBusy, NotesError
from index.reading import note_files
from index.storage import Manifest
from ui.app.assembling import assemble
from ui.app.changes import Seen, changed, hints, seen

_FIRST_WAIT = 5.0
_LONGEST_WAIT = 300.0
_NAMED = 5
# As many texts are encoded at once: a question that comes meanwhile waits for no more.
_TEXTS = 4
_NICE = 10
_LOG = structlog.get_logger()

Build: TypeAlias = Callable[[], Manifest]


@contextmanager
def watching(service: Service, settings: Settings) -> Iterator[None]:
    """Build in a thread now, and whenever the notes change, until the block ends.

    A failed build is logged and tried again; meanwhile the index before stays in service.
    """
    ended = threading.Event()
    corpora = _corpora(service, settings)
    encoder = _Interruptible(service.assistant.encoder, ended)
    report = _News()

    def build() -> Manifest:
        with service.switching:
            served = service.assistant.snapshot
            snapshot = assemble(
                settings, report.say, encoder, corpora=corpora, wait=False, loaded=served
            )
            if snapshot.version != served.version:
                take_up(service, snapshot)
            return snapshot.manifest

    arguments = (service, list(corpora.values()), settings, build, ended)
    thread = threading.Thread(target=_run, args=arguments, name="watch")
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _corpora(service: Service, settings: Settings) -> Mapping[str, Path]:
    """Return the folders of the notes from the settings, else those the index was built from."""
    if "corpus" in settings.model_fields_set:
        return settings.corpora
    built = service.assistant.snapshot.manifest.corpora
    return {name: Path(place) for name, place in built.items()}


@dataclass(frozen=True)
class _Failed:
    """A failed build: the state of its files, and the time of the next attempt."""

    over: Seen
    wait: float
    again: float


def _run(
    service: Service,
    places: Sequence[Path],
    settings: Settings,
    build: Build,
    ended: threading.Event,
) -> None:
    _step_back()
    _LOG.info("watching notes", places=[str(place) for place in places])
    globs = note_files.chosen(settings.included, settings.excluded)
    latest: Seen | None = None
    built: Seen | None = None
    failed: _Failed | None = None
    for _ in hints(places, ended):
        # Looked at before they are read: what changes meanwhile is built next.
        now = seen(places, globs)
        if latest is not None and now != latest:
            _tell(changed(latest, now))
        latest = now
        if now == built:
            failed = None
        elif not failed or failed.over != now or time.monotonic() >= failed.again:
            failed = _built(service, build, now, failed)
            built = built if failed else now


def _built(service: Service, build: Build, over: Seen, failed: _Failed | None) -> _Failed | None:
    """Build; return None, or the failure. A failure with the same files is logged only once."""
    started = time.perf_counter()
    before = service.assistant.snapshot.version
    known = failed if failed and failed.over == over else None
    try:
        manifest = build()
    except _Ended:
        return None
    except Exception as error:
        if not known:
            _tell_failure(service, error)
        wait = min(2 * known.wait, _LONGEST_WAIT) if known else _FIRST_WAIT
        return _Failed(over, wait, time.monotonic() + wait)
    _LOG.info(
        "index as the notes are" if manifest.version == before else "index built",
        version=manifest.version,
        seconds=round(time.perf_counter() - started, 2),
        documents=manifest.counts["documents"],
        passages=manifest.counts["passages"],
    )
    return None


def _tell_failure(service: Service, error: Exception) -> None:
    version = service.assistant.snapshot.version
    if isinstance(error, IndexBusy):
        # What it builds may be of the same notes: that shows at the next try.
        _LOG.info("index being built elsewhere", reason=str(error), still_serving=version)
        return
    service.metrics.faults.labels("build").inc()
    trace = {} if isinstance(error, NotesError) else {"exc_info": error}
    _LOG.error("index not built", reason=str(error), still_serving=version, **trace)


def _tell(names: Sequence[str]) -> None:
    more = {"more": len(names) - _NAMED} if len(names) > _NAMED else {}
    _LOG.info("notes changed", files=names[:_NAMED], **more)


class _News:
    """Logs the messages of builds, each text only once."""

    def __init__(self) -> None:
        self._said: set[str] = set()

    def say(self, text: str) -> None:
        if text not in self._said:
            _LOG.info("building", said=text)
        self._said.add(text)


class _Ended(Exception):
    """Raised to stop a build because the server ends."""


class _Interruptible:
    """Encoder that takes a few texts at a time, so that questions get their turn in between."""

    def __init__(self, encoder: Encoder, ended: threading.Event) -> None:
        self._encoder = encoder
        self._ended = ended

    @property
    def weights(self) -> Weights:
        """Return the identity of the weights that the vectors depend on."""
        return self._encoder.weights

    def encode(self, texts: Sequence[str], kind: Kind) -> Iterator[Encoding]:
        """Yield the encoding of each text, in the order given. Raises _Ended."""
        for start in range(0, len(texts), _TEXTS):
            if self._ended.is_set():
                raise _Ended
            yield from self._encoder.encode(texts[start : start + _TEXTS], kind)

    def sentence_embeddings(self, texts: Sequence[str]) -> Floats:
        """Return sentence embeddings, float32 (texts, SENTENCE_COMPONENTS). Raises _Ended."""
        if self._ended.is_set():
            raise _Ended
        return self._encoder.sentence_embeddings(texts)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return the number of tokens of each text, without the prompt and special tokens."""
        return self._encoder.count_tokens(texts)


def _step_back() -> None:
    """Lower this thread's priority below threads that answer; only Linux has such priorities."""
    if sys.platform == "linux":
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
