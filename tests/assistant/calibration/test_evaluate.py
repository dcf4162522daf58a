"""Files of questions, what is measured with them, and `notes eval`."""

import json
import math
import shutil
import subprocess
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from running import ROOT, Server, notes

from assistant.answering.answer import Grade
from assistant.calibration import evaluate
from assistant.calibration.evaluate import (
    MEASURES,
    Case,
    QuestionsError,
    Result,
    Times,
    calibration_error,
    grouped,
    interval,
    paired,
    read_cases,
    separation,
)
from assistant.retrieval.retrieve import Hit
from index.errors import SettingsError
from index.markdown.notes import Document
from index.markdown.passage_splitting import passages
from index.markdown.sections import parse
from index.storage.contents import Notes, document_record, notes_of, passage_record
from ui.terminal import evaluation_report
from ui.terminal.risk_curve import risk_coverage

QUESTIONS = ROOT / "benchmarks" / "questions" / "docker.jsonl"
SVG = "{http://www.w3.org/2000/svg}"
SOURCE = """# Sea

## Whales

Whales dive deep. They sing.

## Gulls

Gulls cry at noon.

## Crabs

Crabs walk sideways.
"""
OURS = {"id": "a", "question": "q?", "language": "ko", "gold": ["x", "y"], "lines": ["words"]}
THEIRS = {"id": "b", "query": "q?", "lang": "en", "gold_path": "docs/a.md", "gold_line": 17}


def case(**fields: Any) -> Case:
    return Case.model_validate({"id": "q", "question": "q?", "language": "en"} | fields)


def result(
    covered: bool = True, right: float = 1.0, confidence: float = 0.5, **fields: Any
) -> Result:
    gold = ["whales"] if covered else []
    measures = dict.fromkeys(MEASURES, right if covered else float("nan"))
    grade: Grade = "answers" if confidence >= 0.8 else "may_answer"
    asked = case(gold=gold, **fields)
    return Result(
        asked,
        measures,
        (right == 1, right == 1) if covered else None,
        Times(1, 1, 1, 3),
        confidence,
        grade,
    )


class TestReadCases:
    def write(self, path: Path, *lines: Any) -> Path:
        texts = (line if isinstance(line, str) else json.dumps(line) for line in lines)
        path.write_text("\n".join(texts), "utf-8")
        return path

    def test_accepts_both_formats(self, tmp_path: Path) -> None:
        ours, theirs = read_cases(self.write(tmp_path / "q.jsonl", OURS, "", THEIRS, ""))
        assert (ours.question, ours.language, ours.gold) == ("q?", "ko", ("x", "y"))
        assert (ours.lines, ours.gold_path, ours.covered) == (("words",), "", True)
        assert (theirs.question, theirs.language, theirs.gold) == ("q?", "en", ())
        assert (theirs.gold_path, theirs.covered) == ("docs/a.md", True)

    def test_without_gold_the_notes_do_not_cover_it(self, tmp_path: Path) -> None:
        (only,) = read_cases(self.write(tmp_path / "q.jsonl", OURS | {"gold": []}))
        assert not only.covered

    @pytest.mark.parametrize(
        "line",
        [
            "{",
            "3",
            "[]",
            "null",
            {"id": "a", "language": "ko"},
            {"id": "a", "question": "q"},
            OURS | {"language": "fr"},
            OURS | {"gold": "x"},
            OURS | {"question": 7},
        ],
    )
    def test_names_the_line_at_fault(self, tmp_path: Path, line: Any) -> None:
        path = self.write(tmp_path / "q.jsonl", OURS, "", THEIRS, line)
        with pytest.raises(QuestionsError, match=r"q\.jsonl:4 is no question") as caught:
            read_cases(path)
        assert "\n" not in str(caught.value)

    def test_a_line_may_hold_any_character(self, tmp_path: Path) -> None:
        odd = "one\u2028two\u0085three"
        text = json.dumps(OURS | {"question": odd}, ensure_ascii=False)
        (only,) = read_cases(self.write(tmp_path / "q.jsonl", text))
        assert only.question == odd

    @pytest.mark.parametrize("content", [None, b"\xff\xfe"])
    def test_a_file_that_cannot_be_read(self, tmp_path: Path, content: bytes | None) -> None:
        path = tmp_path / "q.jsonl"
        if content:
            path.write_bytes(content)
        with pytest.raises(QuestionsError, match=r"q\.jsonl cannot be read"):
            read_cases(path)

    def test_a_part_alone(self, tmp_path: Path) -> None:
        path = self.write(
            tmp_path / "q.jsonl", OURS | {"part": "one"}, THEIRS | {"part": "two"}, THEIRS
        )
        assert [item.id for item in read_cases(path, "two")] == ["b"]
        assert len(read_cases(path)) == 3
        with pytest.raises(QuestionsError, match="'three'; its parts: , one, two"):
            read_cases(path, "three")

    def test_the_project_s_own_questions_can_be_read(self) -> None:
        cases = read_cases(QUESTIONS)
        assert len({item.id for item in cases}) == len(cases)
        parts = [len(read_cases(QUESTIONS, part)) for part in ("develop", "report")]
        assert sum(parts) == len(cases)


