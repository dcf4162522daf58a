"""Answers given again, and many questions at once."""

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from assistant.answering.answer import Answer
from assistant.answering.ask import Assistant, Question
from assistant.answering.remembered import Answers
from assistant.http.api import create_app
from assistant.serving.service import Service, open_service
from assistant.serving.worker_pool import WorkerPool
from assistant.settings import Settings
from index import cpus
from index.errors import Overloaded, UnknownName

ASKED = Question("볼륨은 어디에 저장되나요?")
OTHERS = [
    replace(ASKED, text="볼륨은 어디에 저장되나요"),
    replace(ASKED, limit=1),
    replace(ASKED, language="en"),
    replace(ASKED, explain=True),
    replace(ASKED, min_confidence=0.999),
    replace(ASKED, history=("VM이 뭐야?",)),
    replace(ASKED, corpora=("default",)),
    replace(ASKED, documents=("docker",)),
]


@pytest.fixture
def assistant(docker: Assistant) -> Assistant:
    """Return an assistant that remembers nothing yet."""
    return replace(docker)


@pytest.fixture
def service(assistant: Assistant, tmp_path: Path) -> Iterator[Service]:
    """Return a service that keeps what was asked in a folder of its own."""
    opened = open_service(assistant, Settings(data_dir=tmp_path))
    with closing(opened.feedback):
        yield opened


def same(one: Answer, other: Answer) -> bool:
    return replace(one, id="", took_ms=0) == replace(other, id="", took_ms=0)


