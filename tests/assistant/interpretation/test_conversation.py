"""Questions that follow up on others: what is joined, what is remembered, what is found."""

import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import reduce

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from assistant.answering.answer import Answer
from assistant.answering.ask import MAX_HISTORY, MAX_QUESTION, Assistant, Question
from assistant.interpretation.follow_ups import Memory, Turn, corrected, together
from assistant.retrieval.retrieve import Query
from index.encoding.encoder import Encoding

VOLUMES = "데이터-영속성-volumes"
IMAGES = "image-vs-container"
DOCKERFILE = "dockerfile-build-process"
COMPOSE = "docker-compose-orchestration"
MACHINES = "vm-vs-docker-container"
DIMENSION = 4
WORDS = ("이미지", "볼륨", "을", "말고", "아니라", "됐고", "대신", "not", "the", "but", "and", "it")


class TestCorrected:
    @pytest.mark.parametrize(
        ("text", "wrong", "right"),
        [
            ("아니 이미지 말고 볼륨", "이미지", "볼륨"),
            ("이미지를 말고 볼륨은 어디 있어?", "이미지", "볼륨은 어디 있어"),
            ("컨테이너가 아니라 이미지는?", "컨테이너", "이미지는"),
            ("컴포즈는 아니고 Dockerfile", "컴포즈", "Dockerfile"),
            ("컴포즈 됐고 볼륨 알려줘", "컴포즈", "볼륨 알려줘"),
            ("docker-compose.yml 말고 Dockerfile", "docker-compose.yml", "Dockerfile"),
            ("not the image, volumes", "image", "volumes"),
            ("no, not images, volumes please", "images", "volumes please"),
            ("not a container but an image", "container", "an image"),
            ("volumes, not images", "images", "volumes"),
            ("I meant compose, not the volume.", "volume", "I meant compose"),
            ("the VOLUME, NOT the IMAGE!", "IMAGE", "the VOLUME"),
        ],
    )
    def test_what_is_taken_back_and_what_is_put_there(
        self, text: str, wrong: str, right: str
    ) -> None:
        assert corrected(text) == (wrong, right)

    @pytest.mark.parametrize(
        "text",
        [
            "볼륨은 어디에 저장되나요?",
            "말고",
            "이미지가 아니야?",
            "why not?",
            "Is data lost or not",
            "what is notable, but short",
        ],
    )
    def test_what_takes_nothing_back_stays_whole(self, text: str) -> None:
        assert corrected(text) == ("", text)

    @given(
        st.one_of(
            st.text(max_size=60),
            st.lists(
                st.sampled_from([*WORDS, ",", ".", "?", "-", "\n"]),
                max_size=12,
            ).map(" ".join),
        )
    )
    def test_both_parts_stand_in_the_text(self, text: str) -> None:
        wrong, right = corrected(text)
        assert wrong in text
        assert right in text
        assert right == text or wrong


@st.composite
def queries(draw: st.DrawFn) -> Query:
    """Return a query of words, one token each, between two special tokens."""
    words = draw(
        st.lists(st.sampled_from(["볼륨", "image", "👍🏽", "é", "a"]), min_size=1, max_size=4)
    )
    offsets, at = [(-1, -1)], 0
    for word in words:
        offsets.append((at, at + len(word)))
        at += len(word) + 1
    offsets.append((-1, -1))
    numbers = st.floats(-2, 2, width=32)
    row = st.lists(numbers, min_size=DIMENSION, max_size=DIMENSION)
    rows = draw(st.lists(row, min_size=len(offsets), max_size=len(offsets)))
    states = np.asarray(rows, np.float32)
    vector = states.mean(axis=0)
    encoding = Encoding(vector, states, np.asarray(offsets, np.int32))
    return Query(" ".join(words), draw(st.sampled_from(["ko", "en"])), encoding, tuple(words))


