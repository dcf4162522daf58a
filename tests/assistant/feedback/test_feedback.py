"""Feedback in SQLite: votes outlive a kill, gaps are grouped, faults say what to do."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from running import ROOT

from assistant.answering.answer import Answer, DocumentRef, FoundPassage, SectionRef
from assistant.feedback.feedback_store import FILE, Feedback, kept_gaps
from assistant.feedback.gaps import Gap, NearestSection, alike, question_vectors, remembered
from index.arrays import Floats
from index.encoding import background_questions
from index.encoding.onnx_encoder import OnnxEncoder
from index.errors import FeedbackUnwritable, UnknownName

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
KEEP = 90
CLOSEST = FoundPassage(
    rank=1,
    score=0.5,
    text="text",
    highlights=(),
    line=1,
    section=SectionRef("데이터 영속성 (Volumes)", ("Docker",), "데이터-영속성-volumes", 2),
    document=DocumentRef("docker", "Docker", "default", "ko", "docker.md"),
    damaged=False,
    url="",
    highlight_url="",
)
UNANSWERED = Answer(
    id="a",
    status="not_covered",
    grade="not_covered",
    confidence=0.1,
    message=None,
    language="ko",
    query="도커 스웜 아직도 쓰나요",
    corrected_from=None,
    index_version="v1",
    took_ms=1.0,
    passages=(),
    closest=CLOSEST,
)
ANSWERED = replace(
    UNANSWERED, id="b", status="answered", grade="answers", passages=(CLOSEST,), closest=None
)
# Where each question stands that `apart` has seen.
PLACES: dict[str, int] = {}
# Started by the tests below as programs of their own.
PREAMBLE = """
import sys
from dataclasses import replace
from pathlib import Path
from test_feedback import UNANSWERED, Clock, apart
from assistant.feedback import Feedback
feedback = Feedback(Path(sys.argv[1]), 90, apart, Clock())
"""


class Clock:
    """Says the time it is set to."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


def apart(questions: Sequence[str]) -> Floats:
    """Return vectors that have nothing in common."""
    for question in questions:
        PLACES.setdefault(question, len(PLACES))
    return np.eye(1000, dtype=np.float32)[[PLACES[question] for question in questions]]


Open = Callable[..., Feedback]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def feedback_in(clock: Clock) -> Iterator[Open]:
    """Return what opens feedback in a folder, closed when the test ends."""
    opened = []

    def open_in(folder: Path, keep_days: int = KEEP) -> Feedback:
        opened.append(Feedback(folder, keep_days, apart, clock))
        return opened[-1]

    yield open_in
    for feedback in opened:
        feedback.close()


def rows(folder: Path, columns: str = "id, helpful, comment") -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(folder / FILE)) as database:
        return database.execute(f"SELECT {columns} FROM answers ORDER BY id").fetchall()  # noqa: S608


def ask(feedback: Feedback, number: object, query: str, answer: Answer = UNANSWERED) -> None:
    feedback.answered(replace(answer, id=f"{number}", query=query), f"{query}?")


def program(code: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PREAMBLE + code, *arguments],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}:{Path(__file__).parent}"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


