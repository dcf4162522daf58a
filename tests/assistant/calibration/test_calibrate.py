"""What the judge learns from labelled questions, and a build calibrated by them."""

import json
import math
import shutil
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from running import Server, notes

from assistant.calibration.calibrate import Labelled, learn
from assistant.retrieval.judge import SIGNALS, Judge, Learned, shipped_judge
from index.arrays import Floats

QUESTION = "볼륨은 어디에 저장되나요?"
PRIOR = Learned((0.8, -0.5), -2.0, (0.5,), (True,), (True,))
LINES = [
    ("컨테이너를 지우면 데이터는 어떻게 되나요?", "ko", ["데이터-영속성-volumes"]),
    ("이미지와 컨테이너는 무엇이 다른가요?", "ko", ["image-vs-container"]),
    ("도커를 사용하면 어떤 문제가 해결되나요?", "ko", ["docker란-무엇인가"]),
    ("볼륨은 어디에 저장되나요?", "ko", ["데이터-영속성-volumes"]),
    ("환경 격리란 무엇을 뜻하나요?", "ko", ["docker란-무엇인가"]),
    ("What is Docker?", "en", ["docker란-무엇인가"]),
    ("What does portability mean?", "en", ["docker란-무엇인가"]),
    ("How do an image and a container differ?", "en", ["image-vs-container"]),
    ("비행기 표는 어떻게 환불하나요?", "ko", []),
    ("김치찌개는 어떻게 끓이나요?", "ko", []),
    ("How do I renew my passport?", "en", []),
    ("What is the best pasta recipe?", "en", []),
]


def labelled(standard: list[list[float]], right: list[bool]) -> Labelled:
    return Labelled(np.asarray(standard, np.float64), tuple(right), tuple(right))


def separable(count: int, direction: tuple[float, ...], seed: int = 0) -> Labelled:
    """Return questions that are right where they lie on one side of a plane."""
    found = np.random.default_rng(seed).normal(size=(count, len(direction)))
    right = found @ np.asarray(direction) > 0
    return labelled(found.tolist(), right.tolist())


def write(path: Path, lines: list[tuple[str, str, list[str]]] = LINES) -> Path:
    cases = [
        {"id": f"q{number}", "question": question, "language": language, "gold": gold}
        for number, (question, language, gold) in enumerate(lines)
    ]
    text = "\n".join(json.dumps(case, ensure_ascii=False) for case in cases)
    path.write_text(text + "\n", "utf-8")
    return path


def likelihood(probabilities: Floats, right: list[bool]) -> float:
    """Return the logarithm of the probability of what was right."""
    said = np.where(right, probabilities, 1 - probabilities)
    return float(np.log(np.maximum(said, 1e-300)).sum())


class TestLearn:
    @pytest.mark.parametrize("direction", [(1.0, 0.0), (0.6, -0.8), (-0.3, 0.4, 0.866)])
    def test_recovers_the_direction(self, direction: tuple[float, ...]) -> None:
        found = separable(4000, direction)
        learned = learn([found])
        weights = np.asarray(learned.weights)
        assert weights @ np.asarray(direction) / np.linalg.norm(weights) > 0.995
        confidences = np.asarray(learned.confidences)
        right = np.asarray(learned.right)
        assert ((confidences > 0.5) == right).mean() > 0.95

    def test_the_probability_is_the_share_that_is_right(self) -> None:
        generator = np.random.default_rng(1)
        signal = generator.normal(size=(20_000, 1))
        share = 1 / (1 + np.exp(-(1.5 * signal[:, 0] - 0.5)))
        right = generator.random(len(share)) < share
        learned = learn([labelled(signal.tolist(), right.tolist())])
        assert learned.weights[0] == pytest.approx(1.5, abs=0.3)
        assert learned.intercept == pytest.approx(-0.5, abs=0.1)
        assert np.mean(learned.confidences) == pytest.approx(right.mean(), abs=0.01)

    def test_sets_count_alike_whatever_their_size(self) -> None:
        along, against = separable(2000, (1.0, 0.0)), separable(200, (0.0, 1.0), seed=1)
        both = learn([along, against]).weights
        assert both[0] == pytest.approx(both[1], rel=0.25)
        pooled = labelled(
            [*along.standard.tolist(), *against.standard.tolist()], [*along.right, *against.right]
        )
        alone = learn([pooled]).weights
        assert alone[0] > 3 * alone[1]

    def test_with_a_prior_a_few_questions_move_the_weights_little(self) -> None:
        against = separable(12, (-0.8, 0.5))
        few = np.asarray(learn([against], PRIOR).weights)
        assert np.abs(few - PRIOR.weights).max() < 0.1
        many = np.asarray(learn([separable(20_000, (-0.8, 0.5))], PRIOR).weights)
        assert many[0] < 0 < many[1]

    @settings(deadline=None)
    @given(
        st.integers(1, 40),
        st.floats(-12, 12),
        st.lists(st.booleans(), min_size=40, max_size=40),
        st.integers(0, 5),
    )
    def test_from_any_start_what_was_right_gets_likelier(
        self, count: int, intercept: float, right: list[bool], seed: int
    ) -> None:
        standard = np.random.default_rng(seed).uniform(-4, 8, (count, 2))
        start = Learned(PRIOR.weights, intercept, (0.5,), (True,), (True,))
        chosen = right[:count]
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            learned = learn([labelled(standard.tolist(), chosen)], start)
        assert math.isfinite(learned.intercept)
        assert abs(learned.intercept) < 80
        assert np.abs(np.asarray(learned.weights) - PRIOR.weights).max() < 1
        # What was right is never less likely than before.
        before, after = (
            np.asarray([Judge({}, model).probability(row) for row in standard])
            for model in (start, learned)
        )
        assert likelihood(after, chosen) >= likelihood(before, chosen) - 1e-6

    @pytest.mark.parametrize("sizes", [(1,), (7,), (12,), (105, 3)])
    def test_confidences_are_one_a_question_in_order(self, sizes: tuple[int, ...]) -> None:
        sets = [separable(size, (1.0, 0.0), seed) for seed, size in enumerate(sizes)]
        learned = learn(sets, PRIOR)
        first = len(PRIOR.confidences)
        asked = first + sum(sizes)
        assert len(learned.confidences) == len(learned.right) == len(learned.covered) == asked
        assert learned.confidences[:first] == PRIOR.confidences
        assert learned.right[first:] == tuple(value for item in sets for value in item.right)
        assert all(0 <= value <= 1 for value in learned.confidences)

    def test_a_question_takes_no_part_in_its_own_confidence(self) -> None:
        generator = np.random.default_rng(2)
        noise = generator.normal(size=(300, 2)).tolist()
        right = (generator.random(300) < 0.5).tolist()
        told = learn([labelled(noise, right)]).confidences
        turned = 17
        other = [value != (number == turned) for number, value in enumerate(right)]
        told_otherwise = learn([labelled(noise, other)]).confidences
        assert told_otherwise[turned] == told[turned]
        assert told_otherwise != told

    def test_is_the_same_again(self) -> None:
        found = separable(100, (1.0, 0.0))
        assert learn([found], PRIOR) == learn([found], PRIOR)


