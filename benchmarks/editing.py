"""What one edit costs in an index of many sections: seconds of `notes build`, texts encoded.

    python benchmarks/editing.py [NOTES] [--sections 10000] [--data FOLDER]

The notes (the project's own where there are none) are copied until there are so many sections, and
the index is built; FOLDER keeps it for the next time. Then a sentence of one section is changed,
several times, and `notes build` run as a user runs it.
"""

import argparse
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from measure import ROOT, machine

from index.reading.corpus import SUFFIXES, read
from index.storage.store import load

_EDITS = 7
_ENCODED = re.compile(r"Encoding (\d+) passages and (\d+) lines")


def main() -> None:
    """Print how long the builds took."""
    parser = argparse.ArgumentParser()
    parser.add_argument("notes", nargs="?", type=Path, default=ROOT / "corpus")
    parser.add_argument("--sections", type=int, default=10_000)
    parser.add_argument("--data", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        notes, data = Path(folder) / "notes", given.data or Path(folder) / "data"
        sections = _copied(given.notes, notes, given.sections)
        seconds, _ = _build(notes, data)
        counts = load(data).manifest.counts
        print(f"{sections:,} sections, {counts['passages']:,} passages; {machine()}")
        print(f"  the first build: {seconds:.1f} s")
        nothing, _ = _build(notes, data)
        print(f"  nothing changed: {nothing:.2f} s")
        page = sorted(path for path in notes.rglob("*") if path.suffix in SUFFIXES)[-1]
        source = page.read_text("utf-8")
        taken = []
        for number in range(_EDITS):
            page.write_text(f"{source}\nThis sentence is edit number {number}.\n", "utf-8")
            seconds, encoded = _build(notes, data)
            taken.append(seconds)
        print(
            f"  one sentence changed: {statistics.median(taken):.2f} s "
            f"({min(taken):.2f} to {max(taken):.2f}), {encoded}"
        )


def _copied(notes: Path, folder: Path, least: int) -> int:
    sections = sum(len(document.sections) for document in read({"": notes}).documents)
    copies = -(-least // sections)
    for number in range(copies):
        shutil.copytree(notes, folder / f"{number:04}")
    return copies * sections


def _build(notes: Path, data: Path) -> tuple[float, str]:
    """Return the seconds of a build, and what it says of texts encoded."""
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "ui", "build", str(notes), "--data-dir", str(data)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    found = _ENCODED.search(done.stderr)
    said = f"{found[1]} passages and {found[2]} lines encoded" if found else "nothing encoded"
    return time.perf_counter() - started, said


if __name__ == "__main__":
    main()
