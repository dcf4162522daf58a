"""What every store of vectors keeps, its values compared with plain NumPy.

`make test` runs it on all but a Milvus server, which `make test-stores` starts.
"""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import faiss
import numpy as np
import pytest

from assistant.answering.ask import Assistant, Question
from assistant.calibration.calibrated_build import build_index
from index.arrays import Floats, Ranges, ranges, rows_of
from index.encoding.onnx_encoder import OnnxEncoder
from index.errors import StoreAway
from index.milvus.milvus_store import Milvus, MilvusStore
from index.reading.corpus import read
from index.storage import store as store_of
from index.storage.store import Snapshot
from index.vectors import hnsw
from index.vectors.flat import FlatStore
from index.vectors.plain import PlainStore
from index.vectors.store_protocol import Store

NAMES = ["numpy", "faiss-flat", "faiss-hnsw", "milvus-lite"]
if "MILVUS_SERVER" in os.environ:
    NAMES.append("milvus-server")
DIMENSION = 32
COUNT = 3_000
COPIES = slice(100, 140)


def unit(vectors: Floats) -> Floats:
    found: Floats = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return found


def made(count: int, seed: int = 0) -> Floats:
    """Return unit vectors in groups, as those of notes stand."""
    random = np.random.default_rng(seed)
    groups = random.normal(size=(30, DIMENSION))
    noise = random.normal(size=(count, DIMENSION))
    return unit((groups[random.integers(0, 30, count)] + noise).astype(np.float32))


VECTORS = made(COUNT)
VECTORS[COPIES] = VECTORS[7]
QUESTIONS = made(40, seed=0)[20:] + 0.1
ORACLE = PlainStore(VECTORS)


@contextmanager
def mapped(vectors: Floats, folder: Path) -> Iterator[Floats]:
    np.save(folder / "vectors.npy", vectors)
    yield np.load(folder / "vectors.npy", mmap_mode="r")


def built_graph(vectors: Floats, folder: Path) -> hnsw.GraphStore:
    """Return a graph as it is served: written, and mapped again."""
    built = hnsw.grown(vectors, None, np.full(len(vectors), -1), folder)
    path = folder / "hnsw.faiss"
    faiss.write_index(built.graph, str(path))
    return hnsw.opened(vectors, path, built.name, built.rows, 400)


@contextmanager
def milvus_store(uri: str, vectors: Floats) -> Iterator[MilvusStore]:
    server = Milvus(uri)
    server.upload("contract", vectors, exact=True)
    yield MilvusStore(vectors, server, "contract")
    server.close()


@pytest.fixture(scope="module", params=NAMES)
def opened(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Store]:
    """Return each kind of store over VECTORS, as it is served."""
    folder = tmp_path_factory.mktemp(request.param)
    with mapped(VECTORS, folder) as vectors:
        if request.param == "numpy":
            yield PlainStore(vectors)
        elif request.param == "faiss-flat":
            yield FlatStore(vectors)
        elif request.param == "faiss-hnsw":
            yield built_graph(vectors, folder)
        else:
            name = "milvus_uri" if request.param == "milvus-server" else "lite_uri"
            with milvus_store(request.getfixturevalue(name), vectors) as found:
                yield found


