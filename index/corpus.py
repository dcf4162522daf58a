"""Folders of Markdown files to documents."""

import hashlib
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from index.errors import CorpusError
from index.language import language
from index.notes import Document
from index.sections import parse

SUFFIXES = (".md", ".markdown")
GLOSSARY = "glossary.yaml"


@dataclass(frozen=True)
class Skipped:
    """A file that holds nothing to search, and why."""

    path: str
    reason: str


@dataclass(frozen=True)
class Collection:
    """The documents of all corpora, by corpus and path, and the files that were left out.

    glossary: groups of terms that mean the same, from the `glossary.yaml` files.
    """

    folders: Mapping[str, Path]
    documents: tuple[Document, ...]
    skipped: tuple[Skipped, ...]
    glossary: tuple[tuple[str, ...], ...]


def read(corpora: Mapping[str, Path]) -> Collection:
    """Return what the folders hold, each named by its corpus.

    Raises CorpusError when a folder cannot be read, a file is damaged, or nothing is left.
    """
    documents: list[Document] = []
    names: dict[tuple[str, str], Path] = {}
    skipped: list[Skipped] = []
    for name, folder in corpora.items():
        for path in _files(folder):
            shown = path.relative_to(folder).as_posix()
            document = _document(name, folder, path)
            other = names.setdefault((name, document.id), path)
            if other != path:
                raise CorpusError(f"{other} and {path} would have one address. Rename one of them.")
            if any(section.blocks for section in document.sections):
                documents.append(document)
            else:
                reason = "is empty" if not document.source.strip() else "has headings but no text"
                skipped.append(Skipped(shown, reason))
    if not documents:
        folders = ", ".join(str(folder) for folder in corpora.values())
        raise CorpusError(
            f"The notes in {folders} hold no text to search: "
            + "; ".join(f"{item.path} {item.reason}" for item in skipped)
            + ". Write something under a heading, then build again."
        )
    glossary = tuple(group for folder in corpora.values() for group in _glossary(folder))
    return Collection(corpora, tuple(documents), tuple(skipped), glossary)


def source_hash(source: str) -> str:
    """Return the SHA-256 of a document's text, in hex."""
    return hashlib.sha256(source.encode()).hexdigest()


def _files(folder: Path) -> Iterator[Path]:
    if not folder.exists():
        raise CorpusError(f"The notes folder {folder} does not exist. Give a folder of .md files.")
    if not folder.is_dir():
        raise CorpusError(f"{folder} is a file. Give the folder that holds it: {folder.parent}")
    root = folder.resolve()
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    inside = [p for p in paths if p.is_file() and p.resolve().is_relative_to(root)]
    for path in inside:
        if not _is_text(str(path)):
            raise CorpusError(f"The name of {str(path)!r} is not UTF-8. Rename the file.")
    if not inside:
        raise CorpusError(f"{folder} holds no Markdown files (.md or .markdown).")
    yield from inside


def _is_text(name: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in name)


def _glossary(folder: Path) -> Iterator[tuple[str, ...]]:
    path = folder / GLOSSARY
    if not path.is_file():
        return
    try:
        groups = yaml.safe_load(_text(path))
    except (yaml.YAMLError, RecursionError) as error:
        raise CorpusError(f"{path} is not YAML: {error}") from error
    if not isinstance(groups, list) or not all(isinstance(group, list) for group in groups):
        raise CorpusError(f"{path} must be a list of lists of terms: - [VM, 가상 머신]")
    yield from (tuple(str(term) for term in group) for group in groups)


def _document(corpus: str, folder: Path, path: Path) -> Document:
    source = _text(path)
    relative = unicodedata.normalize("NFC", path.relative_to(folder).as_posix())
    identifier = relative.removesuffix(path.suffix)
    try:
        parsed = parse(source, path.stem)
    except ValueError as error:
        raise CorpusError(f"{path} cannot be read: {error}.") from error
    return Document(
        id=identifier,
        corpus=corpus,
        path=relative,
        title=parsed.title,
        description=str(parsed.front_matter.get("description") or ""),
        language=language(source),
        examples=_examples(parsed.front_matter.get("examples")),
        source=source,
        sections=parsed.sections,
    )


def _examples(value: object) -> tuple[str, ...]:
    return tuple(str(item) for item in value) if isinstance(value, list) else ()


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CorpusError(f"{path} cannot be read: {error.strerror}.") from error
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise CorpusError(
            f"{path}:{line} is not UTF-8 (byte {data[error.start]:#04x} at offset {error.start}). "
            "Save the file as UTF-8, then build again."
        ) from error
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "\ufffd")
