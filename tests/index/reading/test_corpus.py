"""Folders of Markdown: what is read, and what is said when it cannot be."""

import os
import unicodedata
from pathlib import Path

import pytest

from index.errors import CorpusError
from index.reading.corpus import read
from index.reading.processes import each_in_processes


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
        ({"a.md": b"# A\n\nfine\ncaf\xe9 \n"}, r"a\.md:4 is not UTF-8 .* save the file"),
        ({"a.md": b"\xff\xfea"}, r"a\.md:1 is not UTF-16"),
    ],
)
def test_bad_notes_are_named(tmp_path: Path, files: dict[str, str | bytes], said: str) -> None:
    with pytest.raises(CorpusError, match=said):
        read(write(tmp_path, files))


def test_a_name_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"bad\xff.md")).write_text("text")
    with pytest.raises(CorpusError, match=r"bad\\xff\.md has a name that is not UTF-8: rename"):
        read({"default": tmp_path})


def test_two_files_of_one_address_are_named(tmp_path: Path) -> None:
    write(tmp_path, {"a.md": "one", "a.markdown": "two"})
    with pytest.raises(CorpusError, match=r"a\.markdown and .*a\.md would have one address"):
        read({"default": tmp_path})


def test_front_matter_without_end_is_no_crash(tmp_path: Path) -> None:
    write(tmp_path, {"a.md": "---\na: " + "[" * 5000 + "\n---\ntext"})
    found = read({"default": tmp_path})
    assert [(w.path, w.line, w.reason[:31]) for w in found.warnings] == [
        ("a.md", 2, "its front matter is not YAML at")
    ]
    assert [document.id for document in found.documents] == ["a"]


@pytest.mark.parametrize(
    ("matter", "line", "kind"),
    [
        ("---\ntitle: ok\na: [\n---\n", 3, "YAML"),
        ("---\na: !!python/object:os.system\n---\n", 2, "YAML"),
        ("+++\ntitle = 'ok'\nbad =\n+++\n", 3, "TOML"),
    ],
)
def test_front_matter_that_cannot_be_read_costs_only_itself(
    tmp_path: Path, matter: str, line: int, kind: str
) -> None:
    found = read(write(tmp_path, {"a.md": matter + "# Head\n\ntext\n", "b.md": "fine"}))
    assert [document.id for document in found.documents] == ["a", "b"]
    assert found.documents[0].title == "Head"
    (warning,) = found.warnings
    assert (warning.path, warning.line) == ("a.md", line)
    assert warning.reason.startswith(f"its front matter is not {kind}")


@pytest.mark.parametrize(
    ("data", "warned"),
    [
        ("# 도커\r\n\r\n컨테이너는 가볍다.\r\n".encode("utf-16"), False),
        (b"\xfe\xff" + "# 도커\n\n컨테이너는 가볍다.\n".encode("utf-16-be"), False),
        ("# 도커\r\n\r\n컨테이너는 가볍다.\r\n".encode("cp949"), True),
        ("# 도커\n\n컨테이너는 가볍다.\n".encode("euc-kr"), True),
        ("\ufeff# 도커\r\r컨테이너는 가볍다.\r".encode(), False),
    ],
)
def test_encodings_are_found_and_lines_stay_true(
    tmp_path: Path, data: bytes, *, warned: bool
) -> None:
    found = read(write(tmp_path, {"a.md": data}))
    (document,) = found.documents
    assert document.source == "# 도커\n\n컨테이너는 가볍다.\n"
    assert bool(found.warnings) is warned
    (section,) = document.sections
    assert (section.title, section.first_line, section.last_line) == ("도커", 1, 3)
    line = section.blocks[0].lines[0]
    assert document.source[line.start : line.end] == line.plain == "컨테이너는 가볍다."


@pytest.mark.parametrize("text", ["Été à la plage, déjà vu", "Grüße aus Köln, schöne Straße"])
def test_other_code_pages_are_not_taken_for_korean(tmp_path: Path, text: str) -> None:
    found = read(write(tmp_path, {"a.md": text.encode("latin-1"), "b.md": "fine"}))
    assert [document.id for document in found.documents] == ["b"]
    assert "not UTF-8" in found.skipped[0].reason