@pytest.fixture(scope="module")
def sea() -> Notes:
    """Return notes of three sections, one passage each."""
    parsed = parse(SOURCE, "sea")
    document = Document("sea", "default", "sea.md", "Sea", "", "en", (), SOURCE, parsed.sections)
    found = list(passages(document, 0, 200, lambda texts: [len(text.split()) for text in texts]))
    places = np.array([(0, each.section, len(each.lines)) for each in found], np.int32)
    records = map(passage_record, found)
    return notes_of([document_record(document)], records, places, np.array([False]))


def hits(*scores: float, answers: tuple[int, ...] = (0,)) -> list[Hit]:
    """Return hits of the sections in order, each with its score."""
    rows = [Hit(row, score, 0, 0, 0, 0, 0, answers) for row, score in enumerate(scores)]
    return sorted(rows, key=lambda hit: -hit.score)


def measured(case: Case, notes: Notes, found: list[Hit]) -> dict[str, float]:
    return evaluate.measures(case, evaluate._scores(case, notes, found))


class TestMeasures:
    @pytest.mark.parametrize(
        ("scores", "expected"),
        [
            ((0.9, 0.5, 0.1), {"R@1": 1, "R@3": 1, "MRR@10": 1, "nDCG@10": 1}),
            ((0.5, 0.9, 0.1), {"R@1": 0, "R@3": 1, "MRR@10": 1 / 2, "nDCG@10": 1 / np.log2(3)}),
            ((0.1, 0.9, 0.5), {"R@1": 0, "R@3": 1, "MRR@10": 1 / 3, "nDCG@10": 1 / 2}),
            # A tie is counted against us.
            ((0.9, 0.9, 0.1), {"R@1": 0, "R@3": 1, "MRR@10": 1 / 2, "nDCG@10": 1 / np.log2(3)}),
            ((0.5, 0.5, 0.5), {"R@1": 0, "R@3": 1, "MRR@10": 1 / 3, "nDCG@10": 1 / 2}),
        ],
    )
    def test_by_hand(
        self, sea: Notes, scores: tuple[float, ...], expected: dict[str, float]
    ) -> None:
        found = measured(case(gold=["whales"]), sea, hits(*scores))
        assert found == pytest.approx(expected, abs=1e-4)

    def test_one_of_several_sections_is_enough_to_be_seen(self, sea: Notes) -> None:
        asked = case(gold=["whales", "crabs"])
        assert measured(asked, sea, hits(0.9, 0.5, 0.1))["R@1"] == 1
        assert measured(asked, sea, hits(0.1, 0.9, 0.5))["R@1"] == 0
        # Between two that answer, a tie is no loss.
        assert measured(asked, sea, hits(0.9, 0.1, 0.9))["R@1"] == 1

    def test_a_page_is_known_by_its_path(self, sea: Notes) -> None:
        found = measured(case(gold_path="sea.md"), sea, hits(0.1, 0.9, 0.5))
        assert found["R@1"] == 1
        other = measured(case(gold_path="air.md"), sea, hits(0.1, 0.9, 0.5))
        assert set(other.values()) == {0}

    def test_what_is_not_covered_has_no_measures(self, sea: Notes) -> None:
        found = measured(case(), sea, hits(1, 1, 1))
        assert tuple(found) == MEASURES
        assert np.isnan(list(found.values())).all()

    @pytest.mark.parametrize(
        ("answers", "expected"),
        [
            ((0,), (True, True)),
            ((1,), (False, False)),
            ((1, 0), (False, True)),
            ((0, 1), (True, True)),
        ],
    )
    def test_highlighted(
        self, sea: Notes, answers: tuple[int, ...], expected: tuple[bool, bool]
    ) -> None:
        asked = case(gold=["whales"], lines=["dive deep"])
        found = evaluate._highlighted(asked, sea, hits(0.9, 0.5, 0.1, answers=answers))
        assert found == expected

    def test_a_mark_counts_in_the_section_that_stands_first(self, sea: Notes) -> None:
        asked = case(gold=["whales"], lines=["dive deep"])
        assert evaluate._highlighted(asked, sea, hits(0.5, 0.9, 0.1)) == (False, False)

    def test_highlighted_where_nothing_is_known_or_found(self, sea: Notes) -> None:
        assert evaluate._highlighted(case(gold=["whales"]), sea, hits(1, 0, 0)) is None
        elsewhere = case(gold=["fish"], lines=["dive deep"])
        assert evaluate._highlighted(elsewhere, sea, hits(1, 0, 0)) == (False, False)
        unwritten = case(gold=["whales"], lines=["words of no note"])
        assert evaluate._highlighted(unwritten, sea, hits(1, 0, 0)) == (False, False)

    def test_groups_leave_out_what_is_not_covered(self) -> None:
        results = [
            result(kind="plain"),
            result(covered=False, kind="far"),
            result(language="ko", kind="plain"),
        ]
        found = grouped(results)
        assert list(found) == ["en", "en plain", "ko", "ko plain"]
        assert found["en"] == [results[0]]


