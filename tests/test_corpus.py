"""Folders of Markdown: what is read, and what is said when it cannot be."""

import os
from pathlib import Path

import pytest

from index.corpus import read
from index.errors import CorpusError


def write(folder: Path, files: dict[str, str | bytes]) -> dict[str, Path]:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return {"default": folder}


def test_documents_are_named_by_their_path(tmp_path: Path) -> None:
    files = {"b.md": "text", "guide/install.markdown": "설치하는 방법", "x.txt": "no"}
    found = read(write(tmp_path, dict(files)))
    assert [(d.id, d.path, d.language) for d in found.documents] == [
        ("b", "b.md", "en"),
        ("guide/install", "guide/install.markdown", "ko"),
    ]


def test_front_matter_names_title_and_description(tmp_path: Path) -> None:
    matter = 'title: 제목\ndescription: About\nexamples: ["왜?", "How?"]'
    write(tmp_path, {"a.md": f"---\n{matter}\n---\ntext\n"})
    (document,) = read({"default": tmp_path}).documents
    assert (document.title, document.description) == ("제목", "About")
    assert document.examples == ("왜?", "How?")


def test_windows_line_ends_and_a_byte_order_mark_are_read(tmp_path: Path) -> None:
    write(tmp_path, {"a.md": b"\xef\xbb\xbf# A\r\n\r\none\r\n"})
    (document,) = read({"default": tmp_path}).documents
    assert document.source == "# A\n\none\n"


def test_files_without_text_are_left_out_and_named(tmp_path: Path) -> None:
    found = read(write(tmp_path, {"a.md": "text", "b.md": "", "c.md": "# Only\n\n## Headings\n"}))
    assert [d.id for d in found.documents] == ["a"]
    assert [(s.path, s.reason) for s in found.skipped] == [
        ("b.md", "is empty"),
        ("c.md", "has headings but no text"),
    ]


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"a.txt": "x"}, "holds no Markdown files"),
        ({"a.md": ""}, "a.md is empty"),
        ({"a.md": "# A\n\n## B\n"}, "a.md has headings but no text"),
        ({"a.md": b"# A\n\nfine\n\xb5\xb5\xc4\xbf\n"}, r"a\.md:4 is not UTF-8 .*Save the file"),
        ({"a.md": "---\na: [\n---\ntext"}, "front matter is not YAML at line 2"),
    ],
)
def test_bad_notes_are_named(tmp_path: Path, files: dict[str, str | bytes], said: str) -> None:
    with pytest.raises(CorpusError, match=said):
        read(write(tmp_path, files))


def test_a_name_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"bad\xff.md")).write_text("text")
    with pytest.raises(CorpusError, match=r"not UTF-8\. Rename"):
        read({"default": tmp_path})


def test_two_files_of_one_address_are_named(tmp_path: Path) -> None:
    write(tmp_path, {"a.md": "one", "a.markdown": "two"})
    with pytest.raises(CorpusError, match=r"a\.markdown and .*a\.md would have one address"):
        read({"default": tmp_path})


def test_front_matter_without_end_is_no_crash(tmp_path: Path) -> None:
    write(tmp_path, {"a.md": "---\n" + "[" * 5000 + "\n---\ntext"})
    with pytest.raises(CorpusError, match="front matter is not YAML"):
        read({"default": tmp_path})


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="does not exist"):
        read({"default": tmp_path / "none"})
    write(tmp_path, {"a.md": "text"})
    with pytest.raises(CorpusError, match=r"is a file\. Give the folder"):
        read({"default": tmp_path / "a.md"})


def test_links_out_of_the_folder_are_not_followed(tmp_path: Path) -> None:
    write(tmp_path, {"secret.md": "hidden", "notes/a.md": "shown"})
    (tmp_path / "notes" / "b.md").symlink_to(tmp_path / "secret.md")
    assert [d.id for d in read({"default": tmp_path / "notes"}).documents] == ["a"]
