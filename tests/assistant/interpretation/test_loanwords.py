"""Loanwords: the same word in Hangul and Latin letters is found from either side."""

import pytest

from assistant.interpretation.lexicon import Lexicon
from assistant.interpretation.loanwords import likeness, same, skeleton
from index.words.lexical import index_words
from index.words.vocabulary import Vocabulary

SAME = {
    "bind": "바인드",
    "build": "빌드",
    "compose": "컴포즈",
    "container": "컨테이너",
    "docker": "도커",
    "guest": "게스트",
    "kernel": "커널",
    "kubernetes": "쿠버네티스",
    "memory": "메모리",
    "network": "네트워크",
    "process": "프로세스",
    "redis": "레디스",
    "registry": "레지스트리",
    "runtime": "런타임",
    "token": "토큰",
}
DIFFERENT = [
    ("docker", "데이터"),
    ("image", "마운트"),
    ("image", "머지"),
    ("volume", "빌드"),
    ("port", "파드"),
    ("log", "락"),
    ("file", "볼륨"),
    ("cache", "소스"),
    ("host", "서버"),
    ("kernel", "클래스"),
    ("layer", "라이브러리"),
    ("container", "컴포즈"),
    ("test", "데스크"),
    ("option", "버전"),
    ("data", "도커"),
]


@pytest.mark.parametrize("latin", SAME)
def test_the_same_word(latin: str) -> None:
    hangul = SAME[latin]
    assert skeleton(latin) == skeleton(hangul) != ""
    assert same(latin, hangul)
    assert same(latin.upper(), hangul)


@pytest.mark.parametrize(("latin", "hangul"), DIFFERENT)
def test_other_words(latin: str, hangul: str) -> None:
    assert not same(latin, hangul)


def test_one_word_has_one_partner() -> None:
    for latin in SAME:
        assert [other for other in SAME.values() if same(latin, other)] == [SAME[latin]]


@pytest.mark.parametrize("word", ["", "a", "io", "you", "이", "아이", "도", "ㅋㅋ", "🐳"])
def test_words_of_few_consonants_say_too_little(word: str) -> None:
    assert skeleton(word) == ""


def test_likeness_runs_from_nothing_to_one() -> None:
    assert likeness("token", "토큰") > likeness("volume", "볼륨") > likeness("log", "락") == 0
    assert likeness("DOCKER", "도커") == likeness("docker", "도커")


def lexicon(
    *texts: str, latin: str = "", hangul: str = "", glossary: tuple[tuple[str, ...], ...] = ()
) -> Lexicon:
    """Return a lexicon of notes whose words, as the analyzer gives them, are these."""
    words = Vocabulary(dict.fromkeys(latin.split(), 1), dict.fromkeys(hangul.split(), 1), glossary)
    return Lexicon(words, index_words([text.split() for text in texts]), lambda word: False)


class TestLexicon:
    def test_a_word_in_the_other_script_meets_the_notes(self) -> None:
        korean = lexicon("컴포즈 파일", hangul="컴포즈 파일 컨테이너")
        assert korean.words("What is Compose?") == ("compos", "컴포즈")
        english = lexicon("compos file", latin="compose file container")
        assert english.words("컴포즈는 뭐야?")[0] == "컴포즈"
        assert english.words("컴포즈는 뭐야?")[-1] == "compos"

    def test_a_word_that_the_notes_have_stays_as_it_is(self) -> None:
        both = lexicon("컴포즈 compos", latin="compose", hangul="컴포즈")
        assert both.words("컴포즈") == ("컴포즈",)
        assert both.words("compose") == ("compos",)

    def test_a_word_without_a_partner_stays_as_it_is(self) -> None:
        assert lexicon("컴포즈", hangul="컴포즈").words("podman") == ("podman",)
        assert lexicon("", latin="", hangul="").words("podman 도커") == ("podman", "도커")
        assert lexicon("컴포즈", hangul="컴포즈").words("") == ()

    def test_the_glossary_adds_the_other_terms(self) -> None:
        found = lexicon(
            "가상 머신",
            "vm",
            hangul="가상 머신",
            glossary=(("VM", "가상 머신"), ("k8s", "쿠버네티스")),
        )
        assert found.words("vm") == ("vm", "가상", "머신")
        assert found.words("가상 머신이란?") == ("가상", "머신", "vm")
        assert found.words("도커") == ("도커",)
