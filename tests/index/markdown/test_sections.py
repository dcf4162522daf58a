"""Markdown to sections, blocks and lines: what stands where, and that offsets are true."""

import json
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.markdown.notes import Section
from index.markdown.sections import parse
from index.markdown.sentences import sentences

CORPUS = Path(__file__).parents[3] / "corpus"
GOLDEN = Path(__file__).parents[2] / "data" / "docker.sections.json"


def outline(section: Section) -> dict[str, object]:
    found = asdict(section)
    found["blocks"] = [
        {"kind": block.kind, "lines": [line.plain for line in block.lines]}
        for block in section.blocks
    ]
    return {key: value for key, value in found.items() if key not in ("start", "end")}


def test_the_docker_notes_are_read_as_written_down() -> None:
    parsed = parse((CORPUS / "docker.md").read_text(), "docker")
    found = [outline(section) for section in parsed.sections]
    assert parsed.title == "Docker 학습 노트"
    assert json.loads(json.dumps(found)) == json.loads(GOLDEN.read_text())


def lines(source: str) -> list[str]:
    parsed = parse(source, "file")
    return [
        source[line.start : line.end]
        for section in parsed.sections
        for block in section.blocks
        for line in block.lines
    ]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("One. Two!\n둘은 무엇인가? 셋.", ["One.", "Two!", "둘은 무엇인가?", "셋."]),
        ("- item one. Still it.\n- item **two**", ["item one. Still it.", "item **two**"]),
        ("> quoted 📝 text.\n> And more.", ["quoted 📝 text.", "And more."]),
        ("> a sentence over\n> two lines.", ["a sentence over\n> two lines."]),
        ("```sh\ndocker run\n\ndocker ps\n```", ["docker run", "docker ps"]),
        ("    indented code\n", ["indented code"]),
        ("| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | `x\\|y` |", ["| 1 | 2 |", "| 3 | `x\\|y` |"]),
        ("- a\n  - b\n    ```\n    code\n    ```", ["a", "b", "code"]),
        ("1. first\n2. second", ["first", "second"]),
        ("<div>html &amp; text</div>\n\n<!-- comment -->", ["<div>html &amp; text</div>"]),
        ("Use `a. b` (e.g. this. Or that). End.", ["Use `a. b` (e.g. this. Or that).", "End."]),
        ("See [a. b](http://x.y/z. w) now. Then", ["See [a. b](http://x.y/z. w) now.", "Then"]),
        ("Version 2.13 of docker-compose.yml is new.", None),
        ("[back](#top)", []),
        ("- [a](#a)\n- [b](#b)", []),
        ("[a](#a) | [b](#b)", []),
        ("[a](#a) tells more", ["[a](#a) tells more"]),
        ("[elsewhere](other.md)", ["[elsewhere](other.md)"]),
        ("---\n\n***", []),
    ],
)
def test_lines(source: str, expected: list[str] | None) -> None:
    assert lines(source) == ([source] if expected is None else expected)


def test_a_row_names_its_columns() -> None:
    parsed = parse("| | VM | Docker |\n|-|-|-|\n| **Speed** | slow | `fast` |\n", "file")
    (line,) = parsed.sections[0].blocks[0].lines
    assert line.plain == "Speed / VM: slow / Docker: fast"
    assert line.words == "Speed"
    assert line.kind == "row"


def test_paths_levels_and_line_ranges() -> None:
    source = "intro\n\n# A\n\na\n\n## B\n\nb\n\n#### C\n\nc\n\n# D\n\nd\n"
    found = [
        (s.path, s.anchor, s.level, s.first_line, s.last_line) for s in parse(source, "T").sections
    ]
    assert found == [
        (("T",), "", 0, 1, 2),
        (("T", "A"), "a", 1, 3, 14),
        (("T", "A", "B"), "b", 2, 7, 14),
        (("T", "A", "B", "C"), "c", 4, 11, 14),
        (("T", "D"), "d", 1, 15, 17),
    ]


def test_a_table_of_contents_is_no_parent() -> None:
    source = "# Contents\n\n- [A](#a)\n\n## A\n\ntext\n"
    assert [s.path for s in parse(source, "T").sections][1] == ("T", "A")