class TestTogether:
    @given(st.lists(queries(), min_size=2, max_size=4))
    def test_the_vector_is_the_unit_mean_of_all_states(self, parts: list[Query]) -> None:
        rows = [row for part in parts for row in part.encoding.states.tolist()]
        mean = [sum(column) / len(rows) for column in zip(*rows, strict=True)]
        length = sum(value**2 for value in mean) ** 0.5
        assume(length > 1e-3)
        found = reduce(together, parts).encoding
        assert found.vector.dtype == np.float32
        np.testing.assert_allclose(found.vector, np.divide(mean, length), atol=1e-3)
        np.testing.assert_array_equal(found.states, np.asarray(rows, np.float32))

    @given(st.lists(queries(), min_size=2, max_size=4))
    def test_offsets_point_into_the_joined_text(self, parts: list[Query]) -> None:
        found = reduce(together, parts)
        assert found.text == " ".join(part.text for part in parts)
        assert found.words == tuple(word for part in parts for word in part.words)
        assert found.language == parts[-1].language
        spans = found.encoding.offsets.tolist()
        assert spans.count([-1, -1]) == 2 * len(parts)
        read = [found.text[start:end] for start, end in spans if start >= 0]
        assert read == [word for part in parts for word in part.words]

    def test_no_states_to_speak_of_give_no_direction(self) -> None:
        still = Encoding(
            np.zeros(2, np.float32), np.zeros((1, 2), np.float32), np.array([[0, 1]], np.int32)
        )
        found = together(Query("a", "en", still, ()), Query("b", "en", still, ()))
        assert found.encoding.vector.tolist() == [0, 0]

    def test_with_the_real_encoder_it_is_the_mean_of_what_was_encoded(
        self, docker: Assistant
    ) -> None:
        first, second = docker.query("볼륨이 뭐야?"), docker.query("where is it stored?")
        found = together(first, second)
        states = np.concatenate([first.encoding.states, second.encoding.states]).astype(np.float64)
        mean = states[:, -len(found.encoding.vector) :].mean(axis=0)
        np.testing.assert_allclose(
            found.encoding.vector, mean / np.linalg.norm(mean), rtol=0, atol=1e-5
        )
        near = [
            found.encoding.sentence_embedding @ each.encoding.sentence_embedding
            for each in (first, second)
        ]
        assert near[0] == pytest.approx(near[1], abs=1e-5)
        assert np.linalg.norm(found.encoding.sentence_embedding) == pytest.approx(1, abs=1e-5)
        for start, end in found.encoding.offsets.tolist():
            assert (start == end == -1) or found.text[start:end]


class TestTurn:
    def test_the_last_three_are_kept(self) -> None:
        turn = Turn(("a", "b", "c", "d"), (0, 0), "title")
        assert turn.joined("e") == ("c", "d", "e")

    def test_long_ones_are_cut_and_the_question_is_not(self) -> None:
        turn = Turn(("가" * 2000, "b"), (0, 0), "title")
        assert turn.joined("나" * 2000) == ("가" * 200, "b", "나" * 2000)

    def test_what_is_taken_back_goes_from_what_was_asked(self) -> None:
        turn = Turn(("도커 이미지가 뭐야?", "Image"), (0, 0), "title")
        assert turn.joined("이미지 말고 볼륨") == ("도커 뭐야?", "Image", "볼륨")
        assert turn.joined("volumes, not IMAGE") == ("도커 이미지가 뭐야?", "volumes")


