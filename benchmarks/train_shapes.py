"""Learns what Korean words are made of, between blanks, from pages that are not damaged.

    python benchmarks/train_shapes.py ../shared/eval/k8s-ko/corpus

Writes index/data/shapes.json: for each kind of morpheme the logarithm of how likely each other
follows it inside a word, "" standing for those that were seen too rarely. Every sixth page by name
is left out: `benchmarks/mending.py` measures on those.
"""

import json
import math
import sys
from collections import Counter, defaultdict
from itertools import pairwise
from pathlib import Path

from index.repair import korean

HELD_OUT = 6
_WRITTEN = Path(__file__).parents[1] / "index" / "data" / "shapes.json"
_RARE = 3
_KINDS = 30
_ADDED = 0.5


def main() -> None:
    """Count, and write the table."""
    pages = sorted(Path(sys.argv[1]).rglob("*.md"))
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for number, page in enumerate(pages):
        if number % HELD_OUT:
            for line in page.read_text("utf-8").split("\n"):
                for shape in korean.shapes(korean.spoken(line)):
                    for before, after in pairwise(shape):
                        counts[before][after] += 1
    table = {before: _row(found) for before, found in sorted(counts.items())}
    _WRITTEN.write_text(json.dumps(table, ensure_ascii=False, indent=1) + "\n", "utf-8")


def _row(found: Counter[str]) -> dict[str, float]:
    total = sum(found.values()) + _ADDED * _KINDS
    row = {
        after: round(math.log((count + _ADDED) / total), 2)
        for after, count in sorted(found.items())
        if count >= _RARE
    }
    return row | {"": round(math.log(_ADDED / total), 2)}


if __name__ == "__main__":
    main()
