"""Writes passages that no training saw as folders of notes, each with its questions.

    python -m benchmarks.reading.notes OUT PASSAGES …

One folder for each group of collections, its held-back passages among others of the same documents'
kind, and beside it `NAME.jsonl` as `notes eval` takes it: what `benchmarks/train_judge.py` learns
from.
"""

import argparse
import json
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import regex

from benchmarks.reading.data import QUESTIONS, held, rows

GROUPS = {
    "study": ("gyoogle", "jaeyeop", "devsquad", "seogeurim", "namjunemy"),
    "web": ("react", "vue", "vite", "eslint"),
    "systems": ("cpp", "powershell", "rust"),
    "services": ("fastapi", "helm", "prometheus", "hfcourse"),
    "office": ("f18", "sourcegraph", "interview", "osguide", "cooking"),
}
_OTHERS = 150
_SIGNS = regex.compile(r"([\\`*_{}\[\]()#+\-.!|<>~$=^:&\"'/@])")


def main() -> None:
    """Write all groups."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("passages", type=Path, nargs="+")
    options = parser.parse_args()
    passages = rows(options.passages)
    asked = defaultdict(list)
    for question in rows(sorted(QUESTIONS.iterdir())):
        asked[question["passage"]].append(question)
    for name, sources in GROUPS.items():
        own = [each for each in passages if each["source"] in sources]
        kept = [each for each in own if held(each)]
        others = sorted((each for each in own if not held(each)), key=lambda each: str(each["id"]))
        _write(options.out / name, kept + others[:_OTHERS])
        cases = [_case(each, q, n) for each in kept for n, q in enumerate(asked[each["id"]])]
        text = "".join(json.dumps(case, ensure_ascii=False) + "\n" for case in cases)
        (options.out / f"{name}.jsonl").write_text(text, "utf-8")
        print(name, len(kept), len(cases))


def _write(folder: Path, passages: Sequence[dict[str, Any]]) -> None:
    documents = defaultdict(list)
    for each in passages:
        documents[each["source"], each["path"]].append(each)
    folder.mkdir(parents=True, exist_ok=True)
    for number, parts in enumerate(documents.values()):
        title = parts[0]["heading"].split(" > ")[0]
        text = [f"# {_plain(title)}"]
        for part in parts:
            text.append(f"## {_plain(part['heading'].split(' > ')[-1])} {{#{part['id']}}}")
            text += [f"- {_plain(line)}" for line in part["lines"]]
        (folder / f"{number:03}.md").write_text("\n\n".join(text) + "\n", "utf-8")


def _case(passage: dict[str, Any], question: dict[str, Any], number: int) -> dict[str, Any]:
    lines = [_plain(passage["lines"][line]) for line in question["lines"]]
    return {
        "id": f"{passage['id']}-{number}",
        "question": question["question"],
        "language": question["language"],
        "kind": question["kind"] if lines else "hard",
        "gold": [passage["id"]] if lines else [],
        "lines": lines,
    }


def _plain(text: str) -> str:
    """Return Markdown that reads as the text."""
    return _SIGNS.sub(r"\\\1", " ".join(text.split()))


if __name__ == "__main__":
    main()