@pytest.fixture
def store(opened: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Return it; vectors so few would be compared without any graph."""
    monkeypatch.setattr(hnsw, "EXACT", 0)
    monkeypatch.setattr(hnsw, "_FEW", 0.01)
    return opened


@pytest.fixture(scope="module")
def lite_uri(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return a file of Milvus Lite."""
    return str(tmp_path_factory.mktemp("lite") / "milvus.db")


def check(store: Store, question: Floats, count: int, within: Ranges | None = None) -> None:
    """Check rows, scores and their order against the oracle."""
    scores, rows = store.search(question, count, within)
    expected, best = ORACLE.search(question, count, within)
    assert (scores.dtype, rows.dtype) == (np.float32, np.int32)
    assert len(rows) == len(best)
    assert len(set(rows.tolist())) == len(rows)
    if isinstance(store, hnsw.GraphStore):
        assert len(np.intersect1d(rows, best)) >= 0.95 * len(best)
        np.testing.assert_allclose(scores, VECTORS[rows] @ question, atol=1e-5)
        assert rows.tolist() == rows[np.lexsort((rows, -scores))].tolist()
    else:
        np.testing.assert_allclose(scores, expected, atol=1e-5)
        # Where two scores are nearly one, either row may come first.
        np.testing.assert_allclose(VECTORS[rows] @ question, expected, atol=1e-5)


@pytest.mark.parametrize("count", [1, 10, 200])
def test_the_nearest_are_found_with_their_cosines(store: Store, count: int) -> None:
    for question in unit(QUESTIONS):
        check(store, question, count)


def test_a_vector_searched_against_itself_gives_one(store: Store) -> None:
    for row in (0, 500, COUNT - 1):
        scores, rows = store.search(VECTORS[row], 3)
        assert rows[0] == row
        assert scores[0] == pytest.approx(1, abs=1e-6)


def test_a_question_of_another_length_scales_the_scores(store: Store) -> None:
    question = unit(QUESTIONS)[0]
    scores, rows = store.search(question, 20)
    scaled, same = store.search(question * 3, 20)
    assert rows.tolist() == same.tolist()
    np.testing.assert_allclose(scaled, scores * 3, rtol=1e-5)


def test_ties_go_by_row(store: Store) -> None:
    scores, rows = store.search(VECTORS[7], 41)
    assert rows.tolist() == [7, *range(COPIES.start, COPIES.stop)]
    assert len(set(scores.tolist())) == 1


def test_more_than_there_are_gives_all(store: Store) -> None:
    within = np.array([[10, 20], [40, 45]])
    _, rows = store.search(unit(QUESTIONS)[0], 100, within)
    assert sorted(rows.tolist()) == rows_of(within).tolist()


def test_nothing_within_gives_nothing(store: Store) -> None:
    scores, rows = store.search(VECTORS[0], 5, np.zeros((0, 2), np.int64))
    assert (len(scores), len(rows)) == (0, 0)


WITHIN = {
    "one row": [[77, 78]],
    "the first": [[0, 400]],
    "the last": [[COUNT - 400, COUNT]],
    "several": [[5, 900], [1_000, 1_001], [1_500, 2_600]],
    "all": [[0, COUNT]],
    "every other": [[row, row + 1] for row in range(0, COUNT, 2)],
}


@pytest.mark.parametrize("name", WITHIN)
def test_only_what_is_within_is_found(store: Store, name: str) -> None:
    within = np.array(WITHIN[name])
    inside = set(rows_of(within).tolist())
    for question in unit(QUESTIONS)[:8]:
        _, rows = store.search(question, 10, within)
        assert set(rows.tolist()) <= inside
        check(store, question, 10, within)


def test_questions_side_by_side_get_their_own(store: Store) -> None:
    questions = list(unit(QUESTIONS)) * 4
    alone = [store.search(question, 10)[1].tolist() for question in questions]
    with ThreadPoolExecutor(8) as threads:
        together = list(threads.map(lambda each: store.search(each, 10)[1].tolist(), questions))
    assert together == alone


def test_ranges_of_a_mask() -> None:
    mask = np.array([1, 1, 0, 0, 1, 0, 1, 1], np.bool_)
    assert ranges(mask).tolist() == [[0, 2], [4, 5], [6, 8]]
    assert rows_of(ranges(mask)).tolist() == np.flatnonzero(mask).tolist()
    assert ranges(np.zeros(3, np.bool_)).shape == (0, 2)


# --- The graph alone


@pytest.fixture
def grown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., hnsw.GraphStore]:
    """Return what goes on from a graph over VECTORS to other vectors."""
    monkeypatch.setattr(hnsw, "EXACT", 0)
    first = built_graph(VECTORS, tmp_path)

    def go_on(vectors: Floats, sources: Ranges) -> hnsw.GraphStore:
        return hnsw.grown(vectors, first, sources, tmp_path / "hnsw.faiss")

    return go_on


def share(store: Store, vectors: Floats) -> float:
    return hnsw.graph_recall(store, vectors, unit(QUESTIONS))


def test_a_graph_outlives_an_edit(grown: Callable[..., hnsw.GraphStore]) -> None:
    sources = np.delete(np.arange(COUNT), np.arange(50, 90))
    sources = np.insert(sources, 1_000, np.full(30, -1))
    vectors = np.where(sources[:, None] >= 0, VECTORS[sources], made(len(sources), seed=3))
    store = grown(vectors, sources)
    assert store.name == grown(VECTORS, np.arange(COUNT)).name
    assert share(store, vectors) >= 0.98
    for row in (0, 60, 999, 1_000, 1_029, 1_030, len(vectors) - 1):
        scores, rows = store.search(vectors[row], 50)
        assert row in rows.tolist()
        np.testing.assert_allclose(scores, vectors[rows] @ vectors[row], atol=1e-5)
        within = np.array([[row, row + 1]])
        assert store.search(vectors[row], 5, within)[1].tolist() == [row]


