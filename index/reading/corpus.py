"""Reader of folders of Markdown files, or single files, into documents."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from index.cpus import usable_cpus
from index.errors import CorpusError
from index.language import language
from index.markdown import DOUBTFUL, Document, Parsed, parse
from index.reading import note_files
from index.reading.decoding import Undecodable, decode
from index.reading.note_files import SUFFIXES
from index.reading.processes import each_in_processes
from index.repair import Mending, mend, open_reader, without_unreadable

__all__ = [
    "GLOSSARY",
    "SUFFIXES",
    "Collection",
    "Skipped",
    "Warned",
    "document_hash",
    "read",
    "scan",
    "source_hash",
]

GLOSSARY = "glossary.yaml"

_Note = tuple[str, str, str, Path]


@dataclass(frozen=True)
class Skipped:
    """A file that is left out, and the reason: it has no text to search, or cannot be read."""

    path: str
    reason: str


@dataclass(frozen=True)
class Warned:
    """A problem in a file that is read nevertheless; the line is counted from 1."""

    path: str
    line: int
    reason: str


@dataclass(frozen=True)
class Collection:
    """The documents of all corpora, by corpus and path, and the files that were left out.

    folders: the place of each corpus, a folder or a single file. documents: the documents that were
    parsed. glossary: groups of synonyms, from the `glossary.yaml` files. warnings: problems in the
    documents. order: for each document of the corpora its number in the index that already has it,
    or None for the next one of `documents`.
    """

    folders: Mapping[str, Path]
    documents: tuple[Document, ...]
    skipped: tuple[Skipped, ...]
    glossary: tuple[tuple[str, ...], ...]
    warnings: tuple[Warned, ...] = ()
    order: tuple[int | None, ...] = ()


@dataclass(frozen=True)
class Known:
    """An unchanged document of an existing index, and its number there."""

    number: int


def read(
    corpora: Mapping[str, Path],
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    known: Mapping[str, str] | None = None,
    cache_dir: Path | None = None,
) -> Collection:
    """Return the documents of the corpora, each a folder or a single file by its name.

    include, exclude: globs in the syntax of `.gitignore`, relative to each folder. known: the hash
    of each document's text by "corpus/path", in the order of an existing index; unchanged documents
    are not parsed again. cache_dir: the folder of the model that repairs damaged words; without it,
    blocks that lost bytes stay as they are and never become part of an answer. Many files are read
    by several processes, one for each processor. Raises CorpusError if a folder cannot be read, if
    two files have the same address, if no text is left, or if one of the processes dies.
    """
    found = list(scan(corpora, include, exclude, usable_cpus(), known, cache_dir))
    documents = tuple(item for item in found if isinstance(item, Document))
    skipped = tuple(item for item in found if isinstance(item, Skipped))
    order = tuple(
        item.number if isinstance(item, Known) else None
        for item in found
        if isinstance(item, Known | Document)
    )
    if not order:
        folders = ", ".join(str(folder) for folder in corpora.values())
        raise CorpusError(
            f"The notes in {folders} hold no text to search: "
            + "; ".join(f"{item.path} {item.reason}" for item in skipped)
            + ". Write something under a heading, then build again."
        )
    glossary = tuple(group for folder in corpora.values() for group in _glossary(folder))
    warnings = tuple(item for item in found if isinstance(item, Warned))
    return Collection(corpora, documents, skipped, glossary, warnings, order)


def scan(
    corpora: Mapping[str, Path],
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    workers: int = 1,
    known: Mapping[str, str] | None = None,
    cache_dir: Path | None = None,
) -> Iterator[Document | Known | Skipped | Warned]:
    """Yield the results of `read` one by one, so that few documents are in memory at once.

    workers: the number of processes; see `read` for the other arguments.
    """
    globs = note_files.chosen(include, exclude)
    notes = [note for name, place in corpora.items() for note in _notes(name, place, globs)]
    numbers = {item: number for number, item in enumerate((known or {}).items())}
    origins = [_number(note, numbers) if known else None for note in notes]
    fresh = [note for note, origin in zip(notes, origins, strict=True) if origin is None]
    read = each_in_processes(partial(_read, cache_dir), fresh, workers)
    for origin in origins:
        if origin is None:
            yield from next(read)
        else:
            yield Known(origin)


def _number(note: _Note, numbers: Mapping[tuple[str, str], int]) -> int | None:
    """Return the number of a note in the existing index, None if the note is new or changed."""
    corpus, _, path, file = note
    try:
        source, _ = decode(file.read_bytes())
    except (OSError, Undecodable):
        return None
    return numbers.get((f"{corpus}/{path}", source_hash(source)))


def _notes(corpus: str, place: Path, globs: note_files.Chosen) -> Iterator[_Note]:
    seen: dict[str, Path] = {}
    for path, file in note_files.find(place, globs):
        identifier = path.removesuffix(file.suffix)
        other = seen.setdefault(identifier, file)
        if other != file:
            raise CorpusError(f"{other} and {file} would have one address. Rename one of them.")
        yield corpus, identifier, path, file
    if not seen:
        raise CorpusError(
            f"{place} holds no Markdown files (.md, .markdown or .mdx)"
            + (" that the globs let be read." if globs.include or len(globs.exclude) else ".")
        )


def _read(cache_dir: Path | None, note: _Note) -> list[Document | Skipped | Warned]:
    return list(_scanned(*note, cache_dir))


def document_hash(document: Document) -> str:
    """Return the hash of the text in a document's file, which may differ from the mended text."""
    return document.digest or source_hash(document.source)


