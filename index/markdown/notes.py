"""What notes are made of: documents, sections, blocks and lines, all with true offsets.

For each of them `source[start:end]` is its text, where `source` is its document's.
"""

from bisect import bisect_right
from dataclasses import dataclass
from typing import Literal

from index.language import Language

BlockKind = Literal["paragraph", "list", "quote", "table", "code", "html"]
LineKind = Literal["sentence", "item", "row", "code"]


@dataclass(frozen=True)
class Line:
    """The smallest thing that can answer: a sentence, list item, code line or table row.

    plain is its text without Markdown, and after it what no page shows: a term's id, the text of a
    picture beside it; unseen is how many characters those are. A table row names its columns.
    words is what a page shows of it in one run, so that a link can find it there: all of it, or a
    row's longest cell.
    """

    start: int
    end: int
    plain: str
    words: str
    kind: LineKind
    unseen: int = 0

    @property
    def shown(self) -> str:
        """Return its text as a page shows it."""
        return self.plain[: len(self.plain) - self.unseen].rstrip()


@dataclass(frozen=True)
class Block:
    """What stands between headings at the top level: a paragraph, list, quote, table or code.

    head is what its later parts need above them to be read alone, by offsets: a table's header
    with its delimiter line, a fence's opening line. (0, 0) where nothing is needed.
    """

    kind: BlockKind
    start: int
    end: int
    lines: tuple[Line, ...]
    head: tuple[int, int] = (0, 0)


@dataclass(frozen=True)
class Section:
    """A heading and what stands under it, up to the next one of the same or a higher level.

    path runs from the document's title to this section's. blocks are its own, those of the
    sections below it and navigation left out. Lines are counted from 1, both ends inclusive.
    Text before the first heading is a section of level 0 with an empty anchor.
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
    """Where the links of a document with this label lead, or what the footnote says.

    label is as the parser compares them, a footnote's with `^` before it; text is the Markdown of
    the definition.
    """

    label: str
    text: str


# A mended word that is read with less confidence may well be another.
DOUBTFUL = 0.9


@dataclass(frozen=True)
class Mended:
    """What was damaged, and is read anew at [start, end) of the source.

    was: what stood there. confidence: how likely the reading is right, in 0..1.
    """

    start: int
    end: int
    was: str
    confidence: float


@dataclass(frozen=True)
class Document:
    """One Markdown file. id is its path below the corpus, without the suffix, with slashes.

    examples are questions that its front matter offers to learners. address is where a site has
    it, as its front matter says (`permalink`, `url`, `slug`), empty where it does not. mended: what
    of the source is not as the file has it, in order; digest: the hash of what the file has then.
    references: what its links and footnotes refer to, wherever in it that stands.
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
        """Return whether any of [start, end) of the source is not as the file has it."""
        after = bisect_right(self.mended, start, key=lambda word: word.end)
        return after < len(self.mended) and self.mended[after].start < end


@dataclass(frozen=True)
class Passage:
    """What is embedded and returned: consecutive blocks of one section, or a part of a long one.

    text is the Markdown to show: head and source[start:end]. head repeats the block's head
    where the passage starts inside a block, and is empty otherwise.
    """

    document: int
    section: int
    start: int
    end: int
    head: str
    lines: tuple[Line, ...]

    def text(self, source: str) -> str:
        """Return the Markdown to show."""
        return self.head + source[self.start : self.end]

    def span(self, line: Line) -> tuple[int, int]:
        """Return where a line of this passage stands in its text."""
        shift = len(self.head) - self.start
        return line.start + shift, line.end + shift
