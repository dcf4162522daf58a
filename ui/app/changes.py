"""Detects changes of the notes on disk."""

import os
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

import structlog
from watchfiles import Change, watch

from index.errors import CorpusError
from index.reading import GLOSSARY, note_files

# An editor's save is several changes: it is over once all was quiet for a moment.
_QUIET_MS = 200
_LONGEST_MS = 1500
_LOOK_MS = 500
# A network folder may tell nothing, and what failed may have been mended elsewhere.
_ANYWAY_SECONDS = 15.0
_GIT = f"{os.sep}.git{os.sep}"
_LOG = structlog.get_logger()

# By name, the size of each file that a build reads, and when it and its entry changed; None where
# it is not there.
Seen: TypeAlias = Mapping[str, tuple[int, int, int] | None]


def seen(places: Iterable[Path], globs: note_files.Chosen) -> Seen:
    """Return the state of each file that a build of these folders and files would read.

    The rules are those of the build: temporary files of editors are no notes, and files that a
    `.gitignore` leaves out are not there.
    """
    found: dict[str, tuple[int, int, int] | None] = {}
    for place in places:
        glossary = place / GLOSSARY
        found[str(glossary)] = _stamp(glossary)
        try:
            found |= {str(file): _stamp(file) for _, file in note_files.find(place, globs)}
        except (CorpusError, OSError):
            found[str(place)] = None
    return found


def changed(before: Seen, now: Seen) -> list[str]:
    """Return the names of the files that were added, changed or removed, sorted."""
    return sorted(name for name in before.keys() | now if before.get(name) != now.get(name))


def hints(places: Sequence[Path], ended: threading.Event) -> Iterator[None]:
    """Yield at the start, whenever the places may have changed, and at least every 15 seconds.

    Changes while the caller was busy give one hint. Ends when the event is set.
    """
    told = ""
    while not ended.is_set():
        try:
            yield from _while_there(places, ended)
        except (OSError, RuntimeError) as error:
            if str(error) != told:
                seconds = _ANYWAY_SECONDS
                _LOG.warning("notes not watched", reason=str(error), looking_every=seconds)
            told = str(error)
            yield
            ended.wait(_ANYWAY_SECONDS)


def _while_there(places: Sequence[Path], ended: threading.Event) -> Iterator[None]:
    """Yield hints until a place appears, disappears or is replaced: then a new watch is needed."""
    marks = [_mark(place) for place in places]
    roots = {str(place.resolve()) for place in places if place.is_dir()}
    due = 0.0
    for changes in watch(
        *roots,
        watch_filter=_matters,
        debounce=_LONGEST_MS,
        step=_QUIET_MS,
        rust_timeout=_LOOK_MS,
        yield_on_timeout=True,
        stop_event=ended,
        raise_interrupt=False,
        ignore_permission_denied=True,
    ):
        if changes or time.monotonic() >= due:
            yield
            due = time.monotonic() + _ANYWAY_SECONDS
        if roots & {path for _, path in changes} or [_mark(place) for place in places] != marks:
            return


def _matters(change: Change, path: str) -> bool:
    return _GIT not in path


def _mark(place: Path) -> tuple[int, ...] | None:
    """Return a mark that changes when a folder is replaced, or a single file is changed."""
    try:
        found = place.stat()
    except OSError:
        return None
    return (found.st_dev, found.st_ino) if place.is_dir() else _stamp(place)


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns
