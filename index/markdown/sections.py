"""Markdown to sections: headings with their anchors, paths, and the blocks below them."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import regex
from markdown_it.token import Token

from index.markdown.block_lines import BlockReader, Group
from index.markdown.commonmark import block_parser, closing, heading_anchors, is_navigation, plain
from index.markdown.dialects import CONTAINER, MatterError
from index.markdown.dialects import front_matter as matter
from index.markdown.notes import Reference, Section
from index.markdown.references import references

_EMOJI_AROUND = regex.compile(
    r"^[\p{Extended_Pictographic}\p{Emoji_Modifier}\uFE0F\u200D\u20E3\s]+"
    r"|[\p{Extended_Pictographic}\p{Emoji_Modifier}\uFE0F\u200D\u20E3\s]+$"
)


@dataclass(frozen=True)
class Parsed:
    """A parsed Markdown file; fault: the error if its front matter cannot be read."""

    front_matter: dict[str, Any]
    title: str
    sections: tuple[Section, ...]
    references: tuple[Reference, ...] = ()
    fault: MatterError | None = None


@dataclass(frozen=True)
class _Heading:
    title: str
    anchor: str
    level: int
    line: int
    after: int


def parse(source: str, fallback_title: str) -> Parsed:
    """Return the parsed file.

    The title is that of the front matter, else that of the only first-level heading if it comes
    first, else the fallback. Front matter that cannot be read is left out and reported in `fault`.
    """
    env: dict[str, Any] = {}
    tokens = block_parser().parse(source, env)
    front_matter, fault = _front_matter(tokens)
    headings, groups = _split(tokens)
    title = _title(front_matter, headings, groups, fallback_title)
    reader = BlockReader(source, env)
    sections = tuple(_sections(reader, title, headings, groups))
    found = tuple(references(source, tokens, env))
    return Parsed(front_matter, title, sections, found, fault)


def _front_matter(tokens: Sequence[Token]) -> tuple[dict[str, Any], MatterError | None]:
    first = tokens[0] if tokens else None
    if first is None or first.type != "front_matter":
        return {}, None
    try:
        return matter.read(first), None
    except MatterError as error:
        return {}, error


def _title(
    front_matter: dict[str, Any],
    headings: Sequence[_Heading],
    groups: Sequence[Group],
    fallback: str,
) -> str:
    if front_matter.get("title"):
        return str(front_matter["title"])
    top = [number for number, heading in enumerate(headings) if heading.level == 1]
    if top == [0] and not _only_navigation(_own(headings, groups, 0)):
        return headings[0].title or fallback
    return fallback


def _own(headings: Sequence[_Heading], groups: Sequence[Group], number: int) -> Sequence[Group]:
    """Return the blocks between a heading and the next one."""
    start = bisect_left(groups, headings[number].after, key=_first)
    if number + 1 == len(headings):
        return groups[start:]
    return groups[start : bisect_left(groups, headings[number + 1].line, start, key=_first)]


def _first(group: Group) -> int:
    return group.first


def _only_navigation(groups: Sequence[Group]) -> bool:
    return bool(groups) and all(is_navigation(group.tokens) for group in groups)


def _split(tokens: Sequence[Token]) -> tuple[list[_Heading], list[Group]]:
    anchors = iter(heading_anchors(tokens))
    headings, groups = [], []
    start = 0
    while start < len(tokens):
        if tokens[start].type.startswith(CONTAINER):
            # What a container holds stands at the margin, headings too.
            start += 1
            continue
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
        after = map(headings.__getitem__, range(number + 1, len(headings)))
        lower = (h.line for h in after if h.level <= heading.level)
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
