"""The check of a folder: each file alone, then the links between its pages."""

import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from index.checks import emphasis_checks, structure, text_checks
from index.checks.checked_page import Anchors, CheckedPage
from index.checks.link_checks import Awaiting, duplicates, follow, links, look_up, settled
from index.checks.rules import RULES, Finding, Found
from index.errors import CorpusError
from index.markdown.dialects import front_matter
from index.reading import Chosen, Folder, chosen, each_in_processes, find, folder_of

Note = tuple[str, Path]


@dataclass(frozen=True)
class Report:
    """The findings in the order of paths and lines, and the number of files checked."""

    files: int
    findings: tuple[Finding, ...]

    @property
    def errors(self) -> int:
        """Return the number of findings that are errors."""
        return sum(finding.severity == "error" for finding in self.findings)


@dataclass(frozen=True)
class Checked:
    """The result of one page: its findings, anchors, links into other pages, and aliases."""

    found: tuple[Found, ...]
    anchors: Anchors
    waiting: tuple[Awaiting, ...]
    aliases: tuple[str, ...] = ()


def check(
    path: Path,
    rules: Collection[str] = tuple(RULES),
    globs: Chosen | None = None,
    workers: int = 1,
) -> Report:
    """Return the findings of the rules in a folder of Markdown files, or in one file.

    No file is changed. Each worker has one file in memory at a time; only the anchors and the links
    into other pages are kept of the others. Several workers run as processes, which are started
    only for many files. Raises CorpusError if there is nothing to read, or if a worker dies.
    """
    notes = list(find(path, globs or chosen()))
    if not notes:
        raise CorpusError(f"{path} holds no Markdown files to check.")
    folder = Folder(folder_of(path))
    anchors: dict[str, Anchors] = {}
    waiting: dict[str, list[Awaiting]] = {}
    aliases: dict[str, str] = {}
    findings: list[Finding] = []
    found = each_in_processes(partial(_check_file, folder), notes, workers)
    for (name, _), checked in zip(notes, found, strict=True):
        anchors[name] = checked.anchors
        for alias in checked.aliases:
            aliases.setdefault(alias, name)
        if checked.waiting:
            waiting[name] = list(checked.waiting)
        findings += [Finding(name, *found) for found in checked.found if found[2] in rules]
    if path.is_dir():
        whole = Folder(path, [name for name, _ in notes], lambda: aliases)
        findings += [Finding(*found) for found in _looked_up(whole, waiting) if found[3] in rules]
    else:
        waiting = _relative(waiting)
    for target in {item.target for items in waiting.values() for item in items} - anchors.keys():
        # It is no note, but a link into it may be checked all the same.
        source, _, _ = text_checks.read(_read(Path(folder.root) / target))
        anchors[target] = CheckedPage(target, source).anchors
    findings += [Finding(n, *f) for n, f in settled(waiting, anchors) if f[2] in rules]
    return Report(len(notes), tuple(sorted(findings)))


def _check_file(folder: Folder, note: Note) -> Checked:
    name, file = note
    return check_page(name, _read(file), folder)


def check_page(path: str, data: bytes, folder: Folder) -> Checked:
    """Return the findings in a page, its anchors, and its links that wait for other pages."""
    source, found, right = text_checks.read(data)
    page = CheckedPage(path, source)
    if not right:
        # Of a text that was guessed, only its anchors are trusted.
        return Checked(tuple(found), page.anchors, ())
    for rule in (
        structure.front_matter,
        structure.fences,
        structure.headings,
        structure.tables,
        emphasis_checks.literal,
        duplicates,
    ):
        found += rule(page)
    found += text_checks.damaged(source)
    waiting = []
    for link in links(page):
        followed = follow(folder, page, link)
        if isinstance(followed, Awaiting):
            waiting.append(followed)
        elif followed:
            found.append(followed)
    return Checked(tuple(found), page.anchors, tuple(waiting), front_matter.aliases(source))


def _relative(waiting: dict[str, list[Awaiting]]) -> dict[str, list[Awaiting]]:
    # Where site-absolute links lead is read from all pages of a folder, and so are names.
    return {
        name: [item for item in items if item.prefix is None and item.target]
        for name, items in waiting.items()
    }


def _looked_up(
    folder: Folder, waiting: dict[str, list[Awaiting]]
) -> Iterator[tuple[str, int, int, str, str, str]]:
    """Resolve links in double brackets, in `waiting`; yield a finding and its page for failures."""
    for name, items in waiting.items():
        known = [item for item in items if item.target]
        for item in items:
            found = None if item.target else look_up(folder, name, item.link)
            if isinstance(found, Awaiting):
                known.append(found)
            elif found:
                yield (name, *found)
        waiting[name] = known


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CorpusError(f"{path} cannot be read: {os.strerror(error.errno or 0)}.") from error