class TestMemory:
    def test_what_was_kept_is_recalled_and_nothing_else(self) -> None:
        memory = Memory()
        turn = Turn(("a",), (0, 1), "A")
        memory.keep(("a",), turn)
        assert memory.recall(("a",)) == turn
        assert memory.recall(("a", "b")) is None
        assert memory.recall(()) is None
        assert Memory().recall(("a",)) is None

    def test_what_was_not_asked_for_longest_is_forgotten(self) -> None:
        memory = Memory()
        for number in range(4096):
            memory.keep((str(number),), Turn((), (0, number), ""))
        assert memory.recall(("0",)) is not None
        memory.keep(("new",), Turn((), (0, 0), ""))
        assert memory.recall(("1",)) is None
        assert memory.recall(("0",)) is not None
        assert memory.recall(("new",)) is not None

    def test_threads_do_not_mix_conversations(self) -> None:
        memory = Memory()

        def work(seed: int) -> list[tuple[int, int]]:
            numbers = random.Random(seed)  # noqa: S311
            wrong = []
            for _ in range(3000):
                number = numbers.randrange(9000)
                memory.keep((str(number),), Turn((), (0, number), ""))
                other = numbers.randrange(9000)
                found = memory.recall((str(other),))
                if found and found.section[1] != other:
                    wrong.append((other, found.section[1]))
            return wrong

        with ThreadPoolExecutor(8) as threads:
            assert [wrong for wrong in threads.map(work, range(8)) if wrong] == []


def ask(assistant: Assistant, *questions: str) -> Answer:
    """Return the answer to the last of these questions."""
    return assistant.ask(Question(questions[-1], history=questions[:-1]))


def first(answer: Answer) -> str:
    return answer.passages[0].section.anchor if answer.passages else ""


def said(answer: Answer) -> object:
    """Return what an answer says, without what each answer has of its own."""
    return replace(answer, id="", took_ms=0)


CONVERSATIONS = {
    "follow-up": (("볼륨이 뭐야?", "그건 어디에 저장돼?"), VOLUMES),
    "follow-up, what it does": (("컨테이너를 지우면 데이터는?", "그럼 어떻게 남겨?"), VOLUMES),
    "follow-up, English": (
        ("How is a VM different from a container?", "which one starts faster?"),
        MACHINES,
    ),
    "follow-up, compose": (("What is docker compose?", "what does its yml file hold?"), COMPOSE),
    "follow-up to a follow-up": (
        ("도커 컴포즈가 뭐예요?", "Dockerfile에서 FROM은 무슨 뜻이야?", "그럼 CMD는?"),
        DOCKERFILE,
    ),
    "change of topic": (
        ("볼륨은 어디에 저장되나요?", "VM보다 컨테이너가 가벼운 이유가 뭐야?"),
        MACHINES,
    ),
    "change of topic, English": (
        ("What is Docker Compose for?", "Which Dockerfile instruction runs a command?"),
        DOCKERFILE,
    ),
    "change of topic, volumes": (
        ("도커 컴포즈가 뭐예요?", "볼륨이랑 바인드 마운트는 뭐가 달라요?"),
        VOLUMES,
    ),
    "correction": (("도커 볼륨이 뭐야?", "볼륨 말고 컴포즈"), COMPOSE),
    "correction, Dockerfile": (("볼륨이 뭐야?", "아니, 볼륨 말고 Dockerfile"), DOCKERFILE),
    "ellipsis": (("Dockerfile에서 RUN이 하는 일은?", "COPY는?"), DOCKERFILE),
    "ellipsis, without a cue": (
        ("컨테이너를 삭제하면 데이터는 어떻게 돼?", "안 사라지게 하려면?"),
        VOLUMES,
    ),
    "ellipsis, English": (("What does RUN do in a Dockerfile?", "COPY?"), DOCKERFILE),
    "small talk first": (("안녕하세요", "볼륨이 뭐야?", "고마워요", "어디에 보관돼?"), VOLUMES),
    "small talk, English": (
        ("Hello", "What is a volume?", "thanks", "where is it stored?"),
        VOLUMES,
    ),
}


