"""BM25: the numbers of the formula, as a share of what could be reached."""

from collections.abc import Sequence
from math import log
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.words.lexical import Lexical, index_words, load, save, updated

TEXTS = [
    ["docker", "volume", "data", "volume"],
    ["docker", "image"],
    ["컨테이너", "데이터", "볼륨", "docker", "docker", "docker", "data"],
    [],
    ["image", "layer", "cache"],
]
LETTERS = st.sampled_from("abcdef")


def idf(texts: Sequence[Sequence[str]], word: str) -> float:
    count = sum(word in text for text in texts)
    return log(1 + (len(texts) - count + 0.5) / (count + 0.5))


def bm25_share(texts: Sequence[Sequence[str]], question: Sequence[str]) -> list[float]:
    """Return Lucene's BM25 without its factor k1 + 1, over the sum of idf."""
    k1, b = 1.2, 0.75
    # A text without words counts as one empty word.
    lengths = [max(len(text), 1) for text in texts]
    words = dict.fromkeys(question)
    most = sum(idf(texts, word) for word in words)
    found = []
    for text, length in zip(texts, lengths, strict=True):
        norm = k1 * (1 - b + b * length / (sum(lengths) / len(lengths)))
        counts = {word: text.count(word) for word in words}
        score = sum(idf(texts, word) * n / (n + norm) for word, n in counts.items())
        found.append(score / most if most else 0.0)
    return found


QUESTIONS = [
    ["docker"],
    ["volume", "data"],
    ["컨테이너", "볼륨", "image"],
    ["docker", "docker", "cache"],
    ["docker", "podman"],
    ["podman", "swarm"],
    [],
]


@pytest.mark.parametrize("question", QUESTIONS, ids=" ".join)
def test_share_is_the_formula(question: list[str]) -> None:
    share = index_words(TEXTS).share(question)
    assert share.dtype == np.float32
    np.testing.assert_allclose(share, bm25_share(TEXTS, question), atol=1e-6)


@given(st.lists(st.lists(LETTERS), min_size=1, max_size=8), st.lists(LETTERS, max_size=8))
def test_share_of_any_texts(texts: list[list[str]], question: list[str]) -> None:
    share = index_words(texts).share(question)
    np.testing.assert_allclose(share, bm25_share(texts, question), atol=1e-5)
    assert ((share >= 0) & (share < 1)).all()


def test_a_word_that_no_text_holds_counts_as_the_rarest() -> None:
    lexical = index_words(TEXTS)
    rarities = [lexical.rarity(word) for word in ("podman", "volume", "image", "docker")]
    assert rarities == sorted(rarities, reverse=True)
    assert (lexical.share(["docker", "podman"])[:3] < lexical.share(["docker"])[:3] / 2).all()


def test_frequency_counts_texts() -> None:
    lexical = index_words(TEXTS)
    counts = {"docker": 3, "image": 2, "볼륨": 1, "podman": 0}
    assert {word: lexical.frequency(word) for word in counts} == counts


def same(left: Lexical, right: Lexical) -> bool:
    return all(np.array_equal(left.share(q), right.share(q)) for q in QUESTIONS)


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    passages, lines = index_words(TEXTS), index_words(TEXTS[::-1])
    save(passages, tmp_path, "passages")
    save(lines, tmp_path, "lines")
    assert same(load(tmp_path, "passages"), passages)
    assert same(load(tmp_path, "lines"), lines)
    assert not same(passages, lines)


@given(st.data())
def test_what_is_taken_over_is_as_if_indexed_anew(data: st.DataObject) -> None:
    texts = st.lists(LETTERS, max_size=4)
    old = data.draw(st.lists(texts, min_size=1, max_size=6))
    kept = data.draw(st.lists(st.integers(0, len(old) - 1), max_size=5, unique=True))
    order = data.draw(st.permutations([*kept, *[-1] * data.draw(st.integers(1, 3))]))
    fresh = {row: data.draw(texts) for row, source in enumerate(order) if source < 0}
    now = [fresh[row] if source < 0 else old[source] for row, source in enumerate(order)]
    found = updated(index_words(old), np.array(order), fresh)
    anew = index_words(now)
    assert set(found.words) == set(anew.words) == {word for text in now for word in text}
    for word in "abcdef":
        assert found.frequency(word) == anew.frequency(word)
        np.testing.assert_array_equal(found.share([word, "a"]), anew.share([word, "a"]))
