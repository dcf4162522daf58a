"""The index on disk: what is written is read back, damage is noticed, the old one goes on."""

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from index import store
from index.corpus import read
from index.encoder import Floats, Weights
from index.errors import IndexDamaged, IndexMismatch, IndexMissing, IndexUnusable
from index.passages import passages

CORPUS = Path(__file__).parents[1] / "corpus"
WEIGHTS = Weights("model", "fingerprint", 8, "mean", "query: ", "passage: ")


def notes() -> store.Notes:
    documents = read({"default": CORPUS}).documents
    found = passages(documents[0], 0, 100, lambda texts: [len(text) // 2 for text in texts])
    return store.Notes(documents, tuple(found))


def vectors(count: int) -> Floats:
    found = np.random.default_rng(0).normal(size=(count, 8)).astype(np.float32)
    unit: Floats = found / np.linalg.norm(found, axis=1, keepdims=True)
    return unit


def write(data_dir: Path) -> store.Snapshot:
    found = notes()
    owners = [
        (row, line)
        for row, passage in enumerate(found.passages)
        for line in range(-1, len(passage.lines))
    ]
    index = store.vectors_of(vectors(len(owners)), np.asarray(owners, np.int32))
    return store.write(data_dir, found, index, WEIGHTS, {"default": str(CORPUS)}, {"a": "b"})


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    written, loaded = write(tmp_path), store.load(tmp_path)
    assert loaded.notes == written.notes == notes()
    assert loaded.manifest == written.manifest
    assert sorted(p.name for p in tmp_path.iterdir()) == ["current", "versions"]


def test_a_vector_searched_against_itself_gives_one_and_ties_go_by_row() -> None:
    stored = vectors(20)
    stored[7] = stored[3]
    index = store.vectors_of(stored, np.zeros((20, 2), np.int32))
    scores, rows = index.search(stored[3], 100)
    assert scores[0] == pytest.approx(1, abs=1e-6)
    assert list(rows[:2]) == [3, 7]
    exact = stored @ stored[3]
    np.testing.assert_allclose(scores, np.sort(exact)[::-1], atol=1e-6)


def test_the_lines_of_a_passage_are_its_own(tmp_path: Path) -> None:
    snapshot = write(tmp_path)
    everything = snapshot.vectors.faiss.reconstruct_n(0, len(snapshot.vectors.owners))
    for row, passage in enumerate(snapshot.notes.passages):
        own = [i for i, (p, line) in enumerate(snapshot.vectors.owners) if p == row and line >= 0]
        assert len(own) == len(passage.lines)
        np.testing.assert_array_equal(snapshot.vectors.lines(row), everything[own])


def test_a_second_build_switches_and_keeps_few(tmp_path: Path) -> None:
    versions = [write(tmp_path).version for _ in range(5)]
    assert len(set(versions)) == 5
    assert store.load(tmp_path).version == versions[-1]
    assert sorted(p.name for p in (tmp_path / "versions").iterdir()) == sorted(versions[-3:])


def test_no_index_yet(tmp_path: Path) -> None:
    with pytest.raises(IndexMissing, match="notes build"):
        store.load(tmp_path)


@pytest.mark.parametrize("name", ["notes.json", "vectors.faiss", "owners.npy", "manifest.json"])
@pytest.mark.parametrize("harm", ["cut", "flip", "remove"])
def test_damage_is_named_with_the_way_out(tmp_path: Path, name: str, harm: str) -> None:
    path = tmp_path / "versions" / write(tmp_path).version / name
    data = bytearray(path.read_bytes())
    if harm == "cut":
        path.write_bytes(data[: len(data) // 2])
    elif harm == "flip":
        data[3] ^= 0xFF
        path.write_bytes(data)
    else:
        path.unlink()
    with pytest.raises(IndexDamaged, match=rf"{name}.*notes build"):
        store.load(tmp_path)


def test_a_pointer_to_nowhere(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "current").write_text("gone\n")
    with pytest.raises(IndexDamaged, match="notes build"):
        store.load(tmp_path)


def test_another_schema(tmp_path: Path) -> None:
    path = tmp_path / "versions" / write(tmp_path).version / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"schema": 99}))
    with pytest.raises(IndexMismatch, match=rf"schema 99, this program reads {store.SCHEMA}"):
        store.load(tmp_path)


@pytest.mark.parametrize(
    ("field", "value"),
    [("fingerprint", "other"), ("dimension", 9), ("pooling", "cls"), ("query_prompt", "")],
)
def test_other_weights(tmp_path: Path, field: str, value: object) -> None:
    manifest = write(tmp_path).manifest
    store.check_weights(manifest, WEIGHTS)
    changed = replace(WEIGHTS, **{field: value})  # type: ignore[arg-type]
    with pytest.raises(IndexMismatch, match=rf"{field} is .* notes build"):
        store.check_weights(manifest, changed)


def test_what_a_dead_build_left_is_swept_and_a_live_one_is_not(tmp_path: Path) -> None:
    write(tmp_path)
    dead = tmp_path / "versions" / "x.part-999999999"
    live = tmp_path / "versions" / f"x.part-{os.getppid()}"
    dead.mkdir()
    live.mkdir()
    write(tmp_path)
    assert not dead.exists()
    assert live.exists()


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    version = write(tmp_path).version
    (tmp_path / "versions" / version).rename(tmp_path / "kept")
    (tmp_path / "versions").rmdir()
    (tmp_path / "versions").write_text("a file stands in the way")
    with pytest.raises(IndexUnusable, match="NOTES_DATA_DIR"):
        write(tmp_path)
    assert (tmp_path / "current").read_text().strip() == version
