"""Token states: packed small, compared as if they were not, each in the line it stands in."""

from functools import cache
from pathlib import Path
from typing import Literal
from unicodedata import normalize

import numpy as np
import numpy.typing as npt
import onnx
import pytest

from index.arrays import Floats, Ints
from index.encoding.encoder import Encoding
from index.encoding.onnx_encoder import OnnxEncoder
from index.encoding.runtime import run, session
from index.markdown.passage_splitting import embedded_text, heading_path, passages
from index.normalising import normalise
from index.reading.corpus import read
from index.vectors import maxsim_graph
from index.vectors.token_embeddings import (
    COMPONENTS,
    HEADING,
    PRINCIPAL,
    PRODUCTS,
    Alignment,
    Bytes,
    Projection,
    Segment,
    TokenEmbeddings,
    learned_projection,
    pack,
    principal,
    spoken,
    token_lines,
)

(NOTE,) = read({"docker": Path(__file__).parents[3] / "corpus"}).documents
DIMENSION = 384


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@cache
def projection() -> Projection:
    """Return a random one."""
    random = generator()
    asked, stated = (
        np.linalg.qr(random.normal(size=(DIMENSION, COMPONENTS)))[0].astype(np.float32)
        for _ in range(2)
    )
    shifts = random.normal(size=(2, COMPONENTS)).astype(np.float32)
    deviations = random.uniform(0.01, 0.1, COMPONENTS).astype(np.float32)
    weights = random.normal(size=COMPONENTS).astype(np.float32)
    return Projection("random", asked, stated, *shifts, deviations, weights)


def encoding(tokens: int, seed: int = 0, special: int = 2) -> Encoding:
    """Return random states; the first and last tokens stand nowhere in the text."""
    states = generator(seed).normal(size=(tokens + special, DIMENSION)).astype(np.float32)
    offsets = np.full((tokens + special, 2), -1, np.int32)
    offsets[1 : tokens + 1] = np.stack([np.arange(tokens), np.arange(tokens) + 1], axis=1)
    return Encoding(states[0], states, offsets)


def unpacked(packed: Bytes, projected: Projection) -> npt.NDArray[np.float64]:
    """Return what the half bytes stand for, the first component in the low one."""
    values = np.empty((len(packed), packed.shape[1] * 2))
    values[:, 0::2], values[:, 1::2] = packed & 15, packed >> 4
    return (values - 7.5) / 2 * projected.deviations


def rounded(question: Floats, projected: Projection) -> Floats:
    """Return a projected question whose components in deviations are whole numbers of 8 bits."""
    scaled = question * projected.deviations
    unit = np.abs(scaled).max(axis=1, keepdims=True) / 127
    whole: Floats = np.rint(scaled / unit) * unit / projected.deviations
    return whole


