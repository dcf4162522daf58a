"""What learns to read: a tiny one, from words made up, in seconds."""

import random

import numpy as np
import onnxruntime
import pytest
import torch

from benchmarks.reading import export
from benchmarks.reading.data import Data, Text
from benchmarks.reading.train import Learner, learn, report
from index.arrays import Floats

STATES = 384
LINES, WORDS = 3, 4


def text(words: list[int], vocabulary: Floats, lines: list[int]) -> Text:
    states = vocabulary[words]
    mean = states.mean(axis=0)
    return Text(states.astype(np.float16), np.array(lines, np.int16), mean)


@pytest.fixture(scope="module")
def data() -> Data:
    """Return passages of made-up words; a question is answered by the line that holds all of its
    words, and by none where one of them stands in no line."""
    generator = np.random.default_rng(0)
    vocabulary = generator.normal(size=(60, STATES)).astype(np.float32)
    choose = random.Random(0)  # noqa: S311
    passages, questions, stated, asked, own = [], [], [], [], []
    for number in range(160):
        words = choose.sample(range(60), LINES * WORDS)
        passages.append({"id": str(number), "source": "made", "path": str(number)})
        stated.append(text(words, vocabulary, [at // WORDS for at in range(len(words))]))
        for answered in (True, False, True, False):
            line = choose.randrange(LINES)
            chosen = choose.sample(words[line * WORDS : (line + 1) * WORDS], 3)
            if not answered:
                chosen[choose.randrange(3)] = choose.choice(sorted(set(range(60)) - set(words)))
            questions.append({"lines": [line] if answered else [], "language": "en"})
            asked.append(text(chosen, vocabulary, []))
            own.append(number)
    held = [number % 5 == 0 for number in range(160)]
    near = [choose.sample(range(160), 20) for _ in questions]
    return Data(passages, questions, stated, asked, own, held, near)


def test_a_tiny_one_learns_what_is_answered_and_where(data: Data) -> None:
    # Others' work on the same processors makes threads wait for each other.
    torch.set_num_threads(1)
    learner = Learner(data, "cpu")
    before = report(learner)["AUROC, same passage"][0]
    learn(learner, passes=5, seed=0, rate=3e-3)
    found = report(learner)
    assert found["AUROC, same passage"][0] > max(0.75, before + 0.1)
    assert found["right line first"][0] > 0.9
    assert found["right passage first: of 32"][0] > 0.9


def test_what_is_written_reads_as_what_was_learned(
    data: Data, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path_factory.mktemp("learned")
    monkeypatch.setattr(export, "LEARNED", folder / "projection.npz")
    monkeypatch.setattr(export, "READER", folder / "reader.onnx")
    torch.manual_seed(1)
    learner = Learner(data, "cpu")
    learner.rescale()
    learner.train(False)
    export.write_projection(learner.projection, learner.means, learner.scales)
    export.write_readers(learner.readers)
    graph = onnxruntime.InferenceSession(str(folder / "reader.onnx"))
    with torch.no_grad():
        batch = learner.batch([(0, 0), (0, 1), (0, 2)])
        expected = learner.read(batch)
        near = batch.question @ batch.passage.transpose(1, 2)
        met = (near[:, :, None] + (batch.members[:, None] - 1) * 4).amax(-1).clamp(min=-1)
    found = graph.run(
        None,
        {
            "question": batch.question[0].numpy(),
            "passages": batch.passage.numpy(),
            "members": batch.members.numpy(),
            "met": met.numpy(),
        },
    )
    # Matrices of 8 bits move a logit by so much.
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs.numpy(), atol=0.05)
    with np.load(folder / "projection.npz") as kept:
        states = data.asked[0].states.astype(np.float32)
        projected = states @ kept["questions"].astype(np.float32) + kept["question_shift"]
    projected /= np.linalg.norm(projected, axis=1, keepdims=True)
    np.testing.assert_allclose(projected, batch.question[0].numpy(), atol=5e-3)