class TestAnswersGivenAgain:
    def test_it_is_the_same_but_for_its_id(self, service: Service) -> None:
        first, stages = service.timed(ASKED, service.assistant)
        again, stages_again = service.timed(ASKED, service.assistant)
        assert same(first, again)
        assert first.id != again.id
        assert "encode" in stages
        assert set(stages_again) == {"recall"}

    def test_white_space_makes_no_other_question(self, service: Service) -> None:
        service.ask(ASKED)
        spaced = replace(ASKED, text=f"  {ASKED.text.replace(' ', '   ')}\n")
        _, stages = service.timed(spaced, service.assistant)
        assert set(stages) == {"recall"}

    @pytest.mark.parametrize("other", OTHERS)
    def test_whatever_else_is_asked_is_answered_anew(
        self, docker: Assistant, service: Service, other: Question
    ) -> None:
        service.ask(ASKED)
        answer, stages = service.timed(other, service.assistant)
        assert "search" in stages
        assert same(answer, replace(docker).ask(other))

    def test_each_is_counted_and_can_be_voted_on(self, service: Service) -> None:
        question = Question("비행기 표는 어떻게 환불하나요?")
        ids = [service.ask(question).id for _ in range(3)]
        for number, answer_id in enumerate(ids):
            service.feedback.vote(answer_id, False, f"comment {number}")
        (gap,) = service.feedback.gaps(10, 30, datetime.now(UTC))
        assert (gap.count, gap.voted_down, len(gap.comments)) == (3, 3, 3)
        counted = b'notes_stage_seconds_count{stage="%s"} %d.0'
        assert counted % (b"recall", 3) in service.metrics.text()
        assert counted % (b"encode", 1) in service.metrics.text()

    def test_another_version_answers_anew(self, service: Service) -> None:
        service.ask(ASKED)
        service.switch(replace(service.assistant))
        _, stages = service.timed(ASKED, service.assistant)
        assert "encode" in stages

    def test_a_name_that_is_unknown_is_refused_again(self, assistant: Assistant) -> None:
        for _ in range(2):
            with pytest.raises(UnknownName):
                assistant.ask(replace(ASKED, documents=("none",)))

    def test_threads_get_what_they_asked_for(self, assistant: Assistant) -> None:
        expected = [replace(assistant).ask(each) for each in OTHERS]
        wrong: list[Question] = []

        def ask(shift: int) -> None:
            for number in range(3 * len(OTHERS)):
                which = (number + shift) % len(OTHERS)
                if not same(assistant.ask(OTHERS[which]), expected[which]):
                    wrong.append(OTHERS[which])

        threads = [threading.Thread(target=ask, args=(shift,)) for shift in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert wrong == []

    def test_they_do_not_grow_without_end(self, assistant: Assistant) -> None:
        answer = assistant.ask(ASKED)
        answers = Answers(most=20_000)
        for number in range(100):
            answers.keep(number, answer)
        kept = [number for number in range(100) if answers.recall(number)]
        assert 0 < len(kept) < 20
        assert kept[-1] == 99
        Answers(most=100).keep("too large", answer)


class TestTurns:
    def test_who_would_wait_long_is_refused_at_once(self) -> None:
        async def crowd() -> list[int | Overloaded]:
            turns, go_on = WorkerPool(threads=1), threading.Event()
            asked = [
                asyncio.ensure_future(turns.take(lambda each=each: (go_on.wait(), each)[1]))  # type: ignore[misc]
                for each in range(500)
            ]
            while not any(each.done() for each in asked):
                await asyncio.sleep(0.01)
            assert turns.wait > 2
            assert turns.waiting == sum(not each.done() for each in asked) - 1
            go_on.set()
            found = await asyncio.gather(*asked, return_exceptions=True)
            assert turns.wait == 0
            return found  # type: ignore[return-value]

        found = asyncio.run(crowd())
        answered = [each for each in found if isinstance(each, int)]
        assert answered == list(range(len(answered)))
        refused = found[len(answered) :]
        assert refused
        assert all(isinstance(each, Overloaded) and each.seconds == 3 for each in refused)

    def test_the_slower_questions_are_the_fewer_may_wait(self) -> None:
        async def waits() -> tuple[float, float]:
            turns = WorkerPool(threads=1)
            found = []
            for seconds in (0.0, 0.5):
                await turns.take(lambda seconds=seconds: time.sleep(seconds))  # type: ignore[misc]
                asked = asyncio.ensure_future(turns.take(lambda: None))
                await asyncio.sleep(0)
                found.append(turns.wait)
                await asked
            return found[0], found[1]

        before, after = asyncio.run(waits())
        assert after > 2 * before

    def test_a_batch_weighs_as_many_as_it_holds(self) -> None:
        async def weight() -> tuple[int, float]:
            turns, go_on = WorkerPool(threads=1), threading.Event()
            batch = asyncio.ensure_future(turns.take(go_on.wait, 64))
            await asyncio.sleep(0)
            found = turns.waiting, turns.wait
            go_on.set()
            await batch
            return found

        waiting, wait = asyncio.run(weight())
        assert waiting == 63
        assert wait > 0

    def test_who_gives_up_waits_no_longer(self) -> None:
        async def leave() -> tuple[list[str], float]:
            turns, go_on, done = WorkerPool(threads=1), threading.Event(), []
            first = asyncio.ensure_future(turns.take(go_on.wait))
            second = asyncio.ensure_future(turns.take(lambda: done.append("second")))
            await asyncio.sleep(0)
            second.cancel()
            await asyncio.sleep(0)
            go_on.set()
            await first
            await turns.take(lambda: done.append("third"))
            return done, turns.wait

        assert asyncio.run(leave()) == (["third"], 0)

    def test_over_rest_it_is_503_with_the_time_to_come_back(self, service: Service) -> None:
        async def refused() -> httpx.Response:
            go_on = threading.Event()
            held = [asyncio.ensure_future(service.workers.take(go_on.wait, 64)) for _ in range(64)]
            await asyncio.sleep(0)
            transport = httpx.ASGITransport(create_app(service))
            async with httpx.AsyncClient(
                transport=transport, base_url="http://127.0.0.1"
            ) as client:
                response = await client.post("/api/v1/ask", json={"question": ASKED.text})
            go_on.set()
            await asyncio.gather(*held, return_exceptions=True)
            return response

        response = asyncio.run(refused())
        assert response.status_code == 503
        assert response.json()["type"] == "/problems/overloaded"
        assert int(response.headers["Retry-After"]) >= 2


class TestProcessors:
    @pytest.mark.parametrize(
        ("said", "allowed"),
        [
            ("max 100000", None),
            ("150000 100000", 2),
            ("50000 100000", 1),
            ("400000 100000", 4),
            ("", None),
            ("x y", None),
        ],
    )
    def test_a_containers_quota_is_kept(
        self, tmp_path: Path, said: str, allowed: int | None
    ) -> None:
        (tmp_path / "cpu.max").write_text(said)
        assert cpus.quota(tmp_path / "cpu.max") == allowed

    def test_no_quota_is_no_limit(self, tmp_path: Path) -> None:
        assert cpus.quota(tmp_path / "none") is None
        assert cpus.usable_cpus() >= 1
