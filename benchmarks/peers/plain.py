"""Notes answered by sentence-transformers and FAISS: what one would write instead.

python plain.py build|ask|serve …, as face.py has it
"""

import json
from pathlib import Path

import face
import faiss
from sections import split
from sentence_transformers import SentenceTransformer


def build(model: str, notes: Path, data: Path) -> int:
    """Encode every section, and keep vectors and texts; returns how many there are."""
    sections = split(notes)
    texts = [str(section["text"]) for section in sections]
    vectors = SentenceTransformer(model).encode(texts, prompt_name="passage")
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    data.mkdir(parents=True, exist_ok=True)
    faiss.write_index(index, str(data / "vectors.faiss"))
    (data / "sections.json").write_text(json.dumps(sections, ensure_ascii=False), "utf-8")
    return len(sections)


def load(model: str, data: Path) -> face.Peer:
    """Return what encodes and what searches."""
    encoder = SentenceTransformer(model)
    index = faiss.read_index(str(data / "vectors.faiss"))
    sections = json.loads((data / "sections.json").read_text("utf-8"))

    def encode(question: str) -> object:
        return encoder.encode([question], prompt_name="query")

    def search(question: str, limit: int) -> list[face.Section]:
        scores, rows = index.search(encode(question), min(limit, index.ntotal))
        return [sections[row] | {"score": float(s)} for s, row in zip(scores[0], rows[0])]  # noqa: B905

    return face.Peer(encode, search)


if __name__ == "__main__":
    face.main(build, load)