class TestKeeping:
    def test_an_answer_and_its_vote_are_kept(self, tmp_path: Path, feedback_in: Open) -> None:
        feedback = feedback_in(tmp_path / "new" / "data")
        feedback.answered(UNANSWERED, "스웜은?")
        feedback.vote("a", False, " 없어요 ")
        found = rows(
            tmp_path / "new" / "data", "asked, question, query, index_version, status, confidence"
        )
        assert found == [(NOW.timestamp(), "스웜은?", UNANSWERED.query, "v1", "not_covered", 0.1)]
        assert rows(tmp_path / "new" / "data") == [("a", 0, "없어요")]

    def test_no_file_before_the_first_answer(self, tmp_path: Path, feedback_in: Open) -> None:
        feedback = feedback_in(tmp_path)
        assert feedback.gaps(10, 90, NOW) == []
        feedback.close()
        assert list(tmp_path.iterdir()) == []

    def test_only_its_owner_may_read_it(self, tmp_path: Path, feedback_in: Open) -> None:
        feedback = feedback_in(tmp_path)
        feedback.answered(UNANSWERED, "q")
        feedback.vote("a", True, None)
        with closing(sqlite3.connect(tmp_path / FILE)) as reader:
            assert reader.execute("PRAGMA journal_mode").fetchone() == ("wal",)
            feedback.vote("a", False, None)
            found = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
        # What serves as a lock is empty.
        assert (tmp_path / f"{FILE}.lock").stat().st_size == 0
        del found[f"{FILE}.lock"]
        assert found == {f"{FILE}{end}": 0o600 for end in ("", "-wal", "-shm")}

    def test_the_latest_vote_stands(self, tmp_path: Path, feedback_in: Open) -> None:
        feedback = feedback_in(tmp_path)
        ask(feedback, "a", "q")
        feedback.vote("a", False, "no")
        feedback.vote("a", False, "no")
        assert rows(tmp_path) == [("a", 0, "no")]
        feedback.vote("a", True, None)
        assert rows(tmp_path) == [("a", 1, None)]
        ask(feedback, "a", "asked again under a known id")
        feedback.close()
        assert rows(tmp_path) == [("a", 1, None)]

    def test_an_unknown_answer(self, tmp_path: Path, feedback_in: Open) -> None:
        feedback = feedback_in(tmp_path)
        ask(feedback, "a", "q")
        for unknown in ("b", "", "\ud800", "a\x00", "' OR 1=1 --"):
            with pytest.raises(UnknownName, match="90 days"):
                feedback.vote(unknown, True, "comment")
        assert rows(tmp_path) == [("a", None, None)]

    def test_odd_characters(self, tmp_path: Path, feedback_in: Open) -> None:
        feedback = feedback_in(tmp_path)
        feedback.answered(UNANSWERED, "half \ud83d and \x00 and '; DROP TABLE answers; --")
        feedback.vote("a", False, "half \ud83d")
        (gap,) = feedback.gaps(1, 90, NOW)
        assert gap.examples == ("half \ufffd and   and '; DROP TABLE answers; --",)
        assert gap.comments == ("half \ufffd",)

    def test_close_writes_what_waits(self, tmp_path: Path, feedback_in: Open) -> None:
        feedback = feedback_in(tmp_path)
        for number in range(100):
            ask(feedback, f"{number:03}", "q")
        feedback.close()
        feedback.close()
        assert [row[0] for row in rows(tmp_path)] == [f"{number:03}" for number in range(100)]

    def test_what_waits_is_written_by_itself(self, tmp_path: Path, feedback_in: Open) -> None:
        ask(feedback_in(tmp_path), "a", "q")
        other = feedback_in(tmp_path)
        while not other.gaps(1, 90, NOW):
            time.sleep(0.05)
        other.vote("a", True, None)
        assert rows(tmp_path) == [("a", 1, None)]


class TestRetention:
    def test_old_questions_are_deleted_on_opening(
        self, tmp_path: Path, feedback_in: Open, clock: Clock
    ) -> None:
        feedback = feedback_in(tmp_path)
        ask(feedback, "old", "a personal question")
        feedback.vote("old", False, "a personal comment")
        clock.now += timedelta(days=60)
        ask(feedback, "new", "q")
        feedback.close()
        clock.now += timedelta(days=31)
        feedback_in(tmp_path).close()
        assert rows(tmp_path) == [("new", None, None)]
        assert all(b"personal" not in path.read_bytes() for path in tmp_path.iterdir())

    def test_at_most_once_an_hour_while_writing(
        self, tmp_path: Path, feedback_in: Open, clock: Clock
    ) -> None:
        feedback = feedback_in(tmp_path)
        ask(feedback, "old", "q")
        feedback.vote("old", True, None)
        clock.now += timedelta(days=90)
        ask(feedback, "new", "q")
        feedback.vote("new", True, None)
        clock.now += timedelta(minutes=59)
        feedback.vote("old", True, None)
        clock.now += timedelta(minutes=1)
        feedback.vote("new", False, None)
        assert rows(tmp_path) == [("new", 0, None)]

    def test_with_no_days_nothing_of_a_question_is_kept(
        self, tmp_path: Path, feedback_in: Open, clock: Clock
    ) -> None:
        feedback = feedback_in(tmp_path, 0)
        feedback.answered(UNANSWERED, "a personal question")
        feedback.vote("a", False, "a personal comment")
        kept = "question, query, corpus, document, anchor, title, comment"
        assert rows(tmp_path, kept) == [(None,) * 7]
        assert rows(tmp_path) == [("a", 0, None)]
        assert feedback.gaps(10, 90, NOW) == []
        clock.now += timedelta(days=91)
        feedback_in(tmp_path, 0).close()
        assert rows(tmp_path) == []

    def test_turning_it_off_deletes_what_was_kept(self, tmp_path: Path, feedback_in: Open) -> None:
        feedback = feedback_in(tmp_path)
        feedback.answered(UNANSWERED, "a personal question")
        feedback.close()
        feedback_in(tmp_path, 0).close()
        assert rows(tmp_path) == []
        assert all(b"personal" not in path.read_bytes() for path in tmp_path.iterdir())

    def test_looking_at_gaps_alone_deletes_nothing(
        self, tmp_path: Path, feedback_in: Open, clock: Clock
    ) -> None:
        feedback = feedback_in(tmp_path, 365)
        ask(feedback, "old", "q")
        feedback.close()
        clock.now += timedelta(days=200)
        since = clock.now - timedelta(days=300)
        for _ in range(2):
            (gap,) = kept_gaps(tmp_path, 10, since, apart)
            assert gap.question == "q"
        assert kept_gaps(tmp_path, 10, since + timedelta(days=200), apart) == []
        assert kept_gaps(tmp_path / "nothing", 10, since, apart) == []


