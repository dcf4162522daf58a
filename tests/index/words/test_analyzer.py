"""Words for lexical search: what counts as one, and in which form."""

import subprocess
import sys
import unicodedata
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st
from running import ROOT

from index.language import language
from index.normalising import normalise
from index.words.analyzer import analyze, morphemes, stem

WORDS = {
    # Korean: particles and endings dropped, verbs by stem, compounds whole and by part.
    "컨테이너를 지우면 데이터는 어떻게 되나요?": ["컨테이너", "지우", "데이터"],
    "데이터베이스에서": ["데이터베이스", "데이터", "베이스"],
    "사라지나요? 사라졌다.": ["사라지", "사라지"],
    "이미지를 만들었다": ["이미지", "만들"],
    "가볍고 빠른": ["가볍", "빠르"],
    "가상 머신이 무겁다": ["가상", "머신", "무겁"],
    "도커컴포즈": ["도커", "컴포즈"],
    "2개의 컨테이너": ["2", "개", "컨테이너"],
    "그건 왜 좀 더 잘 안 돼요?": [],
    # English: stems, stop words dropped, what many commands are called kept.
    "containers are running": ["contain", "run"],
    "How do I start several containers at once?": ["start", "sever", "contain"],
    "it works on my machine": ["work", "machin"],
    "docker compose up, docker compose down": [
        "docker",
        "compos",
        "up",
        "docker",
        "compos",
        "down",
    ],
    "the a of don't": [],
    # Identifiers: whole and by part.
    "docker-compose.yml": ["docker-compose.yml", "docker", "compos", "yml"],
    "/var/lib/docker/volumes": ["var/lib/docker/volumes", "var", "lib", "docker", "volum"],
    "~/.ssh/config": ["ssh/config", "ssh", "config"],
    "--rm": ["--rm", "rm"],
    "CMD": ["cmd"],
    "StatefulSet": ["statefulset", "state", "set"],
    "HTTPServer": ["httpserver", "http", "server"],
    "depends_on": ["depends_on", "depend", "on"],
    "v1.2": ["v1.2", "v", "1", "2"],
    "requirements.txt": ["requirements.txt", "requir", "txt"],
    "node:18-alpine": ["node:18-alpine", "node", "18", "alpin"],
    "CI/CD": ["ci/cd", "ci", "cd"],
    # Mixed.
    "Dockerfile에서 COPY를 아래쪽에 둔다": ["dockerfil", "copi", "아래쪽", "아래", "쪽", "두"],
    "스케일 아웃(scale-out)이": ["스케일", "아웃", "scale-out", "scale", "out"],
    "도커\t이미지\nlayer": ["도커", "이미지", "layer"],
    "漢字 문서 café": ["漢字", "문서", "café"],
    # What no one sees stands in no word, and width is no difference.
    "자\u200b동 갱\ufeff신\u200d은 co\u00adpied": ["자동", "갱신", "copi"],
    "Ｄｏｃｋｅｒ－ｃｏｍｐｏｓｅ　１２．５": [
        "docker-compose",
        "docker",
        "compos",
        "12.5",
        "12",
        "5",
    ],
    "기본\u00a0값\u3164ﬁle": ["기본", "값", "file"],
    # Nothing to search for.
    "": [],
    " \n\t": [],
    "🐳🚢 👨‍👩‍👧": [],
    "… — -- * ()": [],
    "_ ___": [],
}


@pytest.mark.parametrize("text", WORDS)
def test_words(text: str) -> None:
    assert analyze(text) == WORDS[text]


@pytest.mark.parametrize("text", WORDS)
def test_decomposed_hangul_is_the_same_text(text: str) -> None:
    assert analyze(unicodedata.normalize("NFD", text)) == WORDS[text]


@given(st.text())
def test_any_text_gives_words_that_are_not_empty(text: str) -> None:
    assert all(word and not word.isspace() for word in analyze(text))


def test_many_threads_at_once() -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(analyze, [*WORDS] * 40))
    assert found == [*WORDS.values()] * 40


def test_morphemes_come_with_their_tags() -> None:
    assert morphemes("컨테이너를") == (("컨테이너", "NNG"), ("를", "JKO"))
    assert morphemes("") == ()


def test_stems_join_the_forms_of_a_word() -> None:
    assert stem("volumes") == stem("volume")
    assert stem("caching") == stem("cache")


@pytest.mark.skipif(sys.platform != "linux", reason="it asks Linux what is mapped")
def test_threads_share_one_dictionary() -> None:
    code = """
import threading
from index.words import analyze

found = []
read = lambda: found.append(analyze("볼륨은 어디에"))
threads = [threading.Thread(target=read) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
with open("/proc/self/maps") as maps:
    print(found == [["볼륨"]] * 4, sum("sys.dic" in line for line in maps))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.returncode) == ("True 1\n", 0), done.stderr


@given(st.lists(st.text(alphabet="a가1ᄀ\u1161\u200b\u200d\u0301 ｶﾞＡﬁ²👩\u3000", max_size=6)))
def test_lines_are_normalised_alike_alone_and_together(lines: list[str]) -> None:
    """Where tokens stand is counted line by line."""
    assert normalise("\n".join(lines)) == "\n".join(map(normalise, lines))
    assert normalise(normalise("\n".join(lines))) == normalise("\n".join(lines))


@pytest.mark.parametrize(
    ("text", "spoken"),
    [("２ｎｄ　ｐｏｒｔ", "en"), ("p\u200bo\u200br\u200bt 값", "ko"), ("도\u200b커", "ko")],
)
def test_the_language_is_told_by_what_is_seen(text: str, spoken: str) -> None:
    assert language(text) == spoken
