"""The parts of notes: documents, sections, blocks and lines, all with exact offsets.

The text of each part is `source[start:end]`, where `source` is that of its document.
"""

from bisect import bisect_right
from dataclasses import dataclass
from typing import Literal

from index.language import Language

BlockKind = Literal["paragraph", "list", "quote", "table", "code", "html"]
LineKind = Literal["sentence", "item", "row", "code"]


@dataclass(frozen=True)
class Line:
    """The smallest unit of an answer: a sentence, list item, code line or table row.

    plain: its text without Markdown, followed by text that no page shows, such as the id of a term
    or the alternative text of a picture beside it. A table row includes the names of its columns.
    unseen: the number of characters of the text that no page shows. words: a run of words that a
    page shows without a break, so that a link can find it there; all of the line, or the longest
    cell of a row.
    """

    start: int
    end: int
    plain: str
    words: str
    kind: LineKind
    unseen: int = 0

    @property
    def shown(self) -> str:
        """Return the visible text of the line."""
        return self.plain[: len(self.plain) - self.unseen].rstrip()


@dataclass(frozen=True)
class Block:
    """A block at the top level between headings: a paragraph, list, quote, table or code.

    head: the offsets of the source that must stand above later parts of the block, so that these
    can be read alone: a table's header with its delimiter line, or a fence's opening line. It is
    (0, 0) if nothing is needed.
    """

    kind: BlockKind
    start: int
    end: int
    lines: tuple[Line, ...]
    head: tuple[int, int] = (0, 0)


@dataclass(frozen=True)
class Section:
    """A heading and the text under it, up to the next heading of the same or a higher level.

    path: the titles from the document's to this section's. blocks: its own blocks, without
    navigation and without those of the sections below it. Lines are counted from 1, both ends
    inclusive. Text before the first heading is a section of level 0 with an empty anchor.
    """

    title: str
    path: tuple[str, ...]
    anchor: str
    level: int
    start: int
    end: int
    first_line: int
    last_line: int
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Reference:
    """The definition of a link label or of a footnote.

    label: the normalised label of the parser, with `^` before it for a footnote. text: the Markdown
    of the definition.
    """

    label: str
    text: str


# A mended word that is read with less confidence may well be another.
DOUBTFUL = 0.9


@dataclass(frozen=True)
class Mended:
    """A damaged word that was repaired, at [start, end) of the source.

    was: the damaged text. confidence: the probability in 0..1 that the repair is right.
    """

    start: int
    end: int
    was: str
    confidence: float


@dataclass(frozen=True)
class Document:
    """One Markdown file. id is its path below the corpus, without the suffix, with slashes.

    examples: questions that its front matter offers to learners. address: its address on a site,
    from its front matter (`permalink`, `url`, `slug`), else empty. mended: the repaired words, in
    order, where the source differs from the file. digest: the hash of the text in the file if that
    differs from the source, else empty. references: the definitions of its links and footnotes,
    wherever they stand.
    """

    id: str
    corpus: str
    path: str
    title: str
    description: str
    language: Language
    examples: tuple[str, ...]
    source: str
    sections: tuple[Section, ...]
    address: str = ""
    mended: tuple[Mended, ...] = ()
    digest: str = ""
    references: tuple[Reference, ...] = ()

    def is_mended(self, start: int, end: int) -> bool:
        """Return whether [start, end) of the source contains any part of a repaired word."""
        after = bisect_right(self.mended, start, key=lambda word: word.end)
        return after < len(self.mended) and self.mended[after].start < end


@dataclass(frozen=True)
class Passage:
    """The unit that is embedded and returned: consecutive blocks of a section, or part of a block.

    Its Markdown is `head + source[start:end]`. head: a copy of the block's head if the passage
    starts inside a block, else empty.
    """

    document: int
    section: int
    start: int
    end: int
    head: str
    lines: tuple[Line, ...]

    def text(self, source: str) -> str:
        """Return the Markdown of the passage; source: the text of its document."""
        return self.head + source[self.start : self.end]

    def span(self, line: Line) -> tuple[int, int]:
        """Return [start, end) of a line of this passage in the passage's text."""
        shift = len(self.head) - self.start
        return line.start + shift, line.end + shift