@pytest.mark.parametrize(
    ("source", "title"),
    [
        ("---\ntitle: Front\n---\n# One\n", "Front"),
        ("# One\n\ntext\n\n## Two\n", "One"),
        ("# One\n\n# Two\n", "file"),
        ("text\n", "file"),
    ],
)
def test_the_title_of_a_document(source: str, title: str) -> None:
    assert parse(source, "file").title == title


def test_the_title_stands_once_in_a_path() -> None:
    assert [s.path for s in parse("# One\n\ntext\n\n## Two\n\nx\n", "f").sections] == [
        ("One",),
        ("One", "Two"),
    ]


def test_front_matter_that_is_not_yaml_is_named_with_its_line() -> None:
    parsed = parse("---\ntitle: ok\nbad: [\n---\ntext\n", "f")
    assert str(parsed.fault) == "its front matter is not YAML at line 3"
    assert [s.path for s in parsed.sections] == [("f",)]


@given(st.text(alphabet="ab. 가?!다#`*[]()\n->|📝\t1", max_size=120))
def test_offsets_are_true_for_any_text(source: str) -> None:
    for section in parse(source, "f").sections:
        assert 0 <= section.start <= section.end <= len(source)
        assert section.first_line <= section.last_line
        for block in section.blocks:
            assert section.start <= block.start <= block.end <= section.end
            for line in block.lines:
                assert block.start <= line.start < line.end <= block.end
                text = source[line.start : line.end]
                assert text == text.strip()
                assert line.plain.strip()


@given(st.text(alphabet="ab. 가?!다`()[]\n", max_size=80))
def test_sentences_lose_nothing(text: str) -> None:
    spans = sentences(text)
    assert all(before[1] <= after[0] for before, after in pairwise(spans))
    kept = "".join(text[start:end] for start, end in spans)
    assert "".join(kept.split()) == "".join(text.split())


@pytest.mark.parametrize(
    "whole",
    [
        "Mr. Park opens it. | Prof. Han closes it. | It rests.",
        "Open valve No. 4 first. | Is it shut? | No. | It leaks.",
        "See Eq. 2, i.e. the sum, and cf. the note. | Then read pp. 5 to 9.",
        "The U.K. Office sells it. | It is made in the U.K. | The rest is not.",
        "The most is 250. | Ask Jun. | It fails above 99.5. | Keep below.",
        "1. Fill it. | 2. Close it. | Step 3. Wait.",
        "Mix salt, oil, etc. | Stir it for 5 min. | Serve.",
        "Written by A. B. Moon. | Take plan B. | Then go.",
        "It opens at 8 a.m. on Sunday. | We knock.",
        '"Go on." she said. | "Wait. Stop." he said.',
        "약 2.5배 크다. | 무게는 1.2kg이다. | 값은 70. | 끝이다.",
        "가 vs. 나를 본다. | 안 돼. | 다시 켠다.",
        '"다 됐다." 하고 적었다. | "켜졌다. 됐다."라고 알린다. | "왜?" | 아무도 몰랐다.',
        "하지만… 다시 켠다. | 그랬다… | 다음 날이 왔다.",
        "가. 값을 정한다. | 나. 값을 넣는다.",
        "모임은 2025. 11. 4. 오후이다. | 늦으면 안 된다.",
        "받는다. | docker를 켠다.",
        "「終わった。」と言う。 | 次だ。",
    ],
)
def test_sentences_end_where_they_do(whole: str) -> None:
    text = whole.replace(" | ", " ")
    assert " | ".join(text[start:end] for start, end in sentences(text)) == whole


def test_a_sentence_without_end_is_cut() -> None:
    spaced, solid = "word " * 1000, "가" * 5000
    for text in (spaced, solid):
        spans = sentences(text)
        assert len(spans) > 7
        assert max(end - start for start, end in spans) <= 600
    assert all(spaced[start:end].endswith("word") for start, end in sentences(spaced))


def test_deep_lists_lose_nothing() -> None:
    source = "".join("  " * depth + f"- item {depth}\n" for depth in range(25))
    assert lines(source) == [f"item {depth}" for depth in range(25)]
