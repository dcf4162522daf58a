"""Sections to passages: nothing lost, nothing cut that should not be, offsets true."""

from collections.abc import Sequence
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from index.markdown.commonmark import parser
from index.markdown.notes import Document, Passage
from index.markdown.passage_splitting import embedded_text, passages
from index.markdown.sections import parse
from index.reading.corpus import read

CORPUS = Path(__file__).parents[3] / "corpus"
TABLE = "| a | b |\n|---|---|\n" + "".join(f"| row {n} | value {n} |\n" for n in range(6))


def words(texts: Sequence[str]) -> list[int]:
    return [len(text.split()) for text in texts]


def document(source: str) -> Document:
    parsed = parse(source, "file")
    return Document("file", "c", "file.md", parsed.title, "", "en", (), source, parsed.sections)


def cut(source: str, limit: int) -> tuple[Document, list[Passage]]:
    found = document(source)
    return found, list(passages(found, 0, limit, words))


def test_a_short_section_is_one_passage() -> None:
    source = "# A\n\none two\n\n- three\n\n# B\n\nfour\n"
    note, found = cut(source, 10)
    assert [p.text(note.source) for p in found] == ["one two\n\n- three", "four"]
    assert embedded_text(note, found[0]) == "file > A\none two\nthree"


def test_a_long_section_is_cut_between_blocks() -> None:
    note, found = cut("# A\n\none two\n\nthree four\n\nfive\n", 3)
    assert [p.text(note.source) for p in found] == ["one two", "three four\n\nfive"]


def test_a_long_table_is_cut_between_rows_and_stays_a_table() -> None:
    note, found = cut(TABLE, 20)
    assert len(found) > 1
    for passage in found:
        text = passage.text(note.source)
        assert text.startswith("| a | b |\n|---|---|\n| row ")
        assert parser().parse(text)[0].type == "table_open"
    assert sum(len(p.lines) for p in found) == 6


def test_long_code_is_cut_between_lines_and_stays_code() -> None:
    note, found = cut("```sh\n" + "docker run one\n" * 6 + "```\n", 9)
    assert len(found) == 2
    for passage in found:
        tokens = parser().parse(passage.text(note.source))
        assert [token.type for token in tokens] == ["fence"]
        assert tokens[0].content.split("\n")[:3] == ["docker run one"] * 3


def test_code_in_a_list_item_is_never_cut() -> None:
    code = "  ```sh\n" + "  docker run one\n" * 6 + "  ```\n"
    note, found = cut(f"- first item here\n\n{code}\n- last\n", 6)
    assert any(p.text(note.source).count("docker run one") == 6 for p in found)


@given(
    st.lists(
        st.sampled_from(
            [
                "# A",
                "## B",
                "one two. three four five.",
                "- a\n  - b c\n- d e f",
                "> q 📝 r. s",
                TABLE,
                "```\nx y\nz\n```",
                "[up](#a)",
                "1. x\n\n   y\n2. z",
                "<b>bold</b> and more",
            ]
        ),
        max_size=8,
    ),
    st.integers(1, 12),
)
def test_every_line_stands_in_exactly_one_passage(blocks: list[str], limit: int) -> None:
    note, found = cut("\n\n".join(blocks), limit)
    expected = [line for s in note.sections for block in s.blocks for line in block.lines]
    assert [line for passage in found for line in passage.lines] == expected
    for passage in found:
        text = passage.text(note.source)
        assert text.endswith(note.source[passage.start : passage.end])
        for line in passage.lines:
            start, end = passage.span(line)
            assert text[start:end] == note.source[line.start : line.end]


def test_navigation_is_not_searched() -> None:
    (note,) = read({"default": CORPUS}).documents
    texts = [p.text(note.source) for p in passages(note, 0, 256, words)]
    assert not any("목차" in text for text in texts)
    assert {note.sections[p.section].title for p in passages(note, 0, 256, words)} == {
        s.title for s in note.sections[1:]
    }
