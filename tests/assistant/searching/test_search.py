"""Search boxes: ranked sections while typing, with filters, pages, highlights and snippets."""

import html
import re
from collections.abc import Callable
from pathlib import Path
from unicodedata import normalize

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from assistant.answering.ask import Assistant
from assistant.searching.search_box import Results, SearchHit, search
from index.building.index_build import build
from index.encoding.onnx_encoder import OnnxEncoder
from index.errors import NotesError, QuestionError, UnknownName
from index.reading.corpus import read
from index.words.analyzer import analyze, spans

CORPUS = Path(__file__).parents[3] / "corpus"
VOLUMES = "데이터-영속성-volumes"
COMPOSE = "docker-compose-orchestration"
DOCKERFILE = "dockerfile-build-process"
QUESTIONS = [
    "컨테이너를 지우면 데이터는 어떻게 되나요?",
    "docker compose는 왜 쓰나요?",
    "bind mount",
    "볼륨",
    "컨테",
    "contai",
    "docker-com",
    "d",
    "ㅂ",
]
HOSTILE = f"""# <script>alert(1)</script> 항해

고래 <img src=x onerror=alert(1)> 와 `<b>고래</b>` & "따옴표" '고래' </mark><script>고래</script>.

```html
<mark onmouseover="alert(1)">고래</mark> &lt;고래&gt; ]]> <!-- 고래
```

| 이름 | <i>뜻</i> |
|---|---|
| 고래<script> | "onload=alert(1) 고래 |

## 🐳 {normalize("NFD", "고래의 잠수")}

👩‍🚀 {normalize("NFD", "깊은 바다의 고래는")} cafe\u0301 옆에서 q\u0300고래 q\u0300 잔다.
👨‍👩‍👧고래👨‍👩‍👧 논다. \u202e고래\u202c.

{"아주 긴 문장은 " * 40}고래{" 끝없이 이어진다" * 40}.

{"가" * 400}고래{"나" * 400}
"""
SMALL = """# 항해 안내

## 컨테이너선

컨테이너를 싣고 바다를 건너는 배다. 부두에서 크레인으로 옮겨 싣는다.
"""
UNSEEN = """# 기기

## 펌\u200b웨어

펌\u200b웨어 갱신은 밤마다 저절로 한다.

## Ｍｏｄｅｌ　７１

이 기기의 무게는 삼 킬로그램이다.
"""
# All that a snippet's markup may be.
TAGS = re.compile(r"</?mark>")

Opener = Callable[[dict[str, Path]], Assistant]


@pytest.fixture(scope="module")
def opened(onnx_encoder: OnnxEncoder, tmp_path_factory: pytest.TempPathFactory) -> Opener:
    """Return what builds an index over folders and searches it."""

    def build_and_open(folders: dict[str, Path]) -> Assistant:
        data_dir = tmp_path_factory.mktemp("data")
        snapshot = build(read(folders), data_dir, onnx_encoder, lambda _: None, lambda *_: {})
        return Assistant(snapshot, onnx_encoder, "/notes/{document}#{anchor}", "", 0.1)

    return build_and_open


@pytest.fixture(scope="module")
def assistant(opened: Opener) -> Assistant:
    return opened({"default": CORPUS})


@pytest.fixture(scope="module")
def hostile(opened: Opener, tmp_path_factory: pytest.TempPathFactory) -> Assistant:
    """Return an assistant over notes with markup, emoji and decomposed letters."""
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "odd.md").write_text(HOSTILE, encoding="utf-8")
    return opened({"default": folder})


@pytest.fixture(scope="module")
def both(opened: Opener, tmp_path_factory: pytest.TempPathFactory) -> Assistant:
    """Return an assistant over two corpora."""
    folder = tmp_path_factory.mktemp("small")
    (folder / "guide").mkdir()
    (folder / "guide" / "ship.md").write_text(SMALL, encoding="utf-8")
    return opened({"docker": CORPUS, "ships": folder})


def anchors(results: Results) -> list[str]:
    return [hit.section.anchor for hit in results.hits]


def first(assistant: Assistant, query: str) -> SearchHit:
    return search(assistant, query, 5, 0).hits[0]


def marked(hit: SearchHit) -> list[str]:
    return [hit.text[at.start : at.end] for at in hit.highlights]


@pytest.mark.parametrize(
    ("query", "anchor"),
    [
        ("볼륨 백업", VOLUMES),
        ("volume backup migration", VOLUMES),
        ("depends_on", COMPOSE),
        ("레이어 캐시", DOCKERFILE),
        ("내 노트북에선 되는데 서버에선 안 돼", "docker란-무엇인가"),
        ("how to keep files when a box is thrown away", VOLUMES),
    ],
)
def test_the_right_section_comes_first(assistant: Assistant, query: str, anchor: str) -> None:
    assert anchors(search(assistant, query, 3, 0))[0] == anchor


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("컨테", {"컨테이너"}),
        ("컨텡", {"컨테이너"}),
        ("도ㅋ", {"도커"}),
        ("bind mou", {"Bind", "Mount"}),
        ("docker-com", {"docker-compose.yml"}),
        ("var/lib/dock", {"/var/lib/docker/volumes"}),
        ("orchestr", {"Orchestration"}),
    ],
)
def test_the_last_word_may_be_unfinished(assistant: Assistant, query: str, words: set[str]) -> None:
    results = search(assistant, query, 6, 0)
    found = {word for hit in results.hits for word in [*marked(hit), *hit.section.path]}
    assert any(word in text for word in words for text in found)
    assert results.query == query
    assert results.corrected_from is None