class TestStatistics:
    @given(
        st.lists(
            st.tuples(st.integers(0, 20), st.sampled_from(["covered", "far", "hard"])), max_size=60
        )
    )
    def test_separation_is_the_share_of_pairs_in_order(self, asked: list[tuple[int, str]]) -> None:
        cases = [case(kind=kind, gold=["x"] if kind == "covered" else []) for _, kind in asked]
        found = separation(cases, [value / 20 for value, _ in asked])
        covered = [value for value, kind in asked if kind == "covered"]
        for kind, told in (("far", found.auroc), ("hard", found.hard)):
            others = [value for value, own in asked if own == kind]
            pairs = [(a > b) + (a == b) / 2 for a in covered for b in others]
            if pairs:
                assert told == pytest.approx(sum(pairs) / len(pairs), abs=1e-4)
            else:
                assert np.isnan(told)

    def test_told_is_below_what_refuses_a_few_covered_ones(self) -> None:
        covered = [case(gold=["x"])] * 100
        others = [case(kind="far")] * 4 + [case(kind="hard")] * 2
        values = [n / 100 for n in range(100)] + [0.01, 0.02, 0.5, 0.9, 0.01, 0.9]
        found = separation([*covered, *others], values)
        assert (found.told, found.told_hard) == (0.5, 0.5)

    @given(st.lists(st.floats(0, 1), min_size=1, max_size=50))
    def test_the_interval_holds_the_mean(self, values: list[float]) -> None:
        low, high = interval(values)
        assert min(values) - 1e-9 <= low <= high <= max(values) + 1e-9
        assert low - 1e-9 <= np.mean(values) <= high + 1e-9
        assert interval(values) == (low, high)

    def test_the_interval_of_a_share_is_as_wide_as_the_normal_one(self) -> None:
        low, high = interval([1.0] * 700 + [0.0] * 300)
        half = 1.96 * (0.7 * 0.3 / 1000) ** 0.5
        assert (low, high) == pytest.approx((0.7 - half, 0.7 + half), abs=0.004)

    def test_paired(self) -> None:
        ours = [result(right=1), result(covered=False), result(right=0), result(right=1)]
        theirs = [result(right=0), result(covered=False), result(right=1), result(right=1)]
        assert paired(ours, theirs, "R@1").tolist() == [1, -1, 0]
        with pytest.raises(ValueError, match="shorter"):
            paired(ours, theirs[:2], "R@1")

    def test_calibration_error_by_hand(self) -> None:
        # Bins: .95 and .91 hold one wrong of two; .35 is right; 1 belongs to the last bin as well.
        results = [
            result(confidence=0.95, right=1),
            result(confidence=0.91, right=0),
            result(confidence=0.35, right=1),
            result(confidence=0.05, covered=False),
        ]
        expected = (2 * abs(0.93 - 0.5) + abs(0.35 - 1) + abs(0.05 - 0)) / 4
        assert calibration_error(results) == pytest.approx(expected)
        sure = [result(confidence=1.0), *results[:2]]
        assert calibration_error(sure) == pytest.approx(abs(2.86 / 3 - 2 / 3))

    def test_the_curve_has_a_point_for_each_question(self) -> None:
        results = [result(confidence=0.9), result(covered=False, confidence=0.2)]
        drawn = ET.fromstring(risk_coverage(results))  # noqa: S314
        (line,) = drawn.iter(f"{SVG}polyline")
        points = [tuple(map(float, point.split(","))) for point in line.attrib["points"].split()]
        # All right at half of the questions; half wrong at all of them, which is the top.
        assert points == [(320, 344), (584, 56)]