class TestGaps:
    def test_unanswered_and_voted_down(
        self, tmp_path: Path, feedback_in: Open, clock: Clock
    ) -> None:
        feedback = feedback_in(tmp_path)
        ask(feedback, 1, "good", ANSWERED)
        ask(feedback, 2, "liked", ANSWERED)
        feedback.vote("2", True, "thanks")
        ask(feedback, 3, "disliked", ANSWERED)
        feedback.vote("3", False, "wrong")
        ask(feedback, 4, "unanswered")
        clock.now += timedelta(seconds=1)
        ask(feedback, 5, "unanswered")
        feedback.vote("5", False, None)
        nearest = NearestSection(
            "default", "docker", "데이터-영속성-volumes", "데이터 영속성 (Volumes)"
        )
        unanswered = Gap(
            question="unanswered",
            language="ko",
            count=2,
            unanswered=2,
            voted_down=1,
            last_asked="2026-03-01T12:00:01+00:00",
            examples=("unanswered?",),
            comments=(),
            nearest=nearest,
        )
        disliked = Gap(
            question="disliked",
            language="ko",
            count=1,
            unanswered=0,
            voted_down=1,
            last_asked="2026-03-01T12:00:00+00:00",
            examples=("disliked?",),
            comments=("wrong",),
            nearest=nearest,
        )
        assert feedback.gaps(10, 90, NOW) == [unanswered, disliked]
        assert feedback.gaps(1, 90, NOW) == [unanswered]
        feedback.vote("3", True, None)
        assert feedback.gaps(10, 90, NOW) == [unanswered]

    def test_equally_many_come_latest_first(
        self, tmp_path: Path, feedback_in: Open, clock: Clock
    ) -> None:
        feedback = feedback_in(tmp_path)
        for query in ("b", "c", "a"):
            ask(feedback, query, query)
            clock.now += timedelta(minutes=1)
        assert [gap.question for gap in feedback.gaps(10, 90, NOW)] == ["a", "c", "b"]

    def test_only_the_days_asked_for(self, tmp_path: Path, feedback_in: Open, clock: Clock) -> None:
        feedback = feedback_in(tmp_path, 30)
        ask(feedback, 1, "q")
        feedback.vote("1", False, None)
        assert feedback.gaps(10, 7, NOW + timedelta(days=7))
        assert not feedback.gaps(10, 7, NOW + timedelta(days=7, seconds=1))
        assert feedback.gaps(10, 90, NOW + timedelta(days=30))
        assert not feedback.gaps(10, 90, NOW + timedelta(days=30, seconds=1))

    def test_what_other_programs_see_while_answers_wait(
        self, tmp_path: Path, feedback_in: Open
    ) -> None:
        one, other = feedback_in(tmp_path), feedback_in(tmp_path)
        ask(one, 1, "q")
        one.vote("1", False, "no")
        assert [gap.comments for gap in other.gaps(10, 90, NOW)] == [("no",)]

    def test_no_question_is_encoded_twice(self, tmp_path: Path, clock: Clock) -> None:
        encoded: list[str] = []

        def vectors(questions: Sequence[str]) -> Floats:
            encoded.extend(questions)
            return apart(questions)

        with closing(Feedback(tmp_path, KEEP, remembered(vectors), clock)) as feedback:
            for number, query in enumerate(["a", "b", "a"]):
                ask(feedback, number, query)
            first = feedback.gaps(10, 90, NOW)
            assert feedback.gaps(10, 90, NOW) == first
            ask(feedback, 3, "c")
            assert [gap.question for gap in feedback.gaps(10, 90, NOW)] == ["a", "b", "c"]
        assert sorted(encoded) == ["a", "b", "c"]

    def test_small_talk_is_no_gap_unless_voted_down(
        self, tmp_path: Path, feedback_in: Open
    ) -> None:
        feedback = feedback_in(tmp_path)
        ask(feedback, 1, "hello", replace(UNANSWERED, closest=None))
        ask(feedback, 2, "hello", replace(UNANSWERED, closest=None))
        assert feedback.gaps(10, 90, NOW) == []
        feedback.vote("2", False, "that was a question")
        (gap,) = feedback.gaps(10, 90, NOW)
        assert (gap.count, gap.voted_down, gap.nearest) == (1, 1, None)

    def test_questions_alike_are_one_gap(
        self, tmp_path: Path, onnx_encoder: OnnxEncoder, clock: Clock
    ) -> None:
        means = {
            language: np.stack(
                [found.vector for found in onnx_encoder.encode(bank[::10], "query")]
            ).mean(axis=0)
            for language in background_questions.LANGUAGES
            if (bank := background_questions.questions(language))
        }
        asked = {
            "swarm": ["도커 스웜 아직도 쓰나요", "도커 스웜 요즘도 사용하나요?"],
            "exec": ["what does docker exec -it do", "what is docker exec -it for"],
            "add": [
                "COPY랑 ADD는 뭐가 달라요?",
                "COPY와 ADD의 차이점",
                "When should I prefer ADD over COPY?",
                "COPY vs ADD",
            ],
            "install": ["우분투에 도커 설치하는 순서 알려주세요", "우분투에서 도커 설치 방법"],
            "price": ["도커 데스크톱 유료인가요?"],
            "bread": ["How do I bake bread?"],
        }
        feedback = Feedback(
            tmp_path, KEEP, lambda found: question_vectors(onnx_encoder, means, found), clock
        )
        with closing(feedback):
            for name, questions in asked.items():
                for number, question in enumerate(questions):
                    # The first one twice, so that it stands for the others.
                    for again in range(1 + (number == 0)):
                        ask(feedback, f"{name}{number}{again}", question)
                        feedback.vote(f"{name}{number}{again}", False, f"{name} {number}")
            found = feedback.gaps(10, 90, NOW)
        assert {gap.question: gap.count for gap in found} == {
            questions[0]: len(questions) + 1 for questions in asked.values()
        }
        assert found[0].question == asked["add"][0]
        assert set(found[0].examples) == {f"{question}?" for question in asked["add"]}
        assert len(found[0].comments) == 5
        assert all(comment.startswith("add ") for comment in found[0].comments)

    @given(
        arrays(
            np.float32,
            st.tuples(st.integers(0, 30), st.just(3)),
            elements=st.floats(-1, 1, width=32),
        )
    )
    def test_every_question_is_in_one_group_near_its_leader(self, found: Floats) -> None:
        vectors = found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-9)
        groups = alike(vectors)
        assert sorted(row for group in groups for row in group) == list(range(len(found)))
        leaders = [group[0] for group in groups]
        assert leaders == sorted(leaders)
        for group in groups:
            assert all(vectors[row] @ vectors[group[0]] > 0.569 for row in group[1:])
        apart_from = vectors[leaders] @ vectors[leaders].T
        assert (apart_from[~np.eye(len(leaders), dtype=bool)] < 0.571).all()


