"""Markdown to sections: headings with their anchors, paths, and the blocks below them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import regex
import yaml
from markdown_it.token import Token

from index.blocks import BlockReader, Group
from index.markdown import closing, heading_anchors, is_navigation, parser, plain
from index.notes import Section

_EMOJI_AROUND = regex.compile(
    r"^[\p{Extended_Pictographic}\p{Emoji_Modifier}\uFE0F\u200D\u20E3\s]+"
    r"|[\p{Extended_Pictographic}\p{Emoji_Modifier}\uFE0F\u200D\u20E3\s]+$"
)


@dataclass(frozen=True)
class Parsed:
    """A Markdown file taken apart: its front matter, its title and its sections."""

    front_matter: dict[str, Any]
    title: str
    sections: tuple[Section, ...]


@dataclass(frozen=True)
class _Heading:
    title: str
    anchor: str
    level: int
    line: int
    after: int


def parse(source: str, fallback_title: str) -> Parsed:
    """Return the file taken apart.

    The title is the front matter's, else a lone first-level heading's, else the fallback.
    Raises ValueError when the front matter is not YAML.
    """
    tokens = parser().parse(source)
    matter = _front_matter(tokens)
    headings, groups = _split(tokens)
    title = _title(matter, headings, groups, fallback_title)
    reader = BlockReader(source)
    return Parsed(matter, title, tuple(_sections(reader, title, headings, groups)))


def _front_matter(tokens: Sequence[Token]) -> dict[str, Any]:
    for token in tokens:
        if token.type == "front_matter":
            try:
                matter = yaml.safe_load(token.content)
            except (yaml.YAMLError, RecursionError) as error:
                mark = getattr(error, "problem_mark", None)
                line = f" at line {mark.line + 2}" if mark else ""
                raise ValueError(f"its front matter is not YAML{line}") from error
            return matter if isinstance(matter, dict) else {}
    return {}


def _title(
    matter: dict[str, Any], headings: Sequence[_Heading], groups: Sequence[Group], fallback: str
) -> str:
    if matter.get("title"):
        return str(matter["title"])
    top = [number for number, heading in enumerate(headings) if heading.level == 1]
    if top == [0] and not _only_navigation(_own(headings, groups, 0)):
        return headings[0].title or fallback
    return fallback


def _own(headings: Sequence[_Heading], groups: Sequence[Group], number: int) -> list[Group]:
    """Return the blocks between a heading and the next one."""
    start = headings[number].after
    end = headings[number + 1].line if number + 1 < len(headings) else None
    return [g for g in groups if g.first >= start and (end is None or g.first < end)]


def _only_navigation(groups: Sequence[Group]) -> bool:
    return bool(groups) and all(is_navigation(group.tokens) for group in groups)


def _split(tokens: Sequence[Token]) -> tuple[list[_Heading], list[Group]]:
    anchors = iter(heading_anchors(tokens))
    headings, groups = [], []
    start = 0
    while start < len(tokens):
        stop = closing(tokens, start)
        group = tokens[start : stop + 1]
        first = tokens[start]
        own_anchors = [next(anchors) for token in group if token.type == "heading_open"]
        lines = first.map or [0, 0]
        if first.type == "heading_open":
            title = _EMOJI_AROUND.sub("", plain(tokens[start + 1].children)).strip()
            headings.append(_Heading(title, own_anchors[0], int(first.tag[1]), *lines))
        elif first.type not in ("front_matter", "hr"):
            groups.append(Group(group, *lines))
        start = stop + 1
    return headings, groups


def _sections(
    reader: BlockReader, title: str, headings: Sequence[_Heading], groups: Sequence[Group]
) -> Iterator[Section]:
    first = headings[0].line if headings else reader.line_count
    blocks = reader.blocks([group for group in groups if group.first < first])
    if blocks:
        end = reader.offset(first)
        yield Section(title, (title,), "", 0, 0, end, 1, max(first, 1), blocks)
    above: list[tuple[int, str]] = []
    for number, heading in enumerate(headings):
        lower = (h.line for h in headings[number + 1 :] if h.level <= heading.level)
        last = next(lower, reader.line_count)
        own = _own(headings, groups, number)
        above = [(level, name) for level, name in above if level < heading.level]
        names = [name for _, name in above]
        shown = heading.title or (names[-1] if names else title)
        # A table of contents is no topic: what follows it is not a part of it.
        if not _only_navigation(own):
            above.append((heading.level, shown))
        yield Section(
            shown,
            _path(title, names, shown),
            heading.anchor,
            heading.level,
            reader.offset(heading.line),
            reader.offset(last),
            heading.line + 1,
            max(last, heading.line + 1),
            reader.blocks(own),
        )


def _path(title: str, above: Sequence[str], shown: str) -> tuple[str, ...]:
    path = [title]
    for name in (*above, shown):
        if name != path[-1]:
            path.append(name)
    return tuple(path)
