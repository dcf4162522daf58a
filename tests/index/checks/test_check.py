"""The linter: each rule with what it finds and what it leaves alone, its formats, its ends."""

import json
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from running import ROOT, notes

from index.building.planning import PASSAGE_TOKENS
from index.checks import structure
from index.checks.emphasis_checks import pairs
from index.checks.folder import check, check_page
from index.checks.link_checks import Folder
from index.checks.rules import RULES, Finding
from index.encoding.onnx_encoder import OnnxEncoder
from index.errors import CorpusError
from index.markdown.commonmark import parser
from index.markdown.sections import parse
from index.reading.note_files import chosen
from ui.cli.check_command import annotation, sarif

GOOD = ROOT / "tests/data/check/good"
KOREAN_SITE = ROOT.parent / "shared/eval/k8s-ko/corpus"
SHORT = "글이다.\n"


def found(folder: Path, *rules: str) -> list[tuple[str, int, int, str]]:
    report = check(folder, rules or tuple(RULES))
    return [(f.path, f.line, f.column, f.rule) for f in report.findings]


def of_page(text: str | bytes, folder: Path = GOOD) -> list[tuple[int, int, str]]:
    """Return what is found in a text as a page of a folder, links into other pages left out."""
    data = text if isinstance(text, bytes) else text.encode()
    return sorted(item[:3] for item in check_page("page.md", data, Folder(folder)).found)


@pytest.mark.parametrize(
    ("rule", "text", "place"),
    [
        ("broken-anchor", "# 가\n\n[나](#다)\n", (3, 5)),
        ("broken-anchor", "# Install\n\n글 [나](#Install)\n", (3, 7)),
        ("broken-anchor", "# 가\n\n[나][1]\n\n[1]: #다\n", (3, 0)),
        ("broken-anchor", "# 가\n\n<a href='#다'>나</a>\n", (3, 10)),
        ("broken-anchor", "| a | b |\n|---|---|\n| [가](#나) | c |\n", (3, 7)),
        ("broken-link", "글\n[가](no.md)\n", (2, 5)),
        ("broken-link", "[가](<no such.md>)\n", (1, 6)),
        ("broken-link", "[가](./images/no.pdf)\n", (1, 5)),
        ("broken-link", "[가]()\n", (1, 5)),
        ("missing-image", "![고래](images/none.png)\n", (1, 7)),
        ("missing-image", "글 <img src='none.png'>\n", (1, 13)),
        ("duplicate-id", "# 가 {#a}\n\n글\n\n# 나 {#a}\n\n글\n", (5, 7)),
        ("duplicate-id", "<a name='b'></a>글\n\n<p id='b'>글</p>\n", (3, 8)),
        ("heading-skip", "# 가\n\n글\n\n### 나\n\n글\n", (5, 1)),
        ("empty-section", "## 가\n\n## 나\n\n글\n", (1, 1)),
        ("empty-section", "## 가\n\n글\n\n## 나\n\n---\n", (5, 1)),
        ("empty-section", "## 가\n\n<!-- 나중에 -->\n", (1, 1)),
        ("long-section", "## 가\n\n" + "긴 문장을 늘어놓는다. " * 200 + "\n", (1, 1)),
        ("table-cells", "| a | b |\n|---|---|\n| 1 | 2 | 3 |\n", (3, 1)),
        ("table-cells", "| a | b |\n|---|---|\n| 1 |\n", (3, 1)),
        ("table-cells", "| a | b |\n|---|---|\n| 1 | 2 |\n바로 붙은 글\n", (4, 1)),
        ("table-cells", "> | a | b |\n> |---|---|\n> | 1 | 2 | 3 |\n", (3, 1)),
        ("table-delimiter", "글\n\n| a | b |\n| 1 | 2 |\n", (3, 1)),
        ("table-delimiter", "| a | b | c |\n|---|---|\n| 1 | 2 | 3 |\n", (1, 1)),
        ("front-matter", "---\ntitle: 가: 나\n---\n\n글\n", (2, 9)),
        ("front-matter", "---\ntitle: [가\n---\n\n글\n", (3, 1)),
        ("front-matter", "---\ndate: 2026-02-31\n---\n\n글\n", (1, 1)),
        ("front-matter", "+++\ntitle = 가\n+++\n\n글\n", (2, 9)),
        ("front-matter", "---\ntitle: 가\n\n글\n", (1, 1)),
        ("unclosed-fence", "글\n\n```sh\nls\n", (3, 1)),
        ("unclosed-fence", "~~~~\nls\n~~~\n", (1, 1)),
        ("unclosed-fence", "1. 하나\n   ```sh\n   ls\n\n글\n", (2, 4)),
        ("literal-emphasis", "글 **캐시(cache)**에서\n", (1, 3)),
        ("literal-emphasis", "- 하나\n  둘 *`ls`*는\n", (2, 5)),
        ("literal-emphasis", "| **값(x)**은 | b |\n|---|---|\n", (1, 3)),
        ("damaged-text", "글\nê°€ë‚˜ë‹¤\n", (2, 1)),
        ("damaged-text", "글 itâ€™s\n", (1, 5)),
        ("damaged-text", "占쏙옙占쏙옙\n", (1, 1)),
        ("damaged-text", "글 ¾È³çÇÏ¼¼¿ä\n", (1, 3)),
        ("damaged-text", "글\n\n도\ufffd커\n", (3, 2)),
        ("damaged-text", "글\x07\n", (1, 2)),
        ("damaged-text", "글\x00\n", (1, 2)),
        ("not-utf8", "도커 노트를 읽는다.\n".encode("cp949"), (1, 1)),
        ("not-utf8", "도커\n".encode("utf-16"), (1, 1)),
        ("not-utf8", "# 도커\n\n이미지와 컨테이".encode()[:-1], (3, 0)),
        ("not-utf8", "# caf\xe9\n".encode("latin-1"), (1, 0)),
        ("not-utf8", b"\xff\x00\x01\xfe" * 9, (1, 0)),
    ],
)  # fmt: skip
def test_finds(rule: str, text: str | bytes, place: tuple[int, int]) -> None:
    assert (*place, rule) in of_page(text)