class TestTogether:
    def test_threads(self, tmp_path: Path, feedback_in: Open) -> None:
        feedback = feedback_in(tmp_path)
        failed: list[BaseException] = []

        def work(name: int) -> None:
            try:
                for number in range(20):
                    ask(feedback, f"{name}-{number:02}", f"{name}")
                    feedback.vote(f"{name}-{number:02}", bool(number % 2), f"{name}")
                    if number % 10 == 9:
                        assert feedback.gaps(10, 90, NOW)
            except BaseException as error:
                failed.append(error)

        threads = [threading.Thread(target=work, args=(name,)) for name in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not failed
        expected = [
            (f"{name}-{number:02}", number % 2, f"{name}")
            for name in range(8)
            for number in range(20)
        ]
        assert rows(tmp_path) == expected
        assert feedback.dropped == 0

    def test_processes_that_begin_at_once(self, tmp_path: Path) -> None:
        code = """
print("ready", flush=True)
sys.stdin.readline()
for number in range(10):
    feedback.answered(replace(UNANSWERED, id=f"{sys.argv[2]}-{number}"), "q")
    feedback.vote(f"{sys.argv[2]}-{number}", False, None)
"""
        started = [program(code, str(tmp_path), f"{name}") for name in range(4)]
        for each in started:
            assert each.stdout
            assert each.stdout.readline() == "ready\n"
        for each in started:
            assert each.stdin
            each.stdin.write("go\n")
            each.stdin.flush()
        said = [each.communicate(timeout=60)[1] for each in started]
        assert said == [""] * 4
        assert rows(tmp_path) == [
            (f"{name}-{number}", 0, None) for name in range(4) for number in range(10)
        ]

    def test_a_vote_outlives_a_kill(self, tmp_path: Path, feedback_in: Open) -> None:
        code = """
number = 0
while True:
    feedback.answered(replace(UNANSWERED, id=f"{number}"), "q")
    feedback.vote(f"{number}", False, "comment")
    print(number, flush=True)
    number += 1
"""
        for round_ in range(3):
            folder = tmp_path / f"{round_}"
            child = program(code, str(folder))
            assert child.stdout
            acknowledged = [child.stdout.readline() for _ in range(5 + 20 * round_)]
            child.send_signal(signal.SIGKILL)
            acknowledged += child.communicate(timeout=30)[0].split()
            assert child.returncode == -signal.SIGKILL
            (gap,) = feedback_in(folder).gaps(1, 90, NOW)
            kept = {row[0] for row in rows(folder) if row[1:] == (0, "comment")}
            assert {number.strip() for number in acknowledged} <= kept
            assert gap.voted_down == len(kept)


class TestFaults:
    def test_a_full_disk(self, tmp_path: Path, feedback_in: Open) -> None:
        feedback = feedback_in(tmp_path)
        ask(feedback, "before", "q")
        feedback.vote("before", True, None)
        code = """
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1024, resource.RLIM_INFINITY))
for number in range(3000):
    feedback.answered(replace(UNANSWERED, id=f"{number:04}"), "q")
try:
    feedback.vote("0001", False, None)
except Exception as error:
    print(type(error).__name__, error)
print(feedback.dropped)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
feedback.vote("0001", False, "once there is space")
feedback.close()
print(feedback.dropped)
"""
        said, error = program(code, str(tmp_path)).communicate(timeout=60)
        assert not error
        fault, dropped, after = said.splitlines()
        assert fault.startswith("FeedbackUnwritable Feedback cannot be kept in ")
        assert fault.endswith("Free the space, or name another folder in NOTES_DATA_DIR.")
        assert dropped == after == "1000"
        assert len(rows(tmp_path)) == 2001
        assert rows(tmp_path)[1] == ("0001", 0, "once there is space")
        assert rows(tmp_path)[-1] == ("before", 1, None)

    @pytest.mark.parametrize("damage", ["garbage", "cut", "middle"])
    def test_a_damaged_file(self, tmp_path: Path, feedback_in: Open, damage: str) -> None:
        writer = feedback_in(tmp_path)
        for number in range(500):
            ask(writer, number, f"question {number}")
        writer.close()
        path = tmp_path / FILE
        data = path.read_bytes()
        path.write_bytes(
            {
                "garbage": b"\xa5" * len(data),
                "cut": data[: len(data) // 2],
                "middle": data[:4096] + b"\xa5" * (len(data) - 4096),
            }[damage]
        )
        feedback = feedback_in(tmp_path)
        feedback.answered(replace(UNANSWERED, id="new"), "q")
        for attempt in (
            lambda: feedback.vote("new", True, None),
            lambda: feedback.gaps(10, 90, NOW),
        ):
            with pytest.raises(FeedbackUnwritable, match=r"damaged: move feedback\.sqlite3\* away"):
                attempt()
        for part in tmp_path.glob(f"{FILE}*"):
            part.unlink()
        feedback.vote("new", True, None)
        assert rows(tmp_path) == [("new", 1, None)]

    def test_a_newer_schema(self, tmp_path: Path, feedback_in: Open) -> None:
        with closing(sqlite3.connect(tmp_path / FILE)) as database:
            database.execute("PRAGMA user_version = 99")
        feedback = feedback_in(tmp_path)
        ask(feedback, "a", "q")
        for attempt in (
            lambda: feedback.vote("a", True, None),
            lambda: feedback.gaps(10, 90, NOW),
        ):
            with pytest.raises(FeedbackUnwritable, match="schema 99, this program knows 1"):
                attempt()
        feedback.close()
        assert feedback.dropped == 1

    def test_a_folder_that_cannot_be(self, tmp_path: Path, feedback_in: Open) -> None:
        (tmp_path / "data").write_text("a file stands in the way")
        feedback = feedback_in(tmp_path / "data")
        ask(feedback, "a", "q")
        with pytest.raises(FeedbackUnwritable, match="NOTES_DATA_DIR"):
            feedback.vote("a", True, None)
        assert feedback.gaps(10, 90, NOW) == []
