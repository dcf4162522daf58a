"""Small talk gets what the notes cover; questions that are polite get answers."""

import json

import pytest
from running import ROOT

from assistant.answering.answer import Answer
from assistant.answering.ask import Assistant, Question
from assistant.answering.corpus_outline import subjects
from assistant.interpretation.smalltalk import is_gibberish, prepare, read, without_courtesies
from index.encoding.onnx_encoder import OnnxEncoder

LINES = [
    json.loads(line)
    for line in (ROOT / "benchmarks" / "questions" / "smalltalk.jsonl").read_text().splitlines()
]
DEVELOP = [line for line in LINES if line["part"] == "develop"]
VOLUMES = "데이터-영속성-volumes"
IMAGES = "image-vs-container"
DOCKERFILE = "dockerfile-build-process"
COMPOSE = "docker-compose-orchestration"


def ask(assistant: Assistant, question: str, *history: str) -> Answer:
    return assistant.ask(Question(question, history=history))


def names_topics(assistant: Assistant, answer: Answer) -> bool:
    titles = subjects(assistant.snapshot.notes, 4)
    return all(title in (answer.message or "") for title in titles)


@pytest.mark.parametrize(
    ("text", "language", "begins"),
    [
        ("안녕하세요", "ko", "안녕하세요!"),
        ("안녕하세요!!", "ko", "안녕하세요!"),
        ("hi there", "en", "Hello!"),
        ("Good morning!", "en", "Hello!"),
        ("고마워요", "ko", "네!"),
        ("정말 감사합니다 ^^", "ko", "네!"),
        ("Thank you so much", "en", "You are welcome."),
        ("뭘 물어볼 수 있어?", "ko", "노트에 적힌 문장으로만"),
        ("what can you do?", "en", "Answers come from the notes"),
        ("잘 가", "ko", "네, 또"),
        ("bye bye", "en", "Goodbye."),
        ("ㅁㄴㅇㄹ", "ko", "질문을 알아듣지"),
        ("asdfasdf", "en", "That could not be read"),
        ("xkcdqz vbnqwp", "en", "That could not be read"),
    ],
)
def test_small_talk_gets_what_the_notes_cover(
    docker: Assistant, text: str, language: str, begins: str
) -> None:
    answer = ask(docker, text)
    assert (answer.status, answer.grade) == ("not_covered", "not_covered")
    assert answer.language == language
    assert (answer.message or "").startswith(begins)
    assert names_topics(docker, answer)
    assert answer.closest is None
    assert answer.passages == ()


@pytest.mark.parametrize("text", ["안녕하세요", "thanks", "what can you do?"])
def test_small_talk_within_a_conversation_is_small_talk(docker: Assistant, text: str) -> None:
    assert ask(docker, text, "볼륨이 뭐야?").message == ask(docker, text).message


@pytest.mark.parametrize(
    ("question", "section"),
    [
        ("안녕하세요, 볼륨은 어디에 저장되나요?", VOLUMES),
        ("안녕 도커 컴포즈가 뭐야", COMPOSE),
        ("볼륨은 어디에 저장되나요? 고마워요!", VOLUMES),
        ("도커 볼륨이 뭔가요? 감사합니다", VOLUMES),
        ("Hi, where are volumes stored?", VOLUMES),
        ("Hello! What is the difference between an image and a container?", IMAGES),
        ("Thanks! What does CMD do?", DOCKERFILE),
        ("What is a bind mount? Thanks in advance", VOLUMES),
    ],
)
def test_a_question_beside_a_greeting_is_answered(
    docker: Assistant, question: str, section: str
) -> None:
    answer = ask(docker, question)
    assert answer.status == "answered"
    assert answer.passages[0].section.anchor == section