@pytest.mark.parametrize(
    "text",
    [
        "# 가 {#a}\n\n[나](#a) [다](#가)\n",
        "# 가\n\n[나](#) [나](#top) [나](#:~:text=가) [나](#user-content-x)\n",
        "# 📝가 (A/B)\n\n[나](#가-ab) [나](#%EA%B0%80-ab)\n",
        "# 가\n\n글\n\n# 가\n\n[나](#가-1)\n",
        "`[나](#다)`\n\n    [나](#다)\n",
        "<!-- [나](#다) ![](x.png) -->\n",
        '# {{% heading "objectives" %}}\n\n[나](#시작하기-전에)\n',
        "[가](/no/such/#place) ![가](/images/no.png)\n",
        "[가](http://x.invalid/no.md) [가](//x/no.md) [가](../../outside.md)\n",
        '[가]({{< ref "no.md" >}}) ![가]({{ site.images }}/no.png) {{< figure src="no.png" >}}\n',
        "[[아직 없는 페이지]] [[없음#제목]]\n",
        "[가](install#linux) [가](install.html) [가](guide) [가](guide/README.md)\n",
        "![고래](images/whale.png?raw=true) ![고래](./images/whale.png)\n",
        "# 가\n\n글\n\n{{< include >}}\n\n### 나\n\n글\n\n## 다\n\n글\n",
        "# 가\n\n## 나\n\n글\n",
        "## 가\n\n{{< include file='x' >}}\n",
        "## 가\n\n![고래](images/whale.png)\n",
        "| a | b |\n|---|---|\n| 1 \\| 2 | 3 |\n| `x` | |\n",
        "|a|b|\n|-|-|\n|1|2|\n{{< /table >}}\n",
        "값은 |x| 이고\n|y| 이다.\n",
        "a | b\n-- | --\n1 | 2\n",
        "---\ntitle: '가: 나'\ndate: 2026-02-03\n---\n\n글\n",
        "+++\ntitle = '가'\n+++\n\n글\n",
        '{"title": "가"}\n\n글\n',
        "글\n\n---\n\n글\n",
        "````md\n```sh\nls\n```\n````\n\n~~~\nls\n~~~~\n",
        "- 하나\n  ```sh\n  ls\n  ```\n",
        "**캐시**(cache)에서 **둘**은 *셋*이 ~~넷~~도\n",
        "`**캐시(cache)**에서` \\*\\*캐시(cache)\\*\\*에서\n",
        "__init__은 이름이다. snake_case_name은 이름이다. 2*(3)*4는 24다.\n",
        "**/*.md와 *.txt는 모두 글이다. a*b*c는 곱이다.\n",
        "café naïve ¿qué? · ①② ─│ Ωµ ±5°C → ™ © “따옴표” ‘하나’ — …\n",
        "日本語と中文, Ünïcödé, Straße, œuvre, fiancée, İstanbul\n",
        "\ufeff# 가\r\n\r\n글\r\n",
    ],
)
def test_leaves_alone(text: str) -> None:
    assert of_page(text) == []