def test_globs_choose_and_gitignore_is_honoured(tmp_path: Path) -> None:
    names = [
        "a.md", "drafts/b.md", "guide/c.md", "guide/old/d.md", "guide/old/keep.md", "build/e.md",
        "build/deep/f.md", ".hidden/g.md", "guide/x.mdx", "LICENSE.md",
    ]  # fmt: skip
    write(tmp_path, dict.fromkeys(names, "text"))
    write(tmp_path, {".gitignore": "build/\n!\n**/old/*\n", "guide/old/.gitignore": "!keep.md\n"})

    def found(**globs: list[str]) -> list[str]:
        return [d.path for d in read({"default": tmp_path}, **globs).documents]

    everything = ["LICENSE.md", "a.md", "drafts/b.md", "guide/c.md", "guide/old/keep.md"]
    assert found() == [*everything, "guide/x.mdx"]
    assert found(include=["guide/**"]) == ["guide/c.md", "guide/old/keep.md", "guide/x.mdx"]
    assert found(include=["*.mdx", "/a.md"]) == ["a.md", "guide/x.mdx"]
    assert found(exclude=["drafts/", "guide", "LICENSE.md"]) == ["a.md"]
    with pytest.raises(CorpusError, match="that the globs let be read"):
        found(include=["../*"])
    with pytest.raises(CorpusError, match="no globs"):
        found(exclude=["!"])


def test_names_are_the_same_on_every_machine(tmp_path: Path) -> None:
    write(tmp_path, {unicodedata.normalize("NFD", "가이드/설치.md"): "글", "나.md": "글"})
    found = read({"default": tmp_path}, exclude=[unicodedata.normalize("NFD", "나.md")])
    assert [d.id for d in found.documents] == ["가이드/설치"]


def test_several_corpora_and_lone_files(tmp_path: Path) -> None:
    write(tmp_path, {"a/x.md": "one", "b/x.md": "two", "b/y.md": "three"})
    found = read({"first": tmp_path / "a", "second": tmp_path / "b" / "x.md"})
    assert [(d.corpus, d.id, d.path, d.source) for d in found.documents] == [
        ("first", "x", "x.md", "one"),
        ("second", "x", "x.md", "two"),
    ]


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="does not exist"):
        read({"default": tmp_path / "none"})
    write(tmp_path, {"a.txt": "text"})
    with pytest.raises(CorpusError, match=r"is no Markdown file"):
        read({"default": tmp_path / "a.txt"})


def test_links_out_of_the_folder_are_not_followed(tmp_path: Path) -> None:
    write(tmp_path, {"secret.md": "hidden", "notes/a.md": "shown"})
    (tmp_path / "notes" / "b.md").symlink_to(tmp_path / "secret.md")
    (tmp_path / "notes" / "up").symlink_to(tmp_path)
    (tmp_path / "notes" / "loop.md").symlink_to(tmp_path / "notes" / "loop.md")
    write(tmp_path, {"ignore": "a.md"})
    (tmp_path / "notes" / ".gitignore").symlink_to(tmp_path / "ignore")
    write(tmp_path, {"glossary.yaml": "- [a, b]"})
    (tmp_path / "notes" / "glossary.yaml").symlink_to(tmp_path / "glossary.yaml")
    assert read({"default": tmp_path / "notes"}).glossary == ()
    assert [d.id for d in read({"default": tmp_path / "notes"}).documents] == ["a"]


def test_many_files_are_read_by_several_processes_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(520):
        (tmp_path / f"{number}.md").write_text(f"# Whales {number}\n\nThey dive. They sing.\n")
    (tmp_path / "7.md").write_text("")
    (tmp_path / "8.md").write_bytes(b"# \xff\n")
    (tmp_path / "9.md").write_text("---\na: [\n---\nThey dive.\n")
    monkeypatch.setattr("index.reading.corpus.usable_cpus", lambda: 2)
    several = read({"n": tmp_path})
    monkeypatch.setattr("index.reading.corpus.usable_cpus", lambda: 1)
    assert several == read({"n": tmp_path})
    assert (len(several.documents), len(several.skipped), len(several.warnings)) == (518, 2, 1)


def test_a_reading_process_that_dies_is_told() -> None:
    with pytest.raises(CorpusError, match="ended too early"):
        list(each_in_processes(os._exit, range(600), 2))
