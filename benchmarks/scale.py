"""What an index of many passages costs: they are made by disturbing those of a real one.

    python benchmarks/scale.py DATA_DIR QUESTIONS [--sizes 1000,10000] [--million]
        [--milvus URI]

DATA_DIR has the real index, QUESTIONS is a file as `notes eval` takes it. Vectors get noise and a
part of another one's, token states other levels, rare words other endings, so that the vocabulary
grows as well. Each size is built once, then opened and asked in a process of its own. With Milvus,
`python tests/milvus_server.py FOLDER 19530` starts one, the same vectors are searched there too.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import marisa_trie
import msgspec
import numpy as np
import psutil
from measure import ROOT, machine

from assistant.answering.ask import Assistant, Question
from assistant.calibration.evaluate import read_cases
from assistant.retrieval.retrieve import Query
from assistant.settings import read_settings
from index.arrays import Floats
from index.encoding.encoder import Encoding
from index.encoding.engines import open_encoder
from index.milvus.milvus_store import Milvus, MilvusStore
from index.storage import contents as held
from index.storage import store
from index.storage.contents import Contents
from index.vectors.flat import FlatStore
from index.vectors.hnsw import GraphStore
from index.vectors.passage_vectors import vectors_of, with_graph
from index.vectors.store_protocol import Store
from index.vectors.token_embeddings import Segment, TokenEmbeddings
from index.words.lexical import Lexical
from index.words.vocabulary import Vocabulary

_NOISE = 0.3
_MIXED = 0.3
_MILLION = 1_000_000
_ROUNDS = 2
_ASKED = 300


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data_dir", type=Path)
    parser.add_argument("questions", type=Path)
    parser.add_argument("--sizes", default="1000,10000,100000", help="Empty for none")
    parser.add_argument("--million", action="store_true")
    parser.add_argument("--milvus", default="", help="Address of a server")
    parser.add_argument("--keep", type=Path, help="Keep what is made in this folder")
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--in-turn", default="", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        print(json.dumps(measured(given.data_dir, given.questions, given.milvus)))
        return
    if given.in_turn:
        in_turn([Path(each) for each in given.in_turn.split(",")], given.questions)
        return
    with tempfile.TemporaryDirectory() as folder:
        place = given.keep or Path(folder)
        real = store.load(given.data_dir)
        print(machine())
        environment = os.environ | {"OPENBLAS_NUM_THREADS": "1"}
        made: list[str] = []
        for size in map(int, filter(None, given.sizes.split(","))):
            data_dir = place / str(size)
            if not data_dir.exists():
                grow(real, size, data_dir)
            made.append(str(data_dir))
            command = [sys.executable, __file__, str(data_dir), str(given.questions), "--measure"]
            command += ["--milvus", given.milvus] if given.milvus else []
            done = subprocess.run(
                command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, check=True
            )
            show(json.loads(done.stdout))
        if made:
            command = [sys.executable, __file__, made[0], str(given.questions)]
            subprocess.run(
                [*command, "--in-turn", ",".join(made)], cwd=ROOT, env=environment, check=True
            )
        if given.million:
            million(real, given.questions, given.milvus)


def show(row: dict[str, Any]) -> None:
    """Print the row of one size."""
    print(f"{row['passages']:,} passages, {row['vectors']:,} vectors: {row['store']}")
    for name, value in row.items():
        if name not in ("passages", "vectors", "store"):
            print(f"  {name:<42} {value}")


# --- Notes of any size


def grow(real: store.Snapshot, size: int, data_dir: Path) -> None:
    """Write an index of so many passages, or a few more: whole documents."""
    copies = list(_copies(real.contents, size))
    print(f"Making {sum(each.passages for each in copies):,} passages ...", file=sys.stderr)
    old = real.contents
    words = [_vocabulary_change(old.line_lexical, number) for number in range(len(copies))]
    contents = Contents(
        notes=_notes(old, copies),
        vectors=_vectors(old, copies),
        states=_states(old, copies),
        sentence_embeddings=np.concatenate(
            [old.sentence_embeddings[: each.passages] for each in copies]
        ),
        lexical=_lexical(old.lexical, [each.passages for each in copies], words),
        line_lexical=_lexical(old.line_lexical, [each.lines for each in copies], words),
        vocabulary=_vocabulary(old.vocabulary, words),
        general=old.general,
    )
    with store.draft(data_dir) as folder:
        held.write(contents, folder)
        kept = held.read(folder)
        store.publish(
            data_dir,
            folder,
            kept,
            real.manifest.weights,
            real.manifest.corpora,
            {f"{name.corpus}/{name.id}": "" for name in contents.notes.names},
            real.manifest.reader,
            real.extras,
            {},
        )


@dataclass(frozen=True)
class Copy:
    """How much of the real notes a copy takes, from their start."""

    number: int
    documents: int
    passages: int
    vectors: int
    lines: int


def _copies(old: Contents, size: int) -> Any:
    documents = old.notes.places[:, 0]
    number = 0
    while size > 0:
        last = documents[min(size, len(documents)) - 1]
        passages = int((documents <= last).sum())
        vectors = int((old.vectors.owners[:, 0] < passages).sum())
        yield Copy(number, int(last) + 1, passages, vectors, int(old.line_starts[passages]))
        number += 1
        size -= passages


def _notes(old: Contents, copies: Sequence[Copy]) -> held.Notes:
    notes = old.notes
    documents, passages, places, korean = [], [], [], []
    before = 0
    for each in copies:
        for raw in notes.documents.raw(0, each.documents):
            document = msgspec.msgpack.decode(raw)
            document["id"] += f"-{each.number}"
            documents.append(msgspec.msgpack.encode(document))
        passages += notes.passages.raw(0, each.passages)
        moved = notes.places[: each.passages].copy()
        moved[:, 0] += before
        places.append(moved)
        korean.append(notes.korean[: each.documents])
        before += each.documents
    return held.notes_of(documents, passages, np.concatenate(places), np.concatenate(korean))


def _vectors(old: Contents, copies: Sequence[Copy]) -> Any:
    random = np.random.default_rng(0)
    matrix = np.concatenate(
        [disturbed(old.vectors.matrix[: each.vectors], random, each.number) for each in copies]
    )
    owners, before = [], 0
    for each in copies:
        moved = old.vectors.owners[: each.vectors].copy()
        moved[:, 0] += before
        owners.append(moved)
        before += each.passages
    keys = random.integers(0, 256, (len(matrix), 16), dtype=np.uint8)
    found = vectors_of(matrix, np.concatenate(owners), keys)
    sources = np.full(len(matrix), -1)
    begun = time.perf_counter()
    found = with_graph(found, lines_as_questions(old), None, sources, None, said)
    print(f"Placed in {time.perf_counter() - begun:.0f} s", file=sys.stderr)
    return found


def lines_as_questions(old: Contents) -> Floats:
    """Return some lines of the notes as a build encodes them, to measure a graph by."""
    encoder = open_encoder("", "onnx", read_settings().cache_dir)
    passages = old.notes.passages[:: 1 + len(old.notes.passages) // _ASKED]
    texts = [each.lines[len(each.lines) // 2].plain for each in passages]
    return np.stack([each.vector for each in encoder.encode(texts, "query")])


def said(text: str) -> None:
    """Say how it goes."""
    print(text, file=sys.stderr)


def disturbed(vectors: Floats, random: np.random.Generator, number: int) -> Floats:
    """Return unit vectors near these, another way each time; the first time these themselves."""
    if not number:
        return np.array(vectors)
    away = vectors - vectors.mean(axis=0)
    noise = random.normal(size=vectors.shape).astype(np.float32)
    noise *= _NOISE * np.linalg.norm(away, axis=1, keepdims=True)
    noise /= np.sqrt(np.float32(vectors.shape[1]))
    share = random.uniform(0, _MIXED, (len(vectors), 1)).astype(np.float32)
    found = vectors + share * (random.permutation(vectors) - vectors) + noise
    unit: Floats = found / np.linalg.norm(found, axis=1, keepdims=True)
    return unit


def _states(old: Contents, copies: Sequence[Copy]) -> TokenEmbeddings:
    random = np.random.default_rng(1)
    packed, lines, places, before = [], [], [], 0
    for each in copies:
        own, own_lines = old.states.of(np.arange(each.passages))
        if each.number:
            # Every other half byte may lose its lowest bit.
            own = own & ~random.integers(0, 2, own.shape, dtype=np.uint8)
        packed.append(own)
        lines.append(own_lines)
        counts = old.states.places[: each.passages, 2]
        starts = before + np.cumsum(counts) - counts
        places.append(np.stack([np.zeros_like(counts), starts, counts], axis=1))
        before += len(own)
    segment = Segment("000000", np.concatenate(packed), np.concatenate(lines))
    return TokenEmbeddings((segment,), np.concatenate(places), old.states.projection)


def _vocabulary_change(lexical: Lexical, number: int) -> dict[str, str]:
    """Return what rare words become in a copy: half of them, other ones each time."""
    if not number:
        return {}
    ending = "".join(chr(ord("a") + (number // 26**place) % 26) for place in range(2))
    syllable = chr(ord("가") + number * 28)
    chosen = np.random.default_rng(number).random(len(lexical.words)) < 0.5
    return {
        word: word + (ending if word.isascii() else syllable)
        for word, row in lexical.words.items()
        if chosen[row] and lexical.frequency(word) <= 3
    }


def _lexical(old: Lexical, sizes: Sequence[int], changes: Sequence[dict[str, str]]) -> Lexical:
    """Return the words of copies of the first texts, `sizes` of them in each copy."""
    names = [[change.get(word, word) for word in old.words] for change in changes]
    trie = marisa_trie.Trie(set().union(*names))
    numbers = np.array([old.words[word] for word in old.words])
    owners = np.repeat(np.arange(len(old.words)), np.diff(old.starts))
    words, rows, counts, before = [], [], [], 0
    for size, own in zip(sizes, names, strict=True):
        moved = np.zeros(len(own), np.int64)
        moved[numbers] = [trie[word] for word in own]
        kept = old.rows < size
        words.append(moved[owners[kept]])
        rows.append(old.rows[kept].astype(np.int64) + before)
        counts.append(old.counts[kept])
        before += size
    word, row = np.concatenate(words), np.concatenate(rows)
    order = np.argsort(word * before + row)
    return Lexical(
        trie,
        np.append(0, np.cumsum(np.bincount(word, minlength=len(trie)))),
        row[order].astype(np.int32),
        np.concatenate(counts)[order],
        np.concatenate([old.lengths[:size] for size in sizes]),
    )


def _vocabulary(old: Vocabulary, changes: Sequence[dict[str, str]]) -> Vocabulary:
    latin, hangul = dict(old.latin), dict(old.hangul)
    for change in changes:
        for before, after in change.items():
            for words in (latin, hangul):
                if before in words:
                    words[after] = 1
    return replace(old, latin=latin, hangul=hangul)


# --- Measured in a process of its own


def measured(data_dir: Path, questions: Path, uri: str) -> dict[str, Any]:
    """Return what opening and asking cost; uri: of Milvus, empty for FAISS."""
    settings = read_settings()
    encoder = open_encoder("", "onnx", settings.cache_dir)
    texts = [case.question for case in read_cases(questions) if not case.history]
    encodings = list(encoder.encode(texts, "query"))
    before = memory()
    _forgotten(data_dir)
    cold, _ = timed(lambda: store.load(data_dir))
    opened, snapshot = timed(lambda: store.load(data_dir))
    more = {}
    if uri:
        snapshot, more = on_milvus(snapshot, uri)
    assistant = Assistant(snapshot, encoder, "", "", settings.risk)
    first, _ = timed(lambda: assistant.ask(Question("준비됐나요 ready?")))
    contents = snapshot.contents
    queries = [
        assistant.query(text, encoding) for text, encoding in zip(texts, encodings, strict=True)
    ]
    costs = [_cost(assistant, query) for _ in range(_ROUNDS) for query in queries]
    after = memory()
    passages = len(contents.notes.passages)
    size = sum(file.size for file in snapshot.manifest.files.values())
    searches, recall = searched(contents.vectors.store, contents.vectors.matrix, encodings)
    within = np.array([[0, len(contents.vectors.matrix) // 2]])
    halves, half_recall = searched(
        contents.vectors.store, contents.vectors.matrix, encodings[:100], within
    )
    exact, _ = searched(FlatStore(contents.vectors.matrix), contents.vectors.matrix, encodings[:50])
    return {
        "passages": passages,
        "vectors": len(contents.vectors.matrix),
        "store": type(contents.vectors.store).__name__,
        "vector search, p50": f"{searches:.2f} ms",
        "recall@10 against exact": f"{recall:.4f}",
        "within half of the notes, p50 and recall@10": f"{halves:.2f} ms, {half_recall:.4f}",
        "exact search, p50": f"{exact:.2f} ms",
        "opened in, files in memory / not": f"{opened:.2f} s / {cold:.2f} s",
        "first question": f"{first:.2f} s",
        "a question beside encoding, p50": f"{statistics.median(costs):.2f} ms",
        "a question beside encoding, p95": f"{statistics.quantiles(costs, n=20)[-1]:.2f} ms",
        "on disk": f"{size / passages / 1000:.1f} kB a passage",
        "own memory": f"{(after[0] - before[0]) / passages / 1000:.2f} kB a passage",
        "mapped and touched, shared by processes": (
            f"{(after[1] - before[1]) / passages / 1000:.2f} kB a passage"
        ),
        "words": len(contents.line_lexical.words),
        **more,
    }


def on_milvus(snapshot: store.Snapshot, uri: str) -> tuple[store.Snapshot, dict[str, Any]]:
    """Return a version whose vectors Milvus searches by a graph, and what that took."""
    vectors = snapshot.contents.vectors
    searched_there, cost = uploaded(vectors.matrix, uri)
    contents = replace(snapshot.contents, vectors=replace(vectors, store=searched_there))
    return replace(snapshot, contents=contents), cost


def uploaded(matrix: Floats, uri: str) -> tuple[MilvusStore, dict[str, Any]]:
    """Return vectors as Milvus searches them by a graph, and what that took."""
    milvus = Milvus(uri).patient()
    seconds, _ = timed(lambda: milvus.upload("scale", matrix, exact=False))
    return MilvusStore(matrix, milvus, "scale"), {
        "uploaded and placed in": f"{seconds:.0f} s",
        "memory of Milvus": f"{_memory_of_milvus() / 1e6:.0f} MB",
    }


def _memory_of_milvus() -> int:
    """Return the bytes that servers on this machine hold."""
    found = psutil.process_iter(["name", "memory_info"])
    return sum(each.info["memory_info"].rss for each in found if each.info["name"] == "milvus")


def in_turn(data_dirs: Sequence[Path], questions: Path) -> None:
    """Print what questions cost in each index, asked in turn, so that all are disturbed alike."""
    settings = read_settings()
    encoder = open_encoder("", "onnx", settings.cache_dir)
    texts = [case.question for case in read_cases(questions) if not case.history]
    assistants = [Assistant(store.load(each), encoder, "", "", settings.risk) for each in data_dirs]
    costs: list[list[float]] = [[] for _ in assistants]
    for number, text in enumerate([*texts[:20], *texts]):
        encoding = next(iter(encoder.encode([text], "query")))
        for assistant, found in zip(assistants, costs, strict=True):
            cost = _cost(assistant, assistant.query(text, encoding))
            if number >= 20:
                found.append(cost)
    least = statistics.median(costs[0])
    print("A question beside encoding, asked of each in turn, p50")
    for assistant, found in zip(assistants, costs, strict=True):
        passages = len(assistant.snapshot.notes.passages)
        middle = statistics.median(found)
        print(f"  {passages:>7,} passages  {middle:6.2f} ms  {middle / least:.2f} times")


def _cost(assistant: Assistant, query: Query) -> float:
    """Return the milliseconds that a question takes once it is encoded: words, search, judge."""
    begun = time.perf_counter()
    query = replace(
        query,
        words=assistant.lexicon.words(assistant.lexicon.speller.mend(query.text)),
    )
    assistant.confidence(query, assistant.search(query))
    return (time.perf_counter() - begun) * 1000


def searched(
    vectors: Any, matrix: Floats, asked: Sequence[Encoding], within: Any = None
) -> tuple[float, float]:
    """Return the median of a search in milliseconds, and its recall at ten against exact search."""
    exact = FlatStore(matrix)
    times, hits = [], 0
    for each in asked:
        begun = time.perf_counter()
        _, rows = vectors.search(each.vector, 200, within)
        times.append((time.perf_counter() - begun) * 1000)
        best = exact.search(each.vector, 10, within)[1]
        hits += len(np.intersect1d(rows[:10], best))
    return statistics.median(times), hits / (10 * len(asked))


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Return the seconds that work takes, and what it returns."""
    begun = time.perf_counter()
    found = work()
    return time.perf_counter() - begun, found


