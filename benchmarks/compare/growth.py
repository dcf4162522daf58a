"""What grows with the notes: the table of benchmarks/scale.py at three sizes."""

import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.compare.results import ROOT
from benchmarks.compare.systems import CACHE

SIZES = (1_000, 10_000, 100_000)
BESIDE = "a question beside encoding, asked of each size in turn, p50"
# A value begins with a digit; no name has a word that does.
_LINE = re.compile(r"(.*?)\s+(\d.*)")


@dataclass(frozen=True)
class Growth:
    """One line of the table: what it is, and its value at each size, with its unit."""

    what: str
    values: tuple[str, ...]


def measure(data: Path, questions: Path) -> Sequence[Growth]:
    """Return the lines; data: a real index, from which larger ones are made and kept."""
    version = (data / "current").read_text("utf-8").strip()
    sizes = ",".join(map(str, SIZES))
    kept = str(CACHE / "scale" / version)
    command = ["benchmarks/scale.py", str(data), str(questions), "--sizes", sizes, "--keep", kept]
    done = subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        encoding="utf-8",
        check=True,
    )
    return table(done.stdout)


def table(printed: str) -> Sequence[Growth]:
    """Return the lines of what the script printed, a block a size, as lines over all sizes.

    The last block has what a question took where all sizes took turns: that is told apart least by
    what else the machine did.
    """
    *sizes, turns = printed.replace("\n  ", "\t").splitlines()[1:]
    blocks = [dict(_block(each)) for each in sizes]
    found = [Growth(what, tuple(block[what] for block in blocks)) for what in blocks[0]]
    taken = (re.search(r"passages\s+(\S+ ms)", each) for each in turns.split("\t")[1:])
    return [*found, Growth(BESIDE, tuple(each[1] for each in taken if each))]


def _block(text: str) -> Iterator[tuple[str, str]]:
    head, *lines = text.split("\t")
    counts, store = head.split(": ")
    yield "passages, vectors", counts
    yield "store", store
    for line in lines:
        found = _LINE.fullmatch(line.strip())
        if not found:
            raise RuntimeError(f"No value in {line!r}")
        yield found[1], found[2]