BARS = {"ko": {"n": 2.0, "R@1": 0.9}, "ko plain": {"R@1": 0.8}, "time": {"judge ms": 1.0}}


class TestBars:
    @pytest.mark.parametrize(
        ("bar", "missed"),
        [
            ("ko R@1>=0.9", []),
            ("ko R@1 >= 0.91", ["ko R@1 >= 0.91: 0.9000"]),
            (" ko plain R@1>=0.5 ", []),
            ("ko plain R@1>=1", ["ko plain R@1>=1: 0.8000"]),
            ("time judge ms>=2", ["time judge ms>=2: 1.0000"]),
        ],
    )
    def test_missed(self, bar: str, missed: list[str]) -> None:
        assert evaluation_report.missed(BARS, [bar]) == missed

    def test_a_number_that_is_none_is_missed(self) -> None:
        assert evaluation_report.missed({"ko": {"mark": float("nan")}}, ["ko mark>=0"]) == [
            "ko mark>=0: nan"
        ]

    @pytest.mark.parametrize(
        "bar",
        ["ko R@7>=0.9", "R@1>=0.9", "fr R@1>=0.9", "ko R@1", "ko R@1<=0.9", "", "ko R@1>=x",
         "ko R@1>=1.2.3", "ko R@1>=."],
    )  # fmt: skip
    def test_unknown_names_are_refused_with_the_known_ones(self, bar: str) -> None:
        with pytest.raises(SettingsError, match="ko plain R@1") as caught:
            evaluation_report.missed(BARS, [bar])
        assert repr(bar) in str(caught.value)


class TestSummary:
    def test_of_questions_that_are_all_covered_or_none(self) -> None:
        for results in ([result(), result()], [result(covered=False)] * 2):
            found = evaluation_report.summary({"fused": results})
            assert np.isnan(found["abstention"]["AUROC"])
            evaluation_report.show(found, "title")

    def test_abstention_by_hand(self) -> None:
        results = [
            result(confidence=0.9, right=1),
            result(confidence=0.85, covered=False),
            replace(result(confidence=0.1), grade="not_covered"),
            result(confidence=0.5, right=0),
        ]
        found = evaluation_report.summary({"fused": results})["abstention"]
        assert found["refused"] == pytest.approx(1 / 3)
        assert found["sure"] == 0.5
        assert found["sure but wrong"] == 0.5
        assert found["AUROC"] == pytest.approx(1 / 3, abs=1e-4)

    def test_questions_in_a_conversation_are_a_group_of_their_own(self) -> None:
        results = [
            result(right=1),
            result(right=0, history=["before"], kind="followup"),
            result(right=1, history=["before"], kind="switch"),
            result(covered=False, confidence=0.1, history=["before"]),
        ]
        found = evaluation_report.summary({"fused": results})
        assert (found["en"]["n"], found["en"]["R@1"]) == (1, 1)
        assert (found["conversation"]["n"], found["conversation"]["R@1"]) == (2, 0.5)
        assert found["conversation followup"]["R@1"] == 0
        assert found["conversation switch"]["R@1"] == 1
        assert found["conversation abstention"]["AUROC"] == 1
        assert found["conversation time"] == {"whole ms": 3}
        assert math.isnan(found["abstention"]["AUROC"])
        alone = evaluation_report.summary({"fused": results[:1]})
        assert not [name for name in alone if name.startswith("conversation")]


