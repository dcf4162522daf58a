"""What many files cost: reading, sectioning and passages, then checking; seconds and memory.

    python benchmarks/parsing.py [NOTES] [--files 5000]

The folder NOTES (the project's own notes where there is none) is copied until there are so many
files, and a fifth of them is measured first: memory that is the same does not grow with the files.
Both pass them through as a stream, with as many processes as a build uses.
"""

import argparse
import os
import resource
import tempfile
import time
from collections.abc import Iterator, Sequence
from itertools import count, islice
from pathlib import Path

from measure import ROOT, machine

from index.checks.folder import check
from index.markdown.notes import Document
from index.markdown.passage_splitting import passages
from index.reading.corpus import SUFFIXES, scan

_WORKERS = os.cpu_count() or 1


def main() -> None:
    """Print a line for a fifth of the files, and one for all."""
    parser = argparse.ArgumentParser()
    parser.add_argument("notes", nargs="?", type=Path, default=ROOT / "corpus")
    parser.add_argument("--files", type=int, default=5000)
    given = parser.parse_args()
    print(f"{given.notes}; {machine()}")
    for files in (given.files // 5, given.files):
        with tempfile.TemporaryDirectory() as folder:
            size = _copied(given.notes, Path(folder), files)
            _measured(Path(folder), f"{files:,} files, {size / 1e6:.1f} MB")


def _copied(notes: Path, folder: Path, files: int) -> int:
    """Return the bytes of all copies."""
    size = 0
    for path, text in islice(_copies(notes), files):
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        size += place.write_bytes(text)
    return size


def _copies(notes: Path) -> Iterator[tuple[Path, bytes]]:
    sources = sorted(path for path in notes.rglob("*") if path.suffix in SUFFIXES)
    texts = [(path.relative_to(notes), path.read_bytes()) for path in sources]
    for number in count():
        yield from ((Path(f"{number:04}") / path, text) for path, text in texts)


def _measured(folder: Path, files: str) -> None:
    start, busy = time.perf_counter(), _busy()
    found = _passages(folder)
    read = time.perf_counter()
    report = check(folder, workers=_WORKERS)
    checked = time.perf_counter()
    print(
        f"  {files}: {found:,} passages in {read - start:.1f} s, "
        f"{len(report.findings):,} findings in {checked - read:.1f} s, "
        f"together {checked - start:.1f} s ({_busy() - busy:.1f} s of processors); "
        f"at most {_most(resource.RUSAGE_SELF):.0f} MB, "
        f"each worker {_most(resource.RUSAGE_CHILDREN):.0f} MB"
    )


def _passages(folder: Path) -> int:
    return sum(
        sum(1 for _ in passages(item, 0, 256, _words))
        for item in scan({"notes": folder}, workers=_WORKERS)
        if isinstance(item, Document)
    )


def _words(texts: Sequence[str]) -> list[int]:
    return [len(text.split()) for text in texts]


def _busy() -> float:
    """Return the seconds that this process and its ended workers had a processor."""
    return sum(os.times()[:4])


def _most(who: int) -> float:
    return resource.getrusage(who).ru_maxrss / 1024


if __name__ == "__main__":
    main()
