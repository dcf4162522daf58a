"""Folders of Markdown files, or lone files, to documents."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from index import files
from index.decode import Undecodable, decode
from index.errors import CorpusError
from index.files import SUFFIXES
from index.language import language
from index.notes import Document
from index.sections import Parsed, parse

__all__ = ["GLOSSARY", "SUFFIXES", "Collection", "Skipped", "Warned", "read", "scan", "source_hash"]

GLOSSARY = "glossary.yaml"


@dataclass(frozen=True)
class Skipped:
    """A file that is left out, and why: it holds nothing to search, or cannot be read."""

    path: str
    reason: str


@dataclass(frozen=True)
class Warned:
    """What is not as it should be in a file that is read; the line is counted from 1."""

    path: str
    line: int
    reason: str


@dataclass(frozen=True)
class Collection:
    """The documents of all corpora, by corpus and path, and the files that were left out.

    folders: the place of each corpus, a folder or a lone file. glossary: groups of terms that mean
    the same, from the `glossary.yaml` files. warnings: what of the documents could not be used.
    """

    folders: Mapping[str, Path]
    documents: tuple[Document, ...]
    skipped: tuple[Skipped, ...]
    glossary: tuple[tuple[str, ...], ...]
    warnings: tuple[Warned, ...] = ()


def read(
    corpora: Mapping[str, Path], include: Sequence[str] = (), exclude: Sequence[str] = ()
) -> Collection:
    """Return what the folders and files hold, each named by its corpus.

    include, exclude: globs as `.gitignore` has them, from each folder. Raises CorpusError when a
    folder cannot be read, two files would have one address, or nothing is left.
    """
    found = list(scan(corpora, include, exclude))
    documents = tuple(item for item in found if isinstance(item, Document))
    skipped = tuple(item for item in found if isinstance(item, Skipped))
    if not documents:
        folders = ", ".join(str(folder) for folder in corpora.values())
        raise CorpusError(
            f"The notes in {folders} hold no text to search: "
            + "; ".join(f"{item.path} {item.reason}" for item in skipped)
            + ". Write something under a heading, then build again."
        )
    glossary = tuple(group for folder in corpora.values() for group in _glossary(folder))
    warnings = tuple(item for item in found if isinstance(item, Warned))
    return Collection(corpora, documents, skipped, glossary, warnings)


def scan(
    corpora: Mapping[str, Path], include: Sequence[str] = (), exclude: Sequence[str] = ()
) -> Iterator[Document | Skipped | Warned]:
    """Yield the same one by one, so that no more than a document need be held."""
    globs = files.chosen(include, exclude)
    for name, place in corpora.items():
        seen: dict[str, Path] = {}
        for path, file in files.find(place, globs):
            identifier = path.removesuffix(file.suffix)
            other = seen.setdefault(identifier, file)
            if other != file:
                raise CorpusError(f"{other} and {file} would have one address. Rename one of them.")
            yield from _scanned(name, identifier, path, file)
        if not seen:
            raise CorpusError(
                f"{place} holds no Markdown files (.md, .markdown or .mdx)"
                + (" that the globs let be read." if include or exclude else ".")
            )


def source_hash(source: str) -> str:
    """Return the SHA-256 of a document's text, in hex."""
    return hashlib.sha256(source.encode()).hexdigest()


def _scanned(
    corpus: str, identifier: str, path: str, file: Path
) -> Iterator[Document | Skipped | Warned]:
    if not _is_text(path):
        shown = path.encode(errors="surrogateescape").decode(errors="backslashreplace")
        yield Skipped(shown, "has a name that is not UTF-8: rename the file")
        return
    if path.endswith("/") or not path:
        yield Skipped(path or ".", "cannot be read: its files cannot be listed")
        return
    try:
        source, encoding = decode(file.read_bytes())
    except OSError as error:
        yield Skipped(path, f"cannot be read: {error.strerror}")
        return
    except Undecodable as error:
        yield Skipped(
            f"{path}:{error.line}", f"{error.reason}: save the file as UTF-8, then build again"
        )
        return
    parsed = parse(source, file.stem)
    if not any(section.blocks for section in parsed.sections):
        reason = "is empty" if not source.strip() else "has headings but no text"
        yield Skipped(path, reason)
        return
    if encoding == "CP949":
        yield Warned(path, 1, "is read as CP949: save the file as UTF-8 to be sure")
    if parsed.fault:
        yield Warned(path, parsed.fault.line or 1, f"{parsed.fault}, so only its text is used")
    yield _document(corpus, identifier, path, source, parsed)


def _document(corpus: str, identifier: str, path: str, source: str, parsed: Parsed) -> Document:
    matter = parsed.front_matter
    examples = matter.get("examples")
    return Document(
        id=identifier,
        corpus=corpus,
        path=path,
        title=parsed.title,
        description=str(matter.get("description") or ""),
        language=language(source),
        examples=tuple(str(item) for item in examples) if isinstance(examples, list) else (),
        source=source,
        sections=parsed.sections,
        address=_address(matter),
    )


def _address(matter: Mapping[str, object]) -> str:
    """Return where a site has a document as its front matter says; a pattern says nothing.

    One that starts with a slash is taken from the site's root, another is a name in its folder.
    """
    for key in ("permalink", "url", "slug"):
        value = str(matter.get(key) or "").strip()
        if value and ":" not in value:
            return value if key == "slug" else f"/{value.lstrip('/')}"
    return ""


def _is_text(name: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in name)


def _glossary(folder: Path) -> Iterator[tuple[str, ...]]:
    path = folder / GLOSSARY
    if not path.is_file() or not path.resolve().is_relative_to(folder.resolve()):
        return
    try:
        groups = yaml.safe_load(decode(path.read_bytes())[0])
    except (yaml.YAMLError, RecursionError) as error:
        raise CorpusError(f"{path} is not YAML: {error}") from error
    except OSError as error:
        raise CorpusError(f"{path} cannot be read: {error.strerror}.") from error
    except Undecodable as error:
        raise CorpusError(f"{path}:{error.line} {error.reason}. Save it as UTF-8.") from error
    if not isinstance(groups, list) or not all(isinstance(group, list) for group in groups):
        raise CorpusError(f"{path} must be a list of lists of terms: - [VM, 가상 머신]")
    yield from (tuple(str(term) for term in group) for group in groups)