@pytest.fixture(scope="module")
def data_dir(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(shutil.copytree(server.data_dir, tmp_path_factory.mktemp("eval") / "data"))


@pytest.fixture(scope="module")
def report(
    data_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[subprocess.CompletedProcess[str], Path]:
    """Return what a run printed and the folder that it wrote to."""
    folder = tmp_path_factory.mktemp("report")
    done = notes(
        data_dir, "eval", str(QUESTIONS), "--part", "develop",
        "--json", str(folder / "numbers.json"), "--curve", str(folder / "curve.svg"),
        "--require", "ko R@1>=0.5", "--require", "ko R@1>=0.99999",
    )  # fmt: skip
    return done, folder


class TestCommand:
    def test_prints_tables_and_says_what_is_missed(
        self, report: tuple[subprocess.CompletedProcess[str], Path]
    ) -> None:
        done, _ = report
        starts = [line.split("  ")[0].strip() for line in done.stdout.splitlines()]
        assert {"ko", "en", "abstention", "time"} <= set(starts)
        assert "docker.jsonl, develop:" in done.stdout
        assert done.returncode == 1
        said = [line for line in done.stderr.splitlines() if line.startswith("Missed: ")]
        assert len(said) == 1
        assert "ko R@1>=0.99999: 0." in said[0]
        assert "0.5:" not in said[0]
        assert "Traceback" not in done.stderr

    def test_writes_json(self, report: tuple[subprocess.CompletedProcess[str], Path]) -> None:
        def refuse(name: str) -> None:
            raise AssertionError(f"{name} is not JSON")

        text = (report[1] / "numbers.json").read_text("utf-8")
        written = json.loads(text, parse_constant=refuse)
        cases = read_cases(QUESTIONS, "develop")
        assert [item["id"] for item in written["questions"]] == [item.id for item in cases]
        assert [item["id"] for item in written["questions"]] == [c.id for c in cases]
        for item, asked in zip(written["questions"], cases, strict=True):
            assert 0 <= item["confidence"] <= 1
            assert (item["R@1"] is None) != asked.covered
        for language in ("ko", "en"):
            own = [
                item["R@1"]
                for item, asked in zip(written["questions"], cases, strict=True)
                if asked.covered and asked.language == language and not asked.history
            ]
            group = written["summary"][language]
            assert group["n"] == len(own)
            assert group["R@1"] == pytest.approx(np.mean(own), abs=1e-4)
            assert group["R@1 low"] <= group["R@1"] <= group["R@1 high"]

    def test_draws_the_curve(self, report: tuple[subprocess.CompletedProcess[str], Path]) -> None:
        drawn = ET.parse(report[1] / "curve.svg").getroot()  # noqa: S314
        (line,) = drawn.iter(f"{SVG}polyline")
        asked = json.loads((report[1] / "numbers.json").read_text("utf-8"))["questions"]
        assert len(line.attrib["points"].split()) == len(asked)

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (["no/such/file.jsonl"], "no/such/file.jsonl cannot be read"),
            ([str(QUESTIONS), "--part", "nothing"], "its parts: develop, report"),
            (["README.md"], "README.md:1 is no question"),
        ],
    )
    def test_bad_use_says_why_and_ends_with_2(
        self, data_dir: Path, arguments: list[str], said: str
    ) -> None:
        done = notes(data_dir, "eval", *arguments)
        assert done.returncode == 2
        assert said in done.stderr
        assert "Traceback" not in done.stderr
        assert done.stdout == ""

    @pytest.mark.parametrize(
        ("name", "known"), [("ko R@1=>0.9", "Write NAME>=NUMBER"), ("ko R@9>=1", "ko nDCG@10")]
    )
    def test_a_bar_that_names_nothing_ends_with_2(
        self, data_dir: Path, tmp_path: Path, name: str, known: str
    ) -> None:
        few = tmp_path / "few.jsonl"
        few.write_text("\n".join(QUESTIONS.read_text("utf-8").splitlines()[:4]), "utf-8")
        done = notes(data_dir, "eval", str(few), "--require", name)
        assert done.returncode == 2
        assert known in done.stderr
