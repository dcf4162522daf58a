"""The files of a folder that are notes: by suffix, globs and `.gitignore`, never outside of it."""

import os
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from index.errors import CorpusError

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

SUFFIXES = (".md", ".markdown", ".mdx")
_IGNORE = ".gitignore"
_SHOWN = ".md, .markdown or .mdx"


@dataclass(frozen=True)
class Chosen:
    """Globs in the syntax of `.gitignore`. include: the files to read, None for all."""

    include: "GitIgnoreSpec | None"
    exclude: "GitIgnoreSpec"

    def reads(self, path: str) -> bool:
        """Return whether the globs allow a file to be read; path: its path below the corpus."""
        included = self.include is None or self.include.match_file(path)
        return included and not self.exclude.match_file(path)

    def enters(self, folder: str) -> bool:
        """Return whether the globs allow a folder to be searched for notes."""
        return not self.exclude.match_file(f"{folder}/")


def chosen(include: Sequence[str] = (), exclude: Sequence[str] = ()) -> Chosen:
    """Return the compiled globs. Raises CorpusError if one of them is not valid."""
    return Chosen(_spec(include) if include else None, _spec(exclude))


def find(place: Path, globs: Chosen) -> Iterator[tuple[str, Path]]:
    """Yield the path below the folder and the file of each note, sorted, or of the single file.

    The path is NFC with forward slashes, so that it is the same on every machine. Folders that
    start with a dot are left out. A folder that cannot be read is yielded itself, with a path that
    ends in a slash. Raises CorpusError if the place does not exist.
    """
    if not place.exists():
        raise CorpusError(f"The notes folder {place} does not exist. Give a folder of .md files.")
    if place.is_dir():
        found = _below(place.resolve(), place, "", globs, ())
        yield from sorted(found, key=lambda each: each[0].split("/"))
        return
    if place.suffix.lower() not in SUFFIXES:
        raise CorpusError(f"{place} is no Markdown file ({_SHOWN}), nor a folder of them.")
    yield _normal(place.name), place


def folder_of(place: Path) -> Path:
    """Return the folder that contains the notes of a corpus: for a single file, its parent."""
    return place.parent if place.is_file() else place


def _below(
    root: Path, folder: Path, above: str, globs: Chosen, ignored: tuple["_Ignored", ...]
) -> Iterator[tuple[str, Path]]:
    # Git matches names as they are written on disk.
    own = _ignored(folder / _IGNORE, root, above)
    ignored = (own, *ignored) if own else ignored
    try:
        with os.scandir(folder) as listing:
            entries = list(listing)
    except OSError:
        yield above, folder
        return
    for entry in entries:
        path = above + _normal(entry.name)
        if entry.is_dir(follow_symlinks=False):
            hidden = entry.name.startswith(".") or not globs.enters(path)
            if not hidden and not _is_ignored(f"{path}/", ignored):
                yield from _below(root, Path(entry.path), f"{path}/", globs, ignored)
        elif (
            Path(entry.name).suffix.lower() in SUFFIXES
            and globs.reads(path)
            and not _is_ignored(path, ignored)
            and _is_inside(root, entry)
        ):
            yield path, Path(entry.path)


def _is_inside(root: Path, entry: os.DirEntry[str]) -> bool:
    """Return whether an entry is a file of the corpus; a link to a file outside is not."""
    try:
        if not entry.is_symlink():
            return entry.is_file()
        return entry.is_file() and Path(entry.path).resolve(strict=True).is_relative_to(root)
    except (OSError, RuntimeError):
        return False


def _normal(name: str) -> str:
    return unicodedata.normalize("NFC", name)


@dataclass(frozen=True)
class _Ignored:
    """The patterns of one `.gitignore`; above: the path of its folder below the corpus."""

    above: str
    spec: "GitIgnoreSpec"


def _ignored(path: Path, root: Path, above: str) -> _Ignored | None:
    try:
        if not path.is_file() or not path.resolve().is_relative_to(root):
            return None
        lines = _normal(path.read_bytes().decode("utf-8-sig", "replace")).splitlines()
        return _Ignored(above, _tolerant(lines))
    except (OSError, RuntimeError):
        return None


def _tolerant(lines: Sequence[str]) -> "GitIgnoreSpec":
    """Return the patterns of a `.gitignore`; as in Git, an invalid line is skipped."""
    from pathspec import GitIgnoreSpec
    from pathspec.patterns.gitignore import GitIgnorePatternError

    good = []
    for line in lines:
        try:
            good += list(GitIgnoreSpec.from_lines([line]).patterns)
        except (GitIgnorePatternError, ValueError):
            continue
    return GitIgnoreSpec(good)


def _is_ignored(path: str, ignored: Sequence[_Ignored]) -> bool:
    """Return whether a path is ignored; the nearest `.gitignore` that matches it decides."""
    for each in ignored:
        said = each.spec.check_file(path.removeprefix(each.above)).include
        if said is not None:
            return bool(said)
    return False


def _spec(globs: Sequence[str]) -> "GitIgnoreSpec":
    # Only what reads notes waits for the library.
    from pathspec import GitIgnoreSpec
    from pathspec.patterns.gitignore import GitIgnorePatternError

    try:
        return GitIgnoreSpec.from_lines([_normal(glob) for glob in globs])
    except (GitIgnorePatternError, ValueError) as error:
        raise CorpusError(f"{', '.join(globs)} are no globs of files: {error}") from error