@pytest.mark.parametrize(
    ("typed", "asked"),
    [
        ("안녕하세요. 볼륨이 뭔가요? 감사합니다!", "볼륨이 뭔가요?"),
        ("Hi, what does CMD do? Thanks in advance 🙏", "what does CMD do?"),
        ("네, app.py는 어디에 두나요? ㄱㅅ", "app.py는 어디에 두나요?"),
        ("볼륨이 뭐야? 안녕, 컨테이너는 뭐야?", "볼륨이 뭐야? 안녕, 컨테이너는 뭐야?"),
        ("아니, 이미지 말고 볼륨", "아니, 이미지 말고 볼륨"),
        ("안녕하세요, 감사합니다.", "안녕하세요, 감사합니다."),
        ("hello world image", "hello world image"),
        ("...", "..."),
    ],
)
def test_courtesies_around_a_question_are_not_searched(typed: str, asked: str) -> None:
    assert without_courtesies(typed) == asked


def test_a_polite_question_is_answered_as_the_bare_one(docker: Assistant) -> None:
    bare, polite = (
        ask(docker, "볼륨이 뭔가요?"),
        ask(docker, "안녕하세요! 볼륨이 뭔가요? 감사합니다."),
    )
    assert polite.confidence == bare.confidence
    assert (polite.query, polite.corrected_from) == (bare.query, None)
    followed = ask(docker, "어디에 저장돼?", "안녕하세요! 볼륨이 뭔가요? 감사합니다.")
    assert followed.query == ask(docker, "어디에 저장돼?", "볼륨이 뭔가요?").query


@pytest.mark.parametrize("word", ["FROM", "CMD", "RUN", "COPY", "yml", "볼륨", "컴포즈", "from"])
def test_words_of_the_notes_are_no_gibberish(docker: Assistant, word: str) -> None:
    answer = ask(docker, word)
    assert not names_topics(docker, answer)
    assert answer.passages or answer.closest


@pytest.mark.parametrize(
    ("text", "noise"),
    [
        ("asdf", True),
        ("ㅁㄴㅇㄹ", True),
        ("12345", True),
        ("아아아아아", True),
        ("asdf 볼륨", False),
        ("비행기 표", False),
        ("cat", False),
        ("refund policy", False),
        ("xyzzyq", True),
    ],
)
def test_gibberish_is_where_no_word_can_be_one(docker: Assistant, text: str, noise: bool) -> None:
    words = docker.lexicon.words(text)
    assert is_gibberish(text, docker.snapshot.contents, words, docker.encoder) is noise


def test_the_development_half_is_told_apart(docker: Assistant) -> None:
    """Marks alone are told that they hold no words; that too leads to no section."""
    told, mistaken = [], []
    for line in DEVELOP:
        answer = ask(docker, line["question"])
        alone = not answer.passages and not answer.closest
        (mistaken if line["kind"] == "question" else told).append((alone, line["question"]))
    assert (len(told), len(mistaken)) == (40, 20)
    assert [text for alone, text in mistaken if alone] == []
    missed = [text for alone, text in told if not alone]
    assert len(missed) <= 1, missed


def test_phrases_come_back_as_they_were_kept(docker: Assistant, onnx_encoder: OnnxEncoder) -> None:
    found = read(
        prepare(docker.snapshot.contents, lambda texts: [*onnx_encoder.encode(texts, "query")])
    )
    assert found.vectors.shape == (len(found.kinds), onnx_encoder.weights.dimension)
    assert abs((found.vectors**2).sum(axis=1) - 1).max() < 0.01
    assert set(found.kinds) == {"greeting", "goodbye", "thanks", "capability"}
    query = docker.query("안녕하세요")
    assert found.kind(docker.snapshot.contents, query, 0.0) == "greeting"
    assert (
        found.kind(docker.snapshot.contents, docker.query("볼륨은 어디에 저장되나요?"), 0.0) is None
    )


def test_noise_as_long_as_a_question_may_be_is_no_answer(docker: Assistant) -> None:
    for text in ("ㅁ" * 2000, "asdf " * 400, "qz" * 1000):
        assert ask(docker, text).grade != "answers"
