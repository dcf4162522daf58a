"""What reading and sectioning many files costs: seconds, those on the processor, memory.

    python benchmarks/reading.py [NOTES] [--files 5000]

The files of NOTES (the project's own notes where there are none) are copied, each under a name of
its own, until there are so many; then each is read, sectioned and let go.
"""

import argparse
import resource
import tempfile
import time
from collections.abc import Sequence
from itertools import cycle, islice
from pathlib import Path

from measure import ROOT, machine

from index.corpus import SUFFIXES, scan
from index.notes import Document
from index.passages import passages

_STEPS = 5


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("notes", nargs="?", type=Path, default=ROOT / "corpus")
    parser.add_argument("--files", type=int, default=5000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        size = _copied(given.notes, Path(folder), given.files)
        print(f"{given.files} files, {size / 1e6:.1f} MB\n  {machine()}")
        _measured(Path(folder), given.files)


def _copied(notes: Path, folder: Path, files: int) -> int:
    sources = sorted(path for path in notes.rglob("*") if path.suffix in SUFFIXES)
    texts = [path.read_bytes() for path in sources]
    for number, text in enumerate(islice(cycle(texts), files)):
        place = folder / f"{number % 50:02}"
        place.mkdir(exist_ok=True)
        (place / f"{number}.md").write_bytes(text)
    return sum(len(text) for text in islice(cycle(texts), files))


def _measured(folder: Path, files: int) -> None:
    start, busy_start = time.perf_counter(), time.process_time()
    documents = sections = found = 0
    for item in scan({"notes": folder}):
        if isinstance(item, Document):
            documents += 1
            sections += len(item.sections)
            found += sum(1 for _ in passages(item, 0, 256, _words))
            if documents % max(files // _STEPS, 1) == 0:
                took, busy = time.perf_counter() - start, time.process_time() - busy_start
                print(
                    f"  {documents:6} files {took:6.1f} s, {busy:6.1f} s of it on the processor, "
                    f"{_megabytes():6.1f} MB at most"
                )
    took = time.perf_counter() - start
    print(
        f"  {sections} sections, {found} passages in {took:.1f} s, {documents / took:.0f} files/s"
    )


def _words(texts: Sequence[str]) -> list[int]:
    return [len(text.split()) for text in texts]


def _megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