def test_many_new_vectors_get_nodes_in_a_file_of_their_own(
    grown: Callable[..., hnsw.GraphStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hnsw, "_LOOSE", 100)
    vectors = np.concatenate([made(500, seed=4), VECTORS])
    store = grown(vectors, np.concatenate([np.full(500, -1), np.arange(COUNT)]))
    assert store.name != grown(VECTORS, np.arange(COUNT)).name
    assert len(store.rows) == len(vectors)
    assert share(store, vectors) >= 0.98


def test_a_graph_with_much_that_is_gone_is_made_anew(
    grown: Callable[..., hnsw.GraphStore],
) -> None:
    store = grown(VECTORS[1_000:], np.arange(1_000, COUNT))
    assert store.name != grown(VECTORS, np.arange(COUNT)).name
    assert store.rows.tolist() == list(range(COUNT - 1_000))


def test_the_width_grows_until_enough_is_found_or_there_is_no_graph(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hnsw, "EXACT", 0)
    store = built_graph(VECTORS, tmp_path)
    monkeypatch.setattr(hnsw, "_SCORED", 10)
    monkeypatch.setattr(hnsw, "_WIDTHS", (1, 400))
    found, recall = hnsw.widened(store, unit(QUESTIONS))
    assert found
    assert found.width == 400
    assert recall >= hnsw.RECALL
    monkeypatch.setattr(hnsw, "RECALL", 1.01)
    assert hnsw.widened(store, unit(QUESTIONS))[0] is None


def test_many_notes_are_searched_by_a_graph_that_an_edit_leaves(
    onnx_encoder: OnnxEncoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "notes").mkdir()
    for number in range(30):
        write(tmp_path / "notes", number, "opens")
    said: list[str] = []

    def build(before: Snapshot | None) -> Snapshot:
        notes = read({"default": tmp_path / "notes"})
        return build_index(notes, tmp_path / "data", onnx_encoder, said.append, before=before)

    exact = build(None)
    assert not any("graph" in text for text in said)
    monkeypatch.setattr(hnsw, "EXACT", 20)
    monkeypatch.setattr(hnsw, "_FEW", 0)
    first = build(None)
    assert any("of the ten nearest" in text and " MB beside " in text for text in said)
    write(tmp_path / "notes", 7, "closes")
    second = build(store_of.load(tmp_path / "data"))
    files = [next(each.folder.glob("graph.*.faiss")) for each in (first, second)]
    assert files[0].samefile(files[1])
    served = store_of.load(tmp_path / "data")
    assert isinstance(served.contents.vectors.store, hnsw.GraphStore)
    allowed = np.arange(30) >= 15
    for text, snapshot in (("When does harbour 20 open?", exact), ("harbour 7 closes", second)):
        question = next(iter(onnx_encoder.encode([text], "query"))).vector
        for mask in (None, allowed):
            found = served.contents.vectors.search(question, 10, mask)
            flat = FlatStore(served.contents.vectors.matrix)
            within = None if mask is None else ranges(np.repeat(mask, 2))
            np.testing.assert_allclose(found[0], flat.search(question, 10, within)[0], atol=1e-5)
        assistant = Assistant(snapshot, onnx_encoder, "/{document}", "", 0.25)
        answer = assistant.ask(Question(text, min_confidence=0))
        again = replace(assistant, snapshot=served).ask(Question(text, min_confidence=0))
        assert again.passages[0].text == answer.passages[0].text


def write(folder: Path, number: int, does: str) -> None:
    (folder / f"{number:02}.md").write_text(
        f"# Harbour {number}\n\nHarbour {number} {does} at {number} in the season {number}.\n"
    )


# --- Milvus alone


@pytest.fixture(params=[name for name in NAMES if name.startswith("milvus")])
def server(request: pytest.FixtureRequest) -> Iterator[Milvus]:
    """Return each kind of Milvus."""
    name = "milvus_uri" if request.param == "milvus-server" else "lite_uri"
    opened = Milvus(request.getfixturevalue(name))
    yield opened
    opened.close()


def test_an_alias_names_one_collection_after_another(server: Milvus) -> None:
    for number, name in enumerate(("kept_1", "kept_2")):
        vectors = made(50, seed=number)
        server.upload(name, vectors, exact=True)
        server.point("kept", name)
        assert server.alias("kept") == name
        _, rows = MilvusStore(vectors, server, "kept").search(vectors[30], 1)
        assert rows.tolist() == [30]
    # Who asked before keeps to what it began with.
    vectors = made(50, seed=0)
    assert MilvusStore(vectors, server, "kept_1").search(vectors[3], 1)[1].tolist() == [3]


def test_what_is_gone_is_dropped_and_what_others_wrote_is_not(server: Milvus) -> None:
    names = ["drop_1", "drop_2", "drop_3", "other_1"]
    for name in names:
        server.upload(name, made(20), exact=True)
    server.keep("drop_", ["drop_2", "drop_3"], ["drop_3"])
    assert [name for name in names if server.has(name)] == ["drop_2", "drop_3", "other_1"]
    with pytest.raises(StoreAway):
        MilvusStore(made(20), server, "drop_2").search(made(20)[0], 1)
    server.load("drop_2")
    assert MilvusStore(made(20), server, "drop_2").search(made(20)[4], 1)[1].tolist() == [4]


def test_a_graph_in_milvus_finds_enough_and_can_be_done_without(server: Milvus) -> None:
    server.upload("graph", VECTORS, exact=False)
    store = MilvusStore(VECTORS, server, "graph")
    assert share(store, VECTORS) >= 0.98
    server.compare_all("graph")
    assert share(store, VECTORS) == 1


def test_where_nothing_listens_the_store_is_away_and_says_so(tmp_path: Path) -> None:
    store = MilvusStore(VECTORS, Milvus("http://user:secret@127.0.0.1:9"), "none")
    for _ in range(3):
        with pytest.raises(StoreAway, match=r"127\.0\.0\.1:9") as caught:
            store.search(VECTORS[0], 5)
        assert "secret" not in str(caught.value)