def test_a_good_folder_has_no_finding() -> None:
    assert found(GOOD) == []


@pytest.mark.parametrize("name", ["index.md", "install.md", "guide/README.md"])
def test_a_good_page_alone_has_none_either(name: str) -> None:
    assert check(GOOD / name).findings == ()


def test_links_into_other_pages_are_checked_there(tmp_path: Path) -> None:
    folder = tmp_path / "notes"
    shutil.copytree(GOOD, folder)
    (folder / "install.md").write_text("# 설치\n\n## macOS\n\n글이다.\n")
    at = [("guide/README.md", 3, 6), ("index.md", 7, 6), ("index.md", 30, 25)]
    assert found(folder) == [(*place, "broken-anchor") for place in at]
    assert [f.path for f in check(folder / "index.md").findings] == ["index.md"] * 2
    mended = [f.mend for f in check(folder).findings]
    assert all("{#" in mend for mend in mended)


def test_a_slip_is_told_with_what_was_meant(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text(
        "# 바인드 (Bind) 마운트\n\n[가](#바인드-bind-마운투) [나](b.mb)\n"
    )
    (tmp_path / "b.md").write_text(SHORT)
    assert [f.mend for f in check(tmp_path).findings] == [
        "Did you mean #바인드-bind-마운트?",
        "Did you mean b.md?",
    ]


def test_site_absolute_links_are_checked_where_they_resolve(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "a.md").write_text("# 가\n\n[나](/docs/b/#없음) [다](/elsewhere/#x)\n")
    (docs / "b.md").write_text("# 나\n\n글이다.\n")
    assert found(tmp_path) == [("docs/a.md", 3, 5, "broken-anchor")]
    # Below `/ko` on the site, `/docs` is the same page in another language.
    (docs / "c.md").write_text("[나](/ko/docs/b/#나) [나](/ko/docs/b/#없음)\n")
    assert found(tmp_path) == [("docs/c.md", 1, 24, "broken-anchor")]


def test_names_on_disk_may_be_decomposed(tmp_path: Path) -> None:
    from unicodedata import normalize

    (tmp_path / normalize("NFD", "설치.md")).write_text("# 설치\n\n글이다.\n")
    (tmp_path / "a.md").write_text("[가](설치.md#설치) [가](%EC%84%A4%EC%B9%98.md)\n")
    assert found(tmp_path) == []


def test_globs_leave_files_out(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("[가](b.md#없음)\n")
    (tmp_path / "b.md").write_text("[가](#없음)\n")
    report = check(tmp_path, globs=chosen((), ("b.md",)))
    assert (report.files, [f.path for f in report.findings]) == (1, ["a.md"])


def test_several_workers_find_the_same(tmp_path: Path) -> None:
    for number in range(520):
        (tmp_path / f"{number}.md").write_text(f"# 가\n\n[나]({(number * 7) % 600}.md#다)\n")
    assert check(tmp_path, workers=2) == check(tmp_path)


@pytest.mark.parametrize(
    ("text", "mend"),
    [
        ("**캐시(cache)**에서", "**캐시**(cache)에서"),
        ('**"도커"**는', '"**도커**"는'),
        ("**`docker`**는 명령이다", "**`docker`는**"),
        ("는**(중요)**한 말", "<strong>(중요)</strong>한"),
        ("_도커_는", "*도커*는"),
        ("~~값(x)~~은", "~~값~~(x)은"),
    ],
)
def test_the_mend_of_emphasis_shows_no_mark(text: str, mend: str) -> None:
    (start, end, mended) = next(iter(_pairs(text)))
    assert mended == mend
    assert _pairs(text[:start] + mended + text[end:]) == []


def _pairs(text: str) -> list[tuple[int, int, str]]:
    return list(pairs(parser().parseInline(text)[0]))


def test_tokens_are_estimated_as_the_encoder_counts_them(onnx_encoder: OnnxEncoder) -> None:
    assert structure.PASSAGE == PASSAGE_TOKENS
    source = (ROOT / "corpus/docker.md").read_text()
    lines = [
        [line.plain for block in section.blocks for line in block.lines]
        for section in parse(source, "docker").sections
    ]
    counted = [sum(onnx_encoder.count_tokens(texts)) for texts in lines]
    guessed = [structure.tokens_in(" ".join(texts)) for texts in lines]
    for count, guess in zip(counted, guessed, strict=True):
        assert guess == pytest.approx(count, rel=0.25, abs=5)


ANYTHING = st.one_of(
    st.text(max_size=200),
    st.lists(
        st.sampled_from(
            ["# 가", "```", "~~~", "---", "+++", "| a |", "|---|", "{{<", ">}}", "**가(나)**다",
             "]()", "[가](#나)", "![](x)", "[x](a.md#b)", "<a id=x>", "<!--", "{#a}", "- ",
             "> ", "\n", "\n\n", "{%", "%}", "[[a#b]]", "\x00", "\ufffd", "占쏙옙", "title: [", "`"]
        ),
        max_size=30,
    ).map("".join),
)  # fmt: skip


@settings(deadline=None)
@given(ANYTHING)
def test_no_text_makes_it_fail(text: str) -> None:
    data = text.encode("utf-8", "surrogatepass")
    lines = text.count("\n") + text.count("\r") + 1
    for line, column, rule, message, mend in check_page("a/b.md", data, Folder(GOOD)).found:
        assert 1 <= line <= lines + 1
        assert column >= 0
        assert rule in RULES
        assert message
        assert mend


@settings(deadline=None)
@given(st.binary(max_size=100))
def test_no_bytes_make_it_fail(data: bytes) -> None:
    check_page("b.md", data, Folder(GOOD))


def finding(message: str = "틀렸다.", line: int = 3, column: int = 2) -> Finding:
    return Finding("a.md", line, column, "broken-link", message, "고쳐라.")


@pytest.mark.parametrize(
    ("path", "message", "written"),
    [
        ("a.md", "틀렸다.", "file=a.md,line=3,col=2,title=broken-link::틀렸다. 고쳐라."),
        ("a,b:c%.md", "100%\r\n::error::x", "file=a%2Cb%3Ac%25.md,line=3,col=2,title=broken-link"
         "::100%25%0D%0A::error::x 고쳐라."),
    ],
)  # fmt: skip
def test_annotations_are_escaped(path: str, message: str, written: str) -> None:
    assert annotation(path, finding(message)) == f"::error {written}"


def test_sarif_has_what_the_specification_asks_for() -> None:
    log = sarif([("docs/가 나.md", finding()), ("/tmp/a.md", finding(column=0))])  # noqa: S108
    assert_sarif(log)
    first, second = log["runs"][0]["results"]
    place = first["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "docs/%EA%B0%80%20%EB%82%98.md"
    assert place["region"] == {"startLine": 3, "startColumn": 2}
    place = second["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "file:///tmp/a.md"
    assert place["region"] == {"startLine": 3}


def assert_sarif(log: dict[str, Any]) -> None:
    """Check sections 3.13 to 3.49 of SARIF 2.1.0: required properties, and values they may have."""
    assert log["version"] == "2.1.0"
    assert log["$schema"].endswith("sarif-schema-2.1.0.json")
    for run in log["runs"]:
        driver = run["tool"]["driver"]
        assert driver["name"]
        ids = [rule["id"] for rule in driver["rules"]]
        assert len(ids) == len(set(ids))
        for rule in driver["rules"]:
            assert rule["shortDescription"]["text"]
            assert rule["defaultConfiguration"]["level"] in {"none", "note", "warning", "error"}
        assert run["columnKind"] in {"utf16CodeUnits", "unicodeCodePoints"}
        for result in run["results"]:
            assert result["message"]["text"]
            assert result["level"] in {"none", "note", "warning", "error"}
            assert ids[result["ruleIndex"]] == result["ruleId"]
            for location in result["locations"]:
                place = location["physicalLocation"]
                assert place["artifactLocation"]["uri"].isascii()
                assert " " not in place["artifactLocation"]["uri"]
                assert all(isinstance(n, int) and n >= 1 for n in place["region"].values())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return notes with an error and a warning."""
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes/a.md").write_text("# 가\n\n[나](no.md)\n\n### 다\n\n글이다.\n")
    return tmp_path / "notes"


def run(tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return notes(tmp_path / "data", "check", *arguments)


def test_text_names_places_rules_and_mends(folder: Path, tmp_path: Path) -> None:
    done = run(tmp_path, str(folder))
    assert done.returncode == 1
    assert "\x1b" not in done.stdout
    assert done.stdout.splitlines() == [
        f"{folder}/a.md:3:5: error: The link leads to no.md, which is not there. [broken-link]",
        "    Mend the path; it counts from the page's folder.",
        f"{folder}/a.md:5:1: warning: A heading of level 3 follows one of level 1. [heading-skip]",
        "    Give it 2 signs, ##, or fewer.",
        "1 file checked: 1 error, 1 warning",
    ]


def test_json_is_for_scripts(folder: Path, tmp_path: Path) -> None:
    log = json.loads(run(tmp_path, str(folder), "--format", "json").stdout)
    assert log["summary"] == {"files": 1, "errors": 1, "warnings": 1}
    assert log["findings"][0] == {
        "path": f"{folder}/a.md",
        "line": 3,
        "column": 5,
        "rule": "broken-link",
        "severity": "error",
        "message": "The link leads to no.md, which is not there.",
        "mend": "Mend the path; it counts from the page's folder.",
    }


def test_sarif_and_annotations_are_for_pipelines(folder: Path, tmp_path: Path) -> None:
    done = run(tmp_path, str(folder), "--format", "sarif")
    assert done.returncode == 1
    assert_sarif(json.loads(done.stdout))
    assert done.stderr == "1 file checked: 1 error, 1 warning\n"
    done = run(tmp_path, str(folder), "--format", "github")
    assert [line.partition(" ")[0] for line in done.stdout.splitlines()] == ["::error", "::warning"]


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        ([], 1),
        (["--ignore", "broken-link"], 0),
        (["--select", "heading-skip"], 0),
        (["--select", "heading-skip,broken-link"], 1),
        (["--select", "heading-skip", "--select", "broken-link", "--ignore", "broken-link"], 0),
    ],
)
def test_only_errors_fail(folder: Path, tmp_path: Path, arguments: list[str], status: int) -> None:
    assert run(tmp_path, str(folder), *arguments).returncode == status


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["no/such/folder"], "does not exist"),
        (["pyproject.toml"], "no Markdown file"),
        (["benchmarks/reports"], "no Markdown files to check"),
        (["--select", "spelling"], "There is no rule 'spelling'"),
        (["--select", "not-utf8", "--ignore", "not-utf8"], "nothing to check"),
        (["--format", "xml"], "xml"),
    ],
)
def test_bad_use_ends_with_2(tmp_path: Path, arguments: Sequence[str], said: str) -> None:
    done = run(tmp_path, *arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unreadable_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text(SHORT)
    (tmp_path / "b.md").symlink_to(tmp_path / "a.md")
    (tmp_path / "c.md").mkdir()
    assert check(tmp_path).files == 2
    with pytest.raises(CorpusError, match="does not exist"):
        check(tmp_path / "d.md")


def test_our_own_notes_and_pages_have_no_finding() -> None:
    assert found(ROOT / "corpus") == []
    assert found(ROOT / "docs", "broken-anchor", "broken-link", "missing-image") == []


@pytest.mark.skipif(not KOREAN_SITE.is_dir(), reason="the site is not here")
def test_a_site_of_another_generator_has_no_wrong_finding() -> None:
    """Every finding was looked at: shortcodes, ids of headings and site links give none."""
    counts = dict.fromkeys(RULES, 0)
    report = check(KOREAN_SITE)
    for item in report.findings:
        counts[item.rule] += 1
    assert report.files == 124
    assert {rule: count for rule, count in counts.items() if count} == {
        "broken-anchor": 34,
        "literal-emphasis": 3,
        "long-section": 14,
        "table-cells": 1,
    }
