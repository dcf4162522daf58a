"""Damaged lines and their words, as far as they are read."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from index.repair.code_pages import CodePage
from index.repair.word_readings import WordReading


@dataclass
class Word:
    """A damaged word: where it stands in its line, and what it may have been.

    chosen: which of the readings. likely: how likely each is, adding up to 1. agreed: how likely
    the one chosen is with what a link says, negative where none says anything.
    """

    start: int
    end: int
    readings: Sequence[WordReading]
    chosen: int = 0
    likely: Sequence[float] = ()
    agreed: float = -1.0

    @property
    def text(self) -> str:
        """Return what is read."""
        return self.readings[self.chosen].text

    @property
    def confidence(self) -> float:
        """Return how likely that is."""
        return self.agreed if self.agreed >= 0 else self.likely[self.chosen]


@dataclass
class DamagedLine:
    """A damaged line: its number from 0, its text as it stands and below other layers of damage.

    places: where each character of `inner`, and its end, stands in `outer`. readable: whether all
    of it can be read.
    """

    number: int
    block: int
    page: CodePage
    outer: str
    inner: str
    places: Sequence[int]
    words: list[Word] = field(default_factory=list)
    readable: bool = True

    def parts(self) -> Iterator[tuple[str, Word | None]]:
        """Yield the line as it is read: what stands between words, and each word."""
        position = 0
        for word in self.words:
            yield self.inner[position : word.start], None
            yield word.text, word
            position = word.end
        yield self.inner[position:], None

    def text(self) -> str:
        """Return the line as it is read."""
        return "".join(text for text, _ in self.parts())

    def text_with(self, words: Sequence[Word], chosen: Sequence[int]) -> str:
        """Return the line with other readings of some of its words."""
        others = {id(word): choice for word, choice in zip(words, chosen, strict=True)}
        return "".join(
            word.readings[others[id(word)]].text if word and id(word) in others else text
            for text, word in self.parts()
        )

    def between(self, start: int, end: int) -> str:
        """Return what is read of [start, end) of the inner text, which cuts no word."""
        found, position = [], start
        for word in self.words:
            if start <= word.start and word.end <= end:
                found += [self.inner[position : word.start], word.text]
                position = word.end
        return "".join([*found, self.inner[position:end]])
