"""Cuts passages from public collections, as the program cuts any notes, to write questions for.

    python -m benchmarks.reading.passages MIRRORS OUT [--more 100 --each 3]

MIRRORS holds a git repository `owner+name` (or `owner+name/repo`) for each of `sources.json`.
Writes the passages that `passages.tsv` names, or so many more of each collection, no more than EACH
of a document, one a line: `id, source, path, language, heading, lines, first, last`; the last two
are lines of the file, so that a question names its passage without a word of another's text.
"""

import argparse
import hashlib
import json
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from assistant.settings import read_settings
from index.building.planning import PASSAGE_TOKENS
from index.encoding.engines import open_encoder
from index.markdown.notes import Document, Passage
from index.markdown.passage_splitting import Count, heading_path, passages
from index.reading.corpus import SUFFIXES, scan

SOURCES = Path(__file__).with_name("sources.json")
NAMED = Path(__file__).with_name("passages.tsv")
_SHORTEST, _LONGEST = 40, 280
_LINES = range(3, 31)


def main() -> None:
    """Write the passages of every collection that are asked about already, or others."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("mirrors", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--more", type=int, default=0)
    parser.add_argument("--each", type=int, default=3)
    options = parser.parse_args()
    count = open_encoder("", "onnx", read_settings().cache_dir).count_tokens
    named = {line.split("\t")[0] for line in NAMED.read_text("utf-8").splitlines()}
    with options.out.open("w", encoding="utf-8") as out:
        for source in json.loads(SOURCES.read_text("utf-8")):
            found = sorted(_passages(source, options.mirrors, count), key=lambda each: each["id"])
            if options.more:
                fresh = [each for each in found if each["id"] not in named]
                kept = _few(fresh, options.each)[: options.more]
            else:
                kept = [each for each in found if each["id"] in named]
            print(source["name"], len(kept), "of", len(found))
            for each in kept:
                out.write(json.dumps(each, ensure_ascii=False) + "\n")


def _few(found: list[dict[str, Any]], most: int) -> list[dict[str, Any]]:
    """Return no more than so many passages of each document."""
    counts = Counter[str]()
    kept = []
    for each in found:
        counts[each["path"]] += 1
        if counts[each["path"]] <= most:
            kept.append(each)
    return kept


def _passages(source: dict[str, str], mirrors: Path, count: Count) -> Iterator[dict[str, Any]]:
    """Yield what of a collection is neither too short nor too long to ask about."""
    with tempfile.TemporaryDirectory() as folder:
        place = _checked_out(source, mirrors, Path(folder))
        for document in scan({"default": place}, workers=2):
            if isinstance(document, Document):
                yield from _described(source["name"], document, count)


def _described(source: str, document: Document, count: Count) -> Iterator[dict[str, Any]]:
    for passage in passages(document, 0, PASSAGE_TOKENS, count):
        lines = [line.plain for line in passage.lines]
        heading = heading_path(document, passage)
        if len(lines) in _LINES and _SHORTEST <= sum(count(lines)) <= _LONGEST:
            first, last = _file_lines(document, passage)
            named = repr((source, document.path, first, last))
            yield {
                "id": hashlib.sha1(named.encode(), usedforsecurity=False).hexdigest()[:10],
                "source": source,
                "path": document.path,
                "language": document.language,
                "heading": heading,
                "lines": lines,
                "first": first,
                "last": last,
            }


def _file_lines(document: Document, passage: Passage) -> tuple[int, int]:
    def line(at: int) -> int:
        return document.source.count("\n", 0, at) + 1

    return line(passage.start), line(passage.end - 1)


def _checked_out(source: dict[str, str], mirrors: Path, folder: Path) -> Path:
    """Return the collection's folder with its notes as they were at its commit."""
    mirror = mirrors / source["repository"].replace("/", "+")
    bare = next(p for p in (mirror / "repo/.git", mirror / "repo", mirror) if p.exists())
    commit = source["commit"]
    listed = _git(bare, "ls-tree", "-r", "-z", "--name-only", commit).decode().split("\0")
    inside = f"{source['folder']}/".lstrip("/")
    for name in listed:
        if name.startswith(inside) and Path(name).suffix in SUFFIXES:
            place = folder / name
            place.parent.mkdir(parents=True, exist_ok=True)
            # Pictures may be missing from a mirror: the notes are asked for one by one.
            place.write_bytes(_git(bare, "show", f"{commit}:{name}"))
    return folder / source["folder"]


def _git(bare: Path, *arguments: str) -> bytes:
    command = ["git", "-C", str(bare), *arguments]
    return subprocess.run(command, check=True, capture_output=True).stdout


if __name__ == "__main__":
    main()