class TestConversations:
    @pytest.mark.parametrize("name", CONVERSATIONS)
    def test_the_right_section_comes_first(self, docker: Assistant, name: str) -> None:
        questions, section = CONVERSATIONS[name]
        assert first(ask(docker, *questions)) == section

    def test_what_follows_up_is_not_answered_by_itself(self, docker: Assistant) -> None:
        """Without what was asked before, the same words are met less surely."""
        alone = ask(docker, "what does its yml file hold?")
        followed = ask(docker, "What is docker compose?", "what does its yml file hold?")
        assert followed.confidence > alone.confidence
        assert ask(docker, "뭐가 더 빨리 켜져?").query == "뭐가 더 빨리 켜져?"

    @pytest.mark.parametrize("name", CONVERSATIONS)
    def test_memory_changes_nothing(self, docker: Assistant, name: str) -> None:
        questions, _ = CONVERSATIONS[name]
        going_on = replace(docker)
        asked = [ask(going_on, *questions[: n + 1]) for n in range(len(questions))]
        assert said(ask(replace(docker), *questions)) == said(asked[-1])
        assert said(ask(going_on, *questions)) == said(asked[-1])

    def test_query_shows_what_was_searched(self, docker: Assistant) -> None:
        joined = ask(docker, "What is an image?", "and how is it different from a container?")
        assert joined.query == "What is an image? and how is it different from a container?"
        titled = ask(docker, "볼륨이 뭐야?", "그건 어디에 저장돼?")
        assert titled.query == "데이터 영속성 (Volumes) 그건 어디에 저장돼?"
        alone = ask(docker, "볼륨이 뭐야?", "VM보다 컨테이너가 가벼운 이유가 뭐야?")
        assert alone.query == "VM보다 컨테이너가 가벼운 이유가 뭐야?"
        assert alone.corrected_from is None

    @pytest.mark.parametrize(
        "talk", ["안녕하세요", "고마워요", "thanks a lot", "🐳🐳", "넌 뭘 할 수 있어?"]
    )
    def test_small_talk_is_no_topic(self, docker: Assistant, talk: str) -> None:
        without = ask(docker, "볼륨이 뭐야?", "어디에 보관돼?")
        for history in (("볼륨이 뭐야?", talk), (talk, "볼륨이 뭐야?")):
            assert said(ask(docker, *history, "어디에 보관돼?")) == said(without)
        assert said(ask(docker, talk, "어디에 보관돼?")) == said(ask(docker, "어디에 보관돼?"))

    def test_ten_long_questions_do_not_push_this_one_out(self, docker: Assistant) -> None:
        words = "Dockerfile 명령어는 위에서 아래로 읽고 레이어를 만든다고 하던데 "
        long = [f"{number} {words * 60}"[:MAX_QUESTION] for number in range(MAX_HISTORY)]
        assert {len(text) for text in long} == {MAX_QUESTION}
        asked = ask(docker, *long, "볼륨은 어디에 저장되나요?")
        assert first(asked) == VOLUMES
        assert asked.query.endswith("볼륨은 어디에 저장되나요?")
        follow_up = ask(docker, *long[1:], "볼륨이 뭐야?", "그건 어디에 저장돼?")
        assert first(follow_up) == VOLUMES
        turn = docker.turn(tuple(" ".join(text.split()) for text in long))
        assert turn is not None
        *before, last = turn.joined("그건 어디에 저장돼?")
        assert last == "그건 어디에 저장돼?"
        assert all(len(text) <= 200 for text in before)

    @pytest.mark.parametrize("history", [("",), ("   ",), ("🐳", "!?"), ("\u200b",)])
    def test_history_without_words_is_none(
        self, docker: Assistant, history: tuple[str, ...]
    ) -> None:
        asked = docker.ask(Question("볼륨이 뭐야?", history=history))
        assert said(asked) == said(ask(docker, "볼륨이 뭐야?"))

    @pytest.mark.parametrize(
        ("before", "question"),
        [
            ("볼륨이 뭐야?", "비행기 표는 어떻게 환불하나요?"),
            ("How is a VM different from a container?", "best pasta recipe"),
            ("도커 컴포즈가 뭐예요?", "된장찌개 맛있게 끓이는 비결"),
        ],
    )
    def test_what_the_notes_do_not_cover_stays_uncovered(
        self, docker: Assistant, before: str, question: str
    ) -> None:
        asked = ask(docker, before, question)
        assert asked.grade == "not_covered"
        assert asked.query == question
        assert asked.closest is not None
