"""Misspelt questions: mended by the words of the notes, left alone where nothing speaks for it."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assistant.interpretation.spelling import Speller
from index.encoding.onnx_encoder import OnnxEncoder
from index.markdown.passage_splitting import embedded_text, passages
from index.reading.corpus import read
from index.words.analyzer import analyze
from index.words.vocabulary import Vocabulary, collect

(NOTE,) = read({"docker": Path(__file__).parents[3] / "corpus"}).documents
TEXTS = [
    embedded_text(NOTE, passage)
    for passage in passages(NOTE, 0, 256, lambda texts: [len(text) // 2 for text in texts])
]
LINES = [line for text in TEXTS for line in text.splitlines()]

MENDED = {
    # The other keyboard layout.
    "ehzj zjsxpdlsj": "도커 컨테이너",
    "ehzj dlalwl": "도커 이미지",
    "zjsxpdlsjfmf": "컨테이너를",
    "qhffba": "볼륨",
    "애차ㄷㄱ": "docker",
    "애차ㄷㄱ 채ㅡㅔㅐㄴㄷ": "docker compose",
    "ㅑㅡㅁㅎㄷ": "image",
    # Korean nouns, their particles kept.
    "컨테이나를 지우면": "컨테이너를 지우면",
    "켄테이너가 뭐야": "컨테이너가 뭐야",
    "볼룸은 어디에": "볼륨은 어디에",
    "레이여 캐싱": "레이어 캐싱",
    "하드웨아": "하드웨어",
    "데이타베이스는": "데이터베이스는",
    "애플리케이숀에서": "애플리케이션에서",
    "라이브려리": "라이브러리",
    # English words.
    "dokcer volumne": "docker volume",
    "contianer": "container",
    "compoze 파일": "compose 파일",
    "orchestraton": "orchestration",
    "isolaton": "isolation",
    "pyhton ngnix": "python nginx",
    # Names of files and settings.
    "depend_on 은 언제 써?": "depends_on 은 언제 써?",
    "docker-compse.yml": "docker-compose.yml",
    "requirments.txt": "requirements.txt",
    "depend_on=1": "depends_on=1",
    # Spaces, a word of the notes or a name that nobody knows left whole.
    "왜도커를쓰는거야": "왜 도커를 쓰는 거야",
    "테라폼에서는배포를어떻게해": "테라폼에서는 배포를 어떻게 해",
}
KEPT = [
    # Particles and verbs.
    "컨테이너를 지우면 데이터는 어떻게 되나요?",
    "볼륨을 삭제하면 어떻게 돼?",
    "이미지랑 컨테이너 차이",
    "컴포즈는 왜 쓰나요",
    "Dockerfile에서 COPY는 어디에 두는 게 좋아?",
    "빨라지나요? 느려요.",
    "ㅠㅠ 컨테이너가 안 떠요",
    # Latin words typed on purpose.
    "vm이랑 도커 차이",
    "도커 vm 차이",
    "wsl 꼭 깔아야 하나요",
    # General language.
    "오늘 날씨 어때?",
    "안녕하세요",
    "How do containers work?",
    "what is a registry",
    "hello, I don't know the cat's name",
    # Technical words that these notes do not have.
    "podman vs docker",
    "docker swarm",
    "buildx",
    "kubernetes registry login",
    "k8s helm",
    "도커 스웜이 뭐야?",
    "쿠버네티스 스테이트풀셋",
    "깃허브 레지스트리",
    "레이아웃",
    "쿠버네티스에서는 어떻게 해요?",
    "엘라스틱서치에서는 왜 느려요?",
    "docker-compose.yaml, docker-compose.yml and docker-compose.ymls",
    "depends_on2 in /etc/depend_on and --depend_on",
    # Not words at all.
    "ㅋㅋ",
    "asdf qwer",
    "123 456",
    "C++",
    "🐳 ?!",
    "",
]


@pytest.fixture(scope="module")
def speller(onnx_encoder: OnnxEncoder) -> Speller:
    """Return what mends questions about the notes; one piece is a word of general language."""
    words = sorted({word for text in TEXTS for word in analyze(text)})
    return Speller(collect(TEXTS, ()), lambda word: onnx_encoder.count_tokens([word]) == [1], words)


@pytest.mark.parametrize("question", MENDED)
def test_a_mistake_is_mended(speller: Speller, question: str) -> None:
    assert speller.mend(question) == MENDED[question]


@pytest.mark.parametrize("question", KEPT)
def test_what_is_no_mistake_stays(speller: Speller, question: str) -> None:
    assert speller.mend(question) == question


@pytest.mark.parametrize("question", MENDED)
def test_what_is_mended_stays(speller: Speller, question: str) -> None:
    assert speller.mend(MENDED[question]) == MENDED[question]


def test_the_notes_themselves_stay(speller: Speller) -> None:
    assert [speller.mend(line) for line in LINES] == LINES


@given(words=st.lists(st.sampled_from(sorted({w for line in LINES for w in line.split()}))))
def test_any_words_of_the_notes_stay(speller: Speller, words: list[str]) -> None:
    text = " ".join(words)
    assert speller.mend(text) == text


_ALPHABETS = ["qwertyuiop ASDFG'", "가나다라컨테이너를 은는", "ㄱㄴㄷㅏㅑㅠㅡ ab", "🐳é漢1 _-"]


@given(st.one_of(st.text(), *(st.text(alphabet) for alphabet in _ALPHABETS)))
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_any_text_can_be_mended(speller: Speller, text: str) -> None:
    assert isinstance(speller.mend(text), str)


def test_a_word_without_end_stays(speller: Speller) -> None:
    for word in ("가" * 2000, "도커컨테이너" * 300 + "x"):
        assert speller.mend(word).replace(" ", "") == word


def test_notes_without_words_change_no_letter() -> None:
    empty = Speller(Vocabulary({}, {}, ()), lambda word: False)
    for question in MENDED:
        if not any(letter.isascii() and letter.isalpha() for letter in question):
            assert empty.mend(question).replace(" ", "") == question.replace(" ", "")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("where are volmue files stroed", "where are volume files stored"),
        ("how do i instal pyhton 3.8", "how do i instal python 3.8"),
        ("deadlock detcted error", "deadlock detected error"),
        ("whatkind ofplatform isdocker", "what kind of platform is docker"),
        ("several containersfrom one image", "several containers from one image"),
        ("bindmount or volume", "bind mount or volume"),
    ],
)
def test_misspelt_english(speller: Speller, typed: str, meant: str) -> None:
    assert speller.mend(typed) == meant


@pytest.mark.parametrize(
    "question",
    [
        "how to run rootless podman with buildx",
        "kubectl describe pod, nginx tmpfs containerd shim",
        "systemd service restart; healthcheck interval",
        "useEffect in ReplicaSets and DaemonSet",
        "legacy-peer-deps in kustomization.yaml at /var/lib/dokcer",
        "the provider's lifecycle, hostname and namespace",
        "which config file? runtime, whitespace, upgrade, login",
    ],
)
def test_names_and_compounds_stay(speller: Speller, question: str) -> None:
    assert speller.mend(question) == question