class TestBuild:
    @pytest.fixture
    def built(self, server: Server, tmp_path: Path) -> Path:
        """Return a data folder with a good index of its own."""
        shutil.copytree(server.data_dir, tmp_path / "data")
        return tmp_path / "data"

    def judge(self, data_dir: Path) -> Any:
        version = (data_dir / "current").read_text().strip()
        (path,) = (data_dir / "versions" / version).glob("*judge.json")
        return json.loads(path.read_bytes())

    def test_a_file_of_questions_changes_only_what_is_learned(
        self, built: Path, server: Server, tmp_path: Path
    ) -> None:
        before = self.judge(built)
        corpus = str(server.data_dir.parent / "corpus")
        questions = write(tmp_path / "questions.jsonl")
        done = notes(built, "build", corpus, "--calibrate", str(questions))
        assert done.returncode == 0, done.stderr
        after = self.judge(built)
        assert before.keys() == after.keys() == {"backgrounds", "learned", "reader"}
        assert after["backgrounds"] == before["backgrounds"]
        learned = after["learned"]
        assert learned != before["learned"]
        known = len(before["learned"]["confidences"])
        assert len(learned["confidences"]) == known + len(LINES)
        assert learned["covered"][known:] == [bool(gold) for _, _, gold in LINES]
        assert sum(learned["right"][known:]) >= 5
        assert not any(learned["right"][-4:])
        moved = np.asarray(learned["weights"]) - shipped_judge(True).weights
        assert len(moved) == len(SIGNALS)
        assert 0 < np.abs(moved).max() < 0.2
        assert notes(built, "ask", QUESTION).returncode == 0

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ('{"id": "a", "question": "q", "language": "ko", "gold": []}\n{"id": 1\n', ":2 is no"),
            ('\n\n{"id": "a", "language": "ko"}\n', ":3 is no"),
            ('{"id": "a", "question": "q", "language": "fr"}\n', ":1 is no"),
            ("", "no questions"),
            ('{"id": "a", "question": "q", "language": "ko", "gold": []}\n', "notes answer"),
            (
                '{"id": "a", "question": "q", "language": "ko", "gold": ["x"], "history": ["b"]}\n',
                "notes answer",
            ),
            (None, "cannot be read"),
        ],
    )
    def test_a_bad_file_is_named_and_the_old_index_serves_on(
        self, built: Path, tmp_path: Path, text: str | None, said: str
    ) -> None:
        questions = tmp_path / "bad.jsonl"
        if text is not None:
            questions.write_text(text, "utf-8")
        before = (built / "current").read_text()
        corpus = str(tmp_path.parent)
        done = notes(built, "build", corpus, "--calibrate", str(questions))
        assert done.returncode == 2
        assert str(questions) in done.stderr
        assert said in done.stderr
        assert "Traceback" not in done.stderr
        assert (built / "current").read_text() == before

    def test_after_a_bad_file_questions_are_still_answered(
        self, built: Path, tmp_path: Path
    ) -> None:
        questions = tmp_path / "bad.jsonl"
        questions.write_text("{", "utf-8")
        assert notes(built, "build", "corpus", "--calibrate", str(questions)).returncode == 2
        assert notes(built, "ask", QUESTION).returncode == 0
