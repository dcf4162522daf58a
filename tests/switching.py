"""Editions of the same notes, a version of the index over each, and clients that ask meanwhile."""

import os
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import cycle
from pathlib import Path
from threading import Event, Lock
from typing import Any

import httpx
from running import Server

from assistant.calibration.calibrated_build import build_index
from index.encoding.encoder import Encoder
from index.reading.corpus import read

CLIENTS = 16
EDITIONS = ("amber", "cobalt")
PLACES = ("ferry", "lighthouse", "market", "museum", "library")
QUESTIONS = [f"When does the {place} open?" for place in PLACES]
PATIENCE = 120.0


def edition(word: str) -> str:
    """Return the notes of an edition: each of its sentences says which it is."""
    sections = (
        f"## The {place}\n\nThe {place} opens at {len(word) + number} in the {word} season.\n"
        for number, place in enumerate(PLACES)
    )
    return f"# Harbour of {word}\n\nThe harbour in the {word} season.\n\n" + "\n".join(sections)


@dataclass(frozen=True)
class Built:
    """A data folder with a version of each edition, and the notes by version, oldest first."""

    data_dir: Path
    sources: dict[str, str]

    def copy(self, folder: Path) -> "Built":
        """Return the same in another folder."""
        shutil.copytree(self.data_dir, folder / "data")
        return Built(folder / "data", self.sources)


def built(folder: Path, encoder: Encoder) -> Built:
    """Build a version of each edition, as the commands do."""
    notes = folder / "notes"
    notes.mkdir()
    sources = {}
    for word in EDITIONS:
        (notes / "harbour.md").write_text(edition(word))
        collection = read({"default": notes})
        snapshot = build_index(collection, folder / "data", encoder, lambda _: None)
        sources[snapshot.version] = edition(word)
    return Built(folder / "data", sources)


def point(data_dir: Path, version: str) -> None:
    """Switch to a version, as a build does."""
    pointer = data_dir / f"current.part-{os.getpid()}"
    pointer.write_text(f"{version}\n")
    pointer.replace(data_dir / "current")


def served(server: Server) -> str:
    """Return the version that the server names."""
    version: str = httpx.get(f"{server.url}/health/ready", timeout=30).json()["index_version"]
    return version


def until(happened: Callable[[], Any], what: str) -> Any:
    """Return what is awaited, once it is true; a bound is there so that a failure ends."""
    end = time.monotonic() + PATIENCE
    while not (found := happened()):
        assert time.monotonic() < end, f"It did not happen: {what}"
        time.sleep(0.05)
    return found


def switch(server: Server, version: str) -> None:
    """Switch to a version, and return once the server names it."""
    point(server.data_dir, version)
    until(lambda: served(server) == version, f"{version} is served")


@contextmanager
def asking(server: Server, sources: Mapping[str, str]) -> Iterator[Counter[str]]:
    """Ask as sixteen clients until the block ends; counts answers by version, and all that failed.

    An answer fails if it is none, or holds a passage that the version it names does not.
    """
    with clients(CLIENTS, partial(_outcomes, server, sources)) as counts:
        yield counts


@contextmanager
def clients(count: int, outcomes: Callable[[int, Event], Iterator[str]]) -> Iterator[Counter[str]]:
    """Let so many clients go on until the block ends, each by its number; counts what comes out."""
    ended = Event()
    counts: Counter[str] = Counter()
    counting = Lock()

    def client(number: int) -> None:
        for outcome in outcomes(number, ended):
            with counting:
                counts[outcome] += 1

    with ThreadPoolExecutor(count) as pool:
        runs = [pool.submit(client, number) for number in range(count)]
        try:
            yield counts
        finally:
            ended.set()
        for run in runs:
            run.result()


def _outcomes(
    server: Server, sources: Mapping[str, str], number: int, ended: Event
) -> Iterator[str]:
    kinds = cycle((_asks, _asks_on, _asks_several, _searches, _reads))
    with httpx.Client(base_url=server.url, timeout=60) as client:
        for step, kind in enumerate(kinds, number):
            if ended.is_set():
                return
            try:
                yield kind(client, sources, QUESTIONS[step % len(QUESTIONS)])
            except (AssertionError, KeyError, ValueError, httpx.HTTPError) as error:
                yield f"failed: {kind.__name__}: {type(error).__name__}: {error}"[:300]


def _asks(client: httpx.Client, sources: Mapping[str, str], question: str) -> str:
    return _true(client.post("/api/v1/ask", json={"question": question, "limit": 5}), sources)


def _asks_on(client: httpx.Client, sources: Mapping[str, str], question: str) -> str:
    body = {"question": "and the museum?", "history": [question]}
    return _true(client.post("/api/v1/ask", json=body), sources)


def _asks_several(client: httpx.Client, sources: Mapping[str, str], question: str) -> str:
    response = client.post("/api/v1/ask/batch", json={"questions": [question, *QUESTIONS]})
    assert response.status_code == 200, response.text
    answers = response.json()["answers"]
    versions = {_holds(answer["index_version"], answer, sources) for answer in answers}
    assert len(versions) == 1, versions
    return versions.pop()


def _searches(client: httpx.Client, sources: Mapping[str, str], question: str) -> str:
    response = client.get("/api/v1/search", params={"q": question})
    assert response.status_code == 200, response.text
    found = response.json()
    assert found["hits"], found
    return _holds(found["index_version"], {"passages": found["hits"]}, sources)


def _reads(client: httpx.Client, sources: Mapping[str, str], question: str) -> str:
    response = client.get("/notes/harbour")
    assert response.status_code == 200, response.text
    (version,) = (
        version
        for version, source in sources.items()
        if source.splitlines()[0].removeprefix("# ") in response.text
    )
    others = [word for word in EDITIONS if word in response.text and word not in sources[version]]
    assert not others
    return version


def _true(response: httpx.Response, sources: Mapping[str, str]) -> str:
    assert response.status_code == 200, response.text
    answer = response.json()
    assert answer["passages"] or answer["closest"], answer
    return _holds(answer["index_version"], answer, sources)


def _holds(version: str, answer: Mapping[str, Any], sources: Mapping[str, str]) -> str:
    closest = answer.get("closest")
    for passage in [*answer["passages"], *([closest] if closest else [])]:
        assert passage["text"] in sources[version], (version, passage["text"])
    return version
