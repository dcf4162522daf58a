"""Notes answered by txtai, with its hybrid index: the same model's vectors and BM25.

python with_txtai.py build|ask|serve …, as face.py has it
"""

import json
from pathlib import Path

import face
from sections import split
from txtai import Embeddings

# What this model wants before its texts; txtai would find only half of it by itself.
_PROMPTS = {"query": "query: ", "data": "passage: "}


def build(model: str, notes: Path, data: Path) -> int:
    """Index every section, or where there is an index those that changed; returns how many."""
    sections = split(notes)
    known = _sections(data) if data.is_dir() else []
    embeddings = Embeddings(path=model, hybrid=True, instructions=_PROMPTS)
    changed = list(enumerate(section["text"] for section in sections))
    if len(known) == len(sections):
        embeddings.load(str(data))
        changed = [(row, text) for row, text in changed if text != known[row]["text"]]
        embeddings.upsert(changed)
    else:
        embeddings.index(changed)
    embeddings.save(str(data))
    (data / "sections.json").write_text(json.dumps(sections, ensure_ascii=False), "utf-8")
    return len(sections)


def load(model: str, data: Path) -> face.Peer:
    """Return what encodes and what searches."""
    embeddings = Embeddings()
    embeddings.load(str(data))
    sections = _sections(data)

    def encode(question: str) -> object:
        return embeddings.transform(question, "query")

    def search(question: str, limit: int) -> list[face.Section]:
        found = embeddings.search(question, limit)
        return [sections[row] | {"score": float(score)} for row, score in found]

    return face.Peer(encode, search)


def _sections(data: Path) -> list[face.Section]:
    sections: list[face.Section] = json.loads((data / "sections.json").read_text("utf-8"))
    return sections


if __name__ == "__main__":
    face.main(build, load)
