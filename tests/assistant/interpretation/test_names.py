"""Names that the notes never mention: found in a question, said in words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.answering.messages import caveat
from assistant.interpretation.names import names
from index.language import language


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("docker swarm이 뭐야?", ["swarm"]),
        ("파드맨이랑 도커 차이", ["파드맨", "도커"]),
        ("포트 포워딩은 어떻게 해?", ["포워딩"]),
        ("what is docker swarm", ["swarm"]),
        ("Can I use kubectl here?", ["kubectl"]),
        ("how much memory does it need", []),
        ("왜 이렇게 느려요?", []),
        ("?", []),
    ],
)
def test_a_question_s_names(question: str, expected: list[str]) -> None:
    found = [name for name, _ in names(question, language(question))]
    assert set(expected) <= set(found)
    assert len(found) <= len(expected) + 1


@given(st.text(max_size=60))
def test_a_name_stands_in_its_question(text: str) -> None:
    for name, words in names(text, language(text)):
        assert name in text
        assert words


@pytest.mark.parametrize(
    ("missing", "expected"),
    [
        (("포워딩",), "노트에 ‘포워딩’은 나오지 않아요."),
        (("쿠버네티스",), "노트에 ‘쿠버네티스’는 나오지 않아요."),
        (("swarm",), "노트에 ‘swarm’은(는) 나오지 않아요."),
        (("데스크톱", "가격"), "노트에 ‘데스크톱’, ‘가격’은 나오지 않아요."),
        ((), "노트에는 이 내용이 없어요."),
    ],
)
def test_what_the_notes_lack_is_said_by_name(missing: tuple[str, ...], expected: str) -> None:
    assert caveat("not_covered", "ko", missing) == expected


def test_it_is_said_in_english_and_where_something_is_near() -> None:
    assert caveat("not_covered", "en", ("swarm",)) == "The notes do not mention ‘swarm’."
    near = caveat("may_answer", "en", ("swarm",))
    assert near.startswith("The notes do not mention ‘swarm’. ")
    assert caveat("may_answer", "ko", ()) != near