def memory() -> tuple[int, int]:
    """Return the bytes that this process holds by itself, and those of files that it maps."""
    lines = Path("/proc/self/status").read_text().splitlines()
    found = {line.split(":")[0]: int(line.split()[1]) for line in lines if line.startswith("Rss")}
    return found["RssAnon"] * 1024, found["RssFile"] * 1024


def _forgotten(data_dir: Path) -> None:
    """Have the system forget the files, as after a restart of the machine."""
    for path in data_dir.rglob("*"):
        if path.is_file():
            with path.open("rb") as stream:
                os.fsync(stream.fileno())
                os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


# --- A million, vectors alone


def million(real: store.Snapshot, questions: Path, uri: str) -> None:
    """Print what a million vectors cost; uri: of Milvus, empty for FAISS."""
    settings = read_settings()
    encoder = open_encoder("", "onnx", settings.cache_dir)
    texts = [case.question for case in read_cases(questions) if not case.history][:200]
    asked = list(encoder.encode(texts, "query"))
    random = np.random.default_rng(2)
    old = real.contents.vectors.matrix
    matrix = np.empty((_MILLION, old.shape[1]), np.float32)
    for number, start in enumerate(range(0, _MILLION, len(old))):
        rows = matrix[start : start + len(old)]
        rows[:] = disturbed(old, random, number)[: len(rows)]
    if uri:
        searcher, cost = uploaded(matrix, uri)
    else:
        searcher, cost = placed(matrix, real.contents)
    p50, recall = searched(searcher, matrix, asked)
    exact, _ = searched(FlatStore(matrix), matrix, asked[:20])
    show(
        {
            "passages": 0,
            "vectors": _MILLION,
            "store": type(searcher).__name__,
            "vector search, p50": f"{p50:.2f} ms",
            "recall@10 against exact": f"{recall:.4f}",
            "exact search, p50": f"{exact:.2f} ms",
            **cost,
        }
    )


def placed(matrix: Floats, real: Contents) -> tuple[Store, dict[str, Any]]:
    """Return vectors as a build has them searched, by FAISS, and what that took."""
    count = len(matrix)
    owners = np.stack([np.arange(count), np.full(count, -1)], axis=1).astype(np.int32)
    found = vectors_of(matrix, owners, np.zeros((count, 16), np.uint8))
    sources = np.full(count, -1)
    seconds, found = timed(
        lambda: with_graph(found, lines_as_questions(real), None, sources, None, said)
    )
    size = found.store.size if isinstance(found.store, GraphStore) else 0
    return found.store, {
        "placed in": f"{seconds:.0f} s",
        "graph": f"{size / count:.0f} bytes a vector, beside {4 * matrix.shape[1]} of its own",
    }


if __name__ == "__main__":
    main()