def source_hash(source: str) -> str:
    """Return the SHA-256 of a document's text, in hex."""
    return hashlib.sha256(source.encode()).hexdigest()


def _scanned(
    corpus: str, identifier: str, path: str, file: Path, cache_dir: Path | None
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
    mending = mend(source, partial(open_reader, cache_dir) if cache_dir else None)
    parsed = parse(mending.text, file.stem)
    parsed = replace(parsed, sections=without_unreadable(parsed.sections, mending.beyond))
    yield from _damage(path, mending)
    if not any(section.blocks for section in parsed.sections):
        reason = "is empty" if not source.strip() else "has headings but no text"
        yield Skipped(path, "is damaged beyond mending" if mending.beyond else reason)
        return
    if encoding == "CP949":
        yield Warned(path, 1, "is read as CP949: save the file as UTF-8 to be sure")
    if parsed.fault:
        yield Warned(path, parsed.fault.line or 1, f"{parsed.fault}, so only its text is used")
    document = _document(corpus, identifier, path, mending.text, parsed)
    if mending.text != source:
        document = replace(document, mended=mending.mended, digest=source_hash(source))
    yield document


def _damage(path: str, mending: Mending) -> Iterator[Warned]:
    """Yield the warnings for a damaged file: one if words are mended, one for each lost block."""
    if mending.mended:
        line = mending.text.count("\n", 0, mending.mended[0].start) + 1
        doubtful = sum(word.confidence < DOUBTFUL for word in mending.mended)
        said = f"{len(mending.mended):,} words are mended, {doubtful:,} of them doubtful"
        yield Warned(path, line, f"was read in a wrong encoding: {said} (see `notes mend`)")
    for start, _ in mending.blocks_beyond:
        line = mending.text.count("\n", 0, start) + 1
        yield Warned(path, line, "is damaged beyond mending, so this block answers nothing")


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
        references=parsed.references,
    )


def _address(matter: Mapping[str, object]) -> str:
    """Return the address of a document on its site, from its front matter, else an empty string.

    An address that starts with a slash begins at the site's root; any other one is a name in the
    document's folder. A pattern such as `/:year/:title` is ignored.
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
    # Few folders have a glossary: only those pay.
    import yaml

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
