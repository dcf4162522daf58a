"""Does the first passage answer? The signals, and what a confidence means in words."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.answering.ask import Assistant, Question
from assistant.calibration.calibrated_build import build_index
from assistant.retrieval.judge import (
    SIGNALS,
    Background,
    Judge,
    Learned,
    background_signals,
    shipped_judge,
    signals,
)
from assistant.settings import read_settings
from index.encoding.onnx_encoder import OnnxEncoder
from index.reading.corpus import read

CORPUS = Path(__file__).parents[3] / "corpus"
RISK = 0.1
# One that the shipped judge keeps for many questions.
LAX = 0.2
PLAIN = [
    "컨테이너를 지우면 데이터는 어떻게 되나요?",
    "이미지와 컨테이너는 무엇이 다른가요?",
    "도커를 사용하면 어떤 문제가 해결되나요?",
    "What is the difference between an image and a container?",
    "What is Docker?",
]
ELSEWHERE = [
    "비행기 표는 어떻게 환불하나요?",
    "best pasta recipe",
    "김치찌개 끓이는 법 알려줘",
    "how do I renew my passport?",
]
ODD = ["a", "볼", "podman", "컨테이너", "🐳 a", "가" * 2000, "docker run -it " * 133, "?!1"]

CONFIDENCES = st.lists(
    st.tuples(st.integers(0, 99), st.booleans(), st.booleans()), min_size=1, max_size=200
)


@pytest.fixture(scope="module")
def assistant(onnx_encoder: OnnxEncoder, tmp_path_factory: pytest.TempPathFactory) -> Assistant:
    settings = read_settings(corpus=str(CORPUS), data_dir=tmp_path_factory.mktemp("data"))
    snapshot = build_index(read(settings.corpora), settings.data_dir, onnx_encoder, lambda _: None)
    return Assistant(snapshot, onnx_encoder, "/notes/{document}#{anchor}", "", RISK)


def confidence(assistant: Assistant, text: str) -> float:
    query = assistant.query(text)
    return assistant.confidence(query, assistant.search(query))


def learned(
    questions: list[tuple[int, bool, bool]], weights: tuple[float, ...] = (1.0,)
) -> Learned:
    """Return what questions teach that are told by hundredths of confidence, right, covered."""
    return Learned(
        weights,
        0.0,
        tuple(share / 100 for share, _, _ in questions),
        tuple(right for _, right, _ in questions),
        tuple(covered for _, _, covered in questions),
    )


def judge(questions: list[tuple[int, bool, bool]]) -> Judge:
    return Judge({}, learned(questions))


class TestSignals:
    @pytest.mark.parametrize("text", [*PLAIN, *ELSEWHERE, *ODD])
    def test_are_finite_and_have_names(self, assistant: Assistant, text: str) -> None:
        query = assistant.query(text)
        found = assistant.search(query)
        values = signals(assistant.snapshot.contents, query, found.evidence, found.hits)
        assert values.shape == (len(SIGNALS),)
        assert np.isfinite(values).all()
        assert 0 <= assistant.confidence(query, found) <= 1

    def test_are_of_the_ranges_that_they_say(self, assistant: Assistant) -> None:
        for text in (*PLAIN, *ELSEWHERE, *ODD):
            query = assistant.query(text)
            found = assistant.search(query)
            contents = assistant.snapshot.contents
            values = signals(contents, query, found.evidence, found.hits)
            named = dict(zip(SIGNALS, values.tolist(), strict=True))
            assert named["score"] == pytest.approx(found.hits[0].score)
            assert named["margin"] >= 0
            assert 0 <= named["known"] <= 1 + 1e-9
            assert 0 <= named["lexical"] <= 1 + 1e-6
            assert named["late_weak"] <= named["late_mean"] + 1e-6
            assert named["words_weak"] <= named["words"] + 1e-6
            assert -2 <= named["sentence_over_general"] <= 2

    def test_known_words_are_told_from_unknown_ones(self, assistant: Assistant) -> None:
        place = SIGNALS.index("known")

        def known(text: str) -> float:
            query = assistant.query(text)
            found = assistant.search(query)
            contents = assistant.snapshot.contents
            return float(signals(contents, query, found.evidence, found.hits)[place])

        assert known("컨테이너 이미지") == pytest.approx(1)
        assert known("best pasta recipe") == 0
        assert 0 < known("container pasta") < 1


class TestBackground:
    def test_both_languages_have_one(self, assistant: Assistant) -> None:
        assert assistant.judge.backgrounds.keys() == {"ko", "en"}
        for found in assistant.judge.backgrounds.values():
            assert len(found.mean) == len(found.deviation) == len(SIGNALS)
            assert np.isfinite(found.mean).all()
            assert min(found.deviation) > 0

    def test_questions_of_the_background_are_its_middle(self) -> None:
        rows = [np.full(len(SIGNALS), value) for value in (1.0, 3.0)]
        for row in rows:
            row[SIGNALS.index("late")] = 5.0
        found = background_signals(rows)
        named = dict(zip(SIGNALS, zip(found.mean, found.deviation, strict=True), strict=True))
        assert named["score"] == (2, 1)
        assert named["late"] == (5, 1e-3)
        standard = np.stack([found.standard(row) for row in rows])
        assert standard[:, SIGNALS.index("score")].tolist() == [-1, 1]
        assert standard[:, SIGNALS.index("late")].tolist() == [0, 0]

    def test_what_a_reader_says_means_the_same_whatever_the_notes(self) -> None:
        rows = [np.full(len(SIGNALS), value) for value in (1.0, 3.0)]
        standard = background_signals(rows).standard(rows[0])
        for name in ("read", "read_margin", "read_line", "missing", "known"):
            assert standard[SIGNALS.index(name)] == 1.0

    def test_what_is_far_out_is_cut_off(self) -> None:
        found = Background((0.0, 0.0), (1.0, 1.0))
        assert found.standard(np.asarray([-1e9, 1e9])).tolist() == [-4, 8]


class TestProbability:
    @given(
        st.lists(st.floats(-4, 8), min_size=3, max_size=3),
        st.lists(st.floats(-3, 3), min_size=3, max_size=3),
        st.floats(-20, 20),
        st.integers(0, 2),
    )
    def test_is_a_share_and_grows_with_what_speaks_for_it(
        self, standard: list[float], weights: list[float], intercept: float, place: int
    ) -> None:
        weights[place] = abs(weights[place])
        what = replace(learned([(50, True, True)], tuple(weights)), intercept=intercept)
        one = Judge({}, what)
        values = np.asarray(standard)
        before = one.probability(values)
        values[place] += 1
        assert 0 <= before <= one.probability(values) <= 1

    def test_strictly_so_in_the_middle(self) -> None:
        one = judge([(50, True, True)])
        rising = [one.probability(np.asarray([value])) for value in (-2.0, 0.0, 2.0)]
        assert rising == sorted(set(rising))
        assert rising[1] == 0.5


class TestThreshold:
    @given(CONFIDENCES, st.floats(0.01, 0.9), st.floats(0.01, 0.9))
    def test_never_rises_when_the_risk_grows(
        self, questions: list[tuple[int, bool, bool]], risk: float, other: float
    ) -> None:
        low, high = sorted((risk, other))
        assert judge(questions).threshold(high) <= judge(questions).threshold(low)

    @given(CONFIDENCES, st.floats(0.01, 0.9))
    def test_keeps_the_risk_on_its_own_questions(
        self, questions: list[tuple[int, bool, bool]], risk: float
    ) -> None:
        threshold = judge(questions).threshold(risk)
        answered = [right for share, right, _ in questions if share / 100 >= threshold]
        assert answered.count(False) <= risk * len(answered)

    def test_questions_of_one_confidence_are_answered_together(self) -> None:
        # Half of what is told with 0.9 is wrong: where they stand in the file means nothing.
        right = [(90, True, True)] * 50
        wrong = [(90, False, True)] * 50
        assert judge(right + wrong).threshold(0.1) == 1
        assert judge(wrong + right).threshold(0.1) == 1

    @pytest.mark.parametrize(("count", "kept"), [(14, False), (15, True), (200, True)])
    def test_a_few_right_answers_prove_little(self, count: int, kept: bool) -> None:
        assert judge([(80, True, True)] * count).threshold(0.1) == (0.8 if kept else 1)

    def test_is_1_where_nothing_keeps_it(self) -> None:
        assert judge([(90, False, True)] * 50).threshold(0.1) == 1

    def test_is_the_lowest_that_keeps_it(self) -> None:
        questions = [(90, True, True)] * 60 + [(70, True, True)] * 60 + [(30, False, False)] * 60
        assert judge(questions).threshold(0.1) == 0.7

    def test_the_shipped_one_is_reached_at_the_default_risk(self) -> None:
        # Where it is 1, no answer is ever graded `answers`.
        for is_read in (True, False):
            assert Judge({}, shipped_judge(is_read)).threshold(read_settings().risk) < 1


class TestRefusal:
    @given(CONFIDENCES, st.floats(0, 1), st.floats(0, 1))
    def test_grows_with_the_share(
        self, questions: list[tuple[int, bool, bool]], share: float, other: float
    ) -> None:
        one = judge([*questions, (50, True, True)])
        low, high = sorted((share, other))
        assert one.refusal(low) <= one.refusal(high) + 1e-12

    def test_looks_at_covered_questions_alone(self) -> None:
        covered = [(share, True, True) for share in range(50, 100)]
        assert judge([(0, False, False)] * 500 + covered).refusal(0) == 0.5
        assert judge(covered).refusal(1) == 0.99


class TestShipped:
    @pytest.mark.parametrize("read", [True, False])
    def test_is_trained(self, read: bool) -> None:
        found = shipped_judge(read)
        assert len(found.weights) == len(SIGNALS)
        assert any(found.weights)
        assert len(found.confidences) == len(found.right) == len(found.covered) > 100
        # A right answer is one that the notes have.
        assert not [1 for right, covered in zip(found.right, found.covered, strict=True)
                    if right and not covered]  # fmt: skip

    def test_questions_about_other_things_are_less_certain(self, assistant: Assistant) -> None:
        assert any(assistant.judge.learned.weights)
        lowest = min(confidence(assistant, text) for text in PLAIN)
        for text in ELSEWHERE:
            assert confidence(assistant, text) < lowest

    @pytest.mark.parametrize("text", ELSEWHERE)
    def test_questions_about_other_things_are_refused(
        self, assistant: Assistant, text: str
    ) -> None:
        assert assistant.ask(Question(text)).grade == "not_covered"

    @pytest.mark.parametrize("text", PLAIN)
    def test_plain_questions_are_answered(self, assistant: Assistant, text: str) -> None:
        assert assistant.ask(Question(text)).status == "answered"


class TestGrade:
    def test_words_at_the_edges(self, assistant: Assistant) -> None:
        assistant = replace(assistant, risk=LAX)
        refused, sure = assistant.refused_below, assistant.sure_from
        assert 0 < refused < sure < 1
        assert assistant.grade(0) == "not_covered"
        assert assistant.grade(np.nextafter(refused, 0)) == "not_covered"
        assert assistant.grade(refused) == "may_answer"
        assert assistant.grade(np.nextafter(sure, 0)) == "may_answer"
        assert assistant.grade(sure) == "answers"
        assert assistant.grade(1) == "answers"

    def test_a_least_confidence_takes_the_place_of_the_refusal(self, assistant: Assistant) -> None:
        assistant = replace(assistant, risk=LAX)
        refused, sure = assistant.refused_below, assistant.sure_from
        assert assistant.grade(0, 0) == "may_answer"
        assert assistant.grade(refused, sure) == "not_covered"
        assert assistant.grade(sure, sure) == "answers"
        assert assistant.grade(sure, 1) == "not_covered"

    def test_a_smaller_risk_asks_for_more(self, assistant: Assistant) -> None:
        lax, strict = replace(assistant, risk=LAX), replace(assistant, risk=0.02)
        assert strict.sure_from > lax.sure_from
        assert strict.refused_below == lax.refused_below

    @pytest.mark.parametrize("text", [*PLAIN, *ELSEWHERE])
    def test_0_answers_everything_and_1_refuses_everything(
        self, assistant: Assistant, text: str
    ) -> None:
        answered = assistant.ask(Question(text, min_confidence=0))
        assert answered.status == "answered"
        assert answered.passages
        assert answered.closest is None
        refused = assistant.ask(Question(text, min_confidence=1))
        assert (refused.status, refused.grade) == ("not_covered", "not_covered")
        assert refused.passages == ()
        assert refused.closest
        assert refused.closest.url == answered.passages[0].url
        assert refused.confidence == answered.confidence

    @pytest.mark.parametrize("least", [0.0, None])
    def test_without_a_word_nothing_answers(
        self, assistant: Assistant, least: float | None
    ) -> None:
        answer = assistant.ask(Question("🐳🐳", min_confidence=least))
        assert (answer.grade, answer.confidence, answer.closest) == ("not_covered", 0, None)