def test_the_most_frequent_words_come_first_of_one_letter(assistant: Assistant) -> None:
    results = search(assistant, "ㅋ", 6, 0)
    assert {"컨테이너"} <= {word for hit in results.hits for word in marked(hit)}


def test_only_the_last_word_is_unfinished(assistant: Assistant) -> None:
    assert "컨테이너" not in marked(first(assistant, "컨테 볼륨"))


def test_white_space_finishes_a_word(assistant: Assistant) -> None:
    assert search(assistant, "백 ", 6, 0).query == "백"
    assert "백업" in marked(first(assistant, "볼륨 백"))
    assert "백업" not in marked(first(assistant, "볼륨 백 "))


def test_a_word_that_is_complete_ranks_as_when_it_is_asked(assistant: Assistant) -> None:
    for question in ["컨테이너 보안 커널 공유", "dockerfile layer caching"]:
        asked = assistant.search(assistant.query(question)).hits
        passages = assistant.snapshot.notes.passages
        sections = assistant.snapshot.notes.documents[0].sections
        expected = [sections[passages[hit.passage].section].anchor for hit in asked]
        found = anchors(search(assistant, question, 6, 0))
        assert found == [anchor for anchor in expected if anchor in found]


@pytest.mark.parametrize(
    ("typed", "query"),
    [
        ("컨테이나", "컨테이너"),
        ("ehzj zjs", "도커 컨"),
        ("dokcer volu", "docker volu"),
        ("볼륭 백업", "볼륨 백업"),
    ],
)
def test_what_is_mended_is_said(assistant: Assistant, typed: str, query: str) -> None:
    results = search(assistant, typed, 3, 0)
    assert (results.query, results.corrected_from) == (query, typed)
    assert results.hits


def test_only_what_matches_is_counted(assistant: Assistant) -> None:
    assert search(assistant, "docker-compose.yml", 1, 0).total < 4
    assert search(assistant, "컨테이너", 1, 0).total > 4


@pytest.mark.parametrize("query", QUESTIONS)
def test_pages_are_of_one_ranking(assistant: Assistant, query: str) -> None:
    whole = search(assistant, query, 20, 0)
    pages = [search(assistant, query, 2, offset) for offset in range(0, whole.total, 2)]
    assert [hit for page in pages for hit in page.hits] == list(whole.hits)
    assert {page.total for page in pages} == {whole.total} == {len(whole.hits)}
    assert [hit.rank for hit in whole.hits] == list(range(1, whole.total + 1))
    assert len(set(anchors(whole))) == whole.total
    assert search(assistant, query, 5, whole.total).hits == ()


def test_facets_count_the_documents_of_all_matches(both: Assistant) -> None:
    results = search(both, "컨테이너", 1, 0)
    facets = {(facet.corpus, facet.document): facet for facet in results.facets}
    assert set(facets) == {("docker", "docker"), ("ships", "guide/ship")}
    assert facets["docker", "docker"].title == "Docker 학습 노트"
    assert sum(facet.count for facet in results.facets) == results.total > 1
    assert results.facets[0].corpus == "docker"


def test_filters_leave_their_own(both: Assistant) -> None:
    for results in [
        search(both, "컨테이너", 5, 0, corpora=["ships"]),
        search(both, "컨테이너", 5, 0, documents=["guide/ship"]),
        search(both, "how are loads lifted", 5, 0, corpora=["ships"]),
    ]:
        assert {hit.document.corpus for hit in results.hits} == {"ships"}
        assert [facet.document for facet in results.facets] == ["guide/ship"]
    assert search(both, "컨테이너", 5, 0, ["docker"], ["guide/ship"]).total == 0


def test_unknown_names_are_told_with_those_that_there_are(both: Assistant) -> None:
    with pytest.raises(UnknownName, match=r"no corpus 'ship'.*: docker, ships"):
        search(both, "컨테이너", 5, 0, corpora=["ship"])
    with pytest.raises(NotesError, match=r"no document 'ship'.*: docker, guide/ship"):
        search(both, "컨테이너", 5, 0, documents=["ship"])


@pytest.mark.parametrize("query", QUESTIONS)
def test_highlights_are_words_of_the_query(assistant: Assistant, query: str) -> None:
    words = set(analyze(query))
    begun = typed(query.split()[-1])
    for hit in search(assistant, query, 20, 0).hits:
        edges = [edge for at in hit.highlights for edge in (at.start, at.end)]
        assert edges == sorted(set(edges))
        assert all(0 <= edge <= len(hit.text) for edge in edges)
        for at in hit.highlights:
            read = [span for span in spans(hit.text) if at.start <= span.start < at.end]
            assert (read[0].start, read[-1].end) == (at.start, at.end)
            for span in read:
                met = any(typed(word).startswith(begun) for word in span.words)
                assert met or words & set(span.words), hit.text[at.start : at.end]


