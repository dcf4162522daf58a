"""Removal of unreadable blocks, which cannot be part of an answer."""

from collections.abc import Sequence
from dataclasses import replace

from index.markdown import Block, Section


def without_unreadable(
    sections: Sequence[Section], spans: Sequence[tuple[int, int]]
) -> tuple[Section, ...]:
    """Return the sections without the blocks that overlap one of the [start, end) spans."""

    def stays(block: Block) -> bool:
        return not any(start < block.end and block.start < end for start, end in spans)

    if not spans:
        return tuple(sections)
    return tuple(replace(s, blocks=tuple(filter(stays, s.blocks))) for s in sections)