def packed_states(counts: list[int]) -> TokenEmbeddings:
    """Return passages of so many tokens, a heading and lines of four, random half bytes."""
    total = sum(counts)
    packed = generator().integers(0, 256, (total, COMPONENTS // 2), dtype=np.uint8)
    lines = np.concatenate([np.arange(count) // 4 + HEADING for count in counts])
    starts = np.cumsum([0, *counts])
    # In two files, the passages of which take turns.
    half = sum(counts[::2])
    order = np.concatenate(
        [
            np.arange(starts[n], starts[n + 1])
            for part in (0, 1)
            for n in range(part, len(counts), 2)
        ]
    )
    packed, lines = packed[order], lines[order].astype(np.int16)
    segments = (
        Segment("0", packed[:half], lines[:half]),
        Segment("1", packed[half:], lines[half:]),
    )
    places = np.zeros((len(counts), 3), np.int64)
    for part in (0, 1):
        own = np.array(counts[part::2])
        places[part::2] = np.stack([np.full(len(own), part), np.cumsum(own) - own, own], axis=1)
    return TokenEmbeddings(segments, places, projection())


def test_a_projected_state_has_unit_length() -> None:
    project, states = projection(), encoding(9).states
    for found in (project.question(states), project.passage(states)):
        assert found.shape == (11, COMPONENTS)
        np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
    assert not np.allclose(project.question(states), project.passage(states))


def test_a_question_s_tokens_share_what_counts() -> None:
    project = projection()
    shares = project.shares(project.question(encoding(9).states))
    assert shares.shape == (11,)
    assert shares.min() > 0
    assert shares.sum() == pytest.approx(1, abs=1e-5)
    even = project.shares(np.repeat(project.question(encoding(1).states)[:1], 4, axis=0))
    np.testing.assert_allclose(even, 0.25, atol=1e-6)


def test_what_ships_fits_the_default_model(onnx_encoder: OnnxEncoder) -> None:
    shipped = learned_projection()
    assert shipped.name != PRINCIPAL
    assert learned_projection() is shipped
    (found,) = onnx_encoder.encode(["볼륨은 어디에 저장되나요?"], "query")
    asked = shipped.question(found.own_states)
    assert asked.shape == (len(found.own_states), COMPONENTS)
    assert np.isfinite(asked).all()
    assert (shipped.deviations > 0).all()


def test_packing_errs_by_a_quarter_of_a_deviation() -> None:
    project, text = projection(), encoding(50)
    inside = text.offsets[:, 0] >= 0
    packed = pack(text, inside, project)
    assert packed.shape == (50, COMPONENTS // 2)
    assert packed.dtype == np.uint8
    scaled = project.passage(text.states[inside]) / project.deviations
    # Beyond the outermost level a value is cut to it.
    expected = np.clip(scaled, -3.75, 3.75)
    assert np.abs(unpacked(packed, project) / project.deviations - expected).max() <= 0.25 + 1e-4


@pytest.mark.parametrize("seed", range(4))
def test_comparing_is_the_best_cosine_within_each_line(seed: int) -> None:
    random = generator(seed)
    states = packed_states([7, 1, 12, 30, 4, 5])
    chosen = random.permutation(6)[: 2 + seed].astype(np.int32)
    asked = states.projection.question(encoding(5).states)
    question = rounded(asked, states.projection)
    kept = [states.of(np.array([passage])) for passage in chosen]
    values = [unpacked(packed, states.projection) for packed, _ in kept]
    expected = [
        (owner, line, (values[owner][kept[owner][1] == line] @ question.T).max(axis=0))
        for owner in range(len(chosen))
        for line in np.unique(kept[owner][1])
    ]
    found = states.compare(question, chosen)
    owners, lines, best = zip(*expected, strict=True)
    assert found.owners.tolist() == list(owners)
    assert found.lines.tolist() == list(lines)
    np.testing.assert_allclose(found.best, np.stack(best), atol=1e-4)
    assert found.best.dtype == np.float32
    of_passages = [(each @ question.T).max(axis=0) for each in values]
    np.testing.assert_allclose(found.passages(), np.stack(of_passages), atol=1e-4)
    # A question's components are rounded to 8 bits, which moves a cosine by so much.
    as_asked = np.stack([(each @ asked.T).max(axis=0) for each in values])
    np.testing.assert_allclose(states.compare(asked, chosen).passages(), as_asked, atol=4e-3)


def test_what_multiplies_is_what_its_writer_writes_and_exact_at_its_bounds() -> None:
    assert onnx.load(str(PRODUCTS)) == maxsim_graph.build()
    low, high = (np.full((5, COMPONENTS // 2), 15, np.uint8) for _ in range(2))
    low[1:] = generator().integers(0, 16, low[1:].shape)
    even, odd = (np.full((COMPONENTS // 2, 3), 127, np.int8) for _ in range(2))
    even[:, 1], odd[:, 1] = -127, -127
    odd[:, 2] = generator().integers(-127, 128, len(odd))
    given = {"low": low, "high": high, "even": even, "odd": odd}
    expected = low.astype(np.int64) @ even.astype(np.int64) + high.astype(np.int64) @ odd
    assert np.array_equal(run(session(Path(str(PRODUCTS))), given), expected)


def test_an_alignment_of_passages_is_the_best_of_their_lines() -> None:
    best = np.array([[0.1, 0.9], [0.4, 0.2], [0.3, 0.3], [-1, -0.5]], np.float32)
    lines: Ints = np.array([HEADING, 0, 0, HEADING], np.int32)
    found = Alignment(best, np.array([0, 0, 1, 2], np.int32), lines).passages()
    expected = np.array([[0.4, 0.9], [0.3, 0.3], [-1, -0.5]], np.float32)
    np.testing.assert_array_equal(found, expected)


def test_few_tokens_are_enough_for_principal_components() -> None:
    text, asked = encoding(11), encoding(5, seed=1)
    found = principal([asked], [text])
    assert found.name == PRINCIPAL
    assert found.passages.shape == found.questions.shape == (DIMENSION, COMPONENTS)
    assert (found.deviations > 0).all()
    np.testing.assert_allclose(found.passages.T @ found.passages, np.eye(COMPONENTS), atol=1e-4)
    packed = pack(text, text.offsets[:, 0] >= 0, found)
    segment = Segment("0", packed, np.arange(11, dtype=np.int16))
    states = TokenEmbeddings((segment,), np.array([[0, 0, 11]]), found)
    own = found.passage(text.own_states)
    best = states.compare(own, np.array([0], np.int32)).best
    np.testing.assert_allclose(np.diag(best), 1, atol=0.1)
    assert best.argmax(axis=0).tolist() == list(range(11))


def test_a_model_of_few_dimensions_has_components_to_spare() -> None:
    small = Encoding(
        np.zeros(8, np.float32),
        generator().normal(size=(30, 8)).astype(np.float32),
        np.stack([np.arange(30), np.arange(30) + 1], axis=1).astype(np.int32),
    )
    found = principal([small], [small])
    assert found.passages.shape == (8, COMPONENTS)
    assert (found.passages[:, 8:] == 0).all()
    assert np.isfinite(found.passage(small.states)).all()


def test_what_is_unpacked_is_what_was_packed_at_unit_length() -> None:
    states = packed_states([7, 1, 12])
    tokens, lines = states.unpacked(np.array([2, 0], np.int32))
    packed, expected = states.of(np.array([2, 0]))
    exact = unpacked(packed, states.projection)
    exact /= np.linalg.norm(exact, axis=1, keepdims=True)
    np.testing.assert_allclose(tokens, exact, atol=1e-5)
    assert lines.tolist() == expected.tolist()
    assert tokens.dtype == np.float32


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_each_token_stands_in_the_line_whose_text_holds_it(
    onnx_encoder: OnnxEncoder, form: Literal["NFC", "NFD"]
) -> None:
    for passage in passages(NOTE, 0, 256, onnx_encoder.count_tokens):
        path = heading_path(NOTE, passage)
        lines = [normalize(form, line.plain) for line in passage.lines]
        text = normalise(embedded_text(NOTE, passage))
        written = "\n".join([path, *lines])
        (found,) = onnx_encoder.encode([written], "passage")
        kept = spoken(found, text)
        spans = found.offsets[kept].tolist()
        numbers = token_lines(found.offsets[kept], len(path) + 1, lines)
        assert len(numbers) == len(spans) > 0
        for (start, end), number in zip(spans, numbers.tolist(), strict=True):
            first = start + len(text[start:end]) - len(text[start:end].lstrip())
            assert text.count("\n", 0, first) + HEADING == number


def test_tokens_of_signs_alone_are_not_compared(onnx_encoder: OnnxEncoder) -> None:
    text = "도커, (docker) ... 3!"
    (found,) = onnx_encoder.encode([text], "passage")
    spans = found.offsets[spoken(found, text)].tolist()
    assert "".join(text[start:end] for start, end in spans).replace(" ", "") == "도커docker3"


def test_a_text_of_signs_alone_is_compared_by_them(onnx_encoder: OnnxEncoder) -> None:
    (found,) = onnx_encoder.encode(["… 🐳"], "passage")
    spans = found.offsets[spoken(found, "… 🐳")].tolist()
    assert spans
    assert min(start for start, _ in spans) == 0