def typed(word: str) -> str:
    """Return a word by its letters, as an oracle for prefixes."""
    letters = normalize("NFKC", normalize("NFD", word))
    return "".join(normalize("NFKD", letter) for letter in letters.lower())


def test_all_matched_words_are_highlighted(assistant: Assistant) -> None:
    hit = first(assistant, "볼륨 백업")
    assert marked(hit).count("볼륨") == hit.text.count("볼륨")
    assert "백업" in marked(hit)


@pytest.mark.parametrize("query", ["고래", "고ㄹ", "바다 고래", "잠수", "cafe\u0301"])
def test_highlights_are_true_to_emoji_and_combining_marks(hostile: Assistant, query: str) -> None:
    wanted = set(analyze(query)) | {"고래"}
    results = search(hostile, query, 20, 0)
    assert results.hits
    for hit in results.hits:
        for at in hit.highlights:
            assert set(analyze(hit.text[at.start : at.end])) & wanted
            assert not re.match("[\u0300-\u036f\u1160-\u11ff\u200d]", hit.text[at.end :])
    decomposed = normalize("NFD", "고래")
    below = next((hit for hit in results.hits if decomposed in hit.text), None)
    if below and query != "잠수" and "고" in query:
        assert decomposed in marked(below)


@pytest.mark.parametrize(
    "query", ["고래", "고", "script", "onerror", "alert", "뜻", "끝없이", "가"]
)
def test_snippets_hold_no_markup_of_the_notes(hostile: Assistant, query: str) -> None:
    for hit in search(hostile, query, 20, 0).hits:
        bare = TAGS.sub("", hit.snippet)
        assert not re.search("[<>\"'\u202a-\u202e]", bare)
        assert not re.search(r"&(?!(amp|lt|gt|quot|#x27);)", bare)
        assert re.fullmatch(r"(?:[^<]|<mark>[^<]+</mark>)*", hit.snippet)
        assert 0 < len(html.unescape(bare)) <= 162


@pytest.mark.parametrize("query", ["고래", "볼륨"])
def test_snippets_show_the_words(assistant: Assistant, hostile: Assistant, query: str) -> None:
    searched = hostile if query == "고래" else assistant
    assert f"<mark>{query}</mark>" in normalize("NFC", first(searched, query).snippet)


def test_snippets_are_plain_words(assistant: Assistant) -> None:
    for query in QUESTIONS:
        for hit in search(assistant, query, 20, 0).hits:
            assert "**" not in hit.snippet
            assert "\n" not in hit.snippet


def test_a_hit_is_linked(assistant: Assistant) -> None:
    hit = first(assistant, "볼륨 백업")
    assert hit.url == f"/notes/docker#{VOLUMES}"
    assert hit.highlight_url.startswith(f"/notes/docker#{VOLUMES}:~:text=")
    assert hit.document.id == "docker"
    assert hit.section.title == "데이터 영속성 (Volumes)"


def test_results_are_json(assistant: Assistant) -> None:
    results = search(assistant, "볼륨", 3, 0)
    adapter = TypeAdapter(Results)
    assert adapter.validate_json(adapter.dump_json(results)) == results
    assert results.index_version == assistant.snapshot.version


def test_what_no_one_sees_is_no_difference(opened: Opener, tmp_path: Path) -> None:
    (tmp_path / "odd.md").write_text(UNSEEN, encoding="utf-8")
    notes = opened({"default": tmp_path})
    for query in ("펌웨어", "펌웨\u200b어 갱신"):
        hit = first(notes, query)
        assert hit.section.title == "펌\u200b웨어"
        assert "펌\u200b웨어" in marked(hit)
        assert "<mark>펌\u200b웨어</mark>" in hit.snippet
    for query in ("model 71", "ｍｏｄｅｌ　７１"):
        assert first(notes, query).section.title == "Ｍｏｄｅｌ　７１"


@pytest.mark.parametrize("query", ["???", "🐳", "- / ."])
def test_no_words_find_nothing(assistant: Assistant, query: str) -> None:
    results = search(assistant, query, 5, 0)
    assert (results.total, results.hits, results.facets) == (0, (), ())


@pytest.mark.parametrize("query", ["", "  \n", "\u200b"])
def test_a_blank_query(assistant: Assistant, query: str) -> None:
    with pytest.raises(QuestionError, match="empty"):
        search(assistant, query, 5, 0)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.text(alphabet=st.characters(codec="utf-8"), min_size=1, max_size=30))
def test_anything_may_be_typed(hostile: Assistant, query: str) -> None:
    try:
        results = search(hostile, query, 5, 0)
    except QuestionError:
        return
    for hit in results.hits:
        assert re.fullmatch(r"(?:[^<>]|<mark>[^<>]+</mark>)*", hit.snippet)
