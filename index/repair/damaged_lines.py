"""Damaged lines and the current readings of their words."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from index.repair.code_pages import CodePage
from index.repair.word_readings import WordReading


@dataclass
class Word:
    """A damaged word: its position in the inner text of its line, and its possible readings.

    chosen: the index of the chosen reading. likely: the probability of each reading; their sum is
    1. agreed: the probability of the chosen reading if a link and its heading agree on it, else
    negative.
    """

    start: int
    end: int
    readings: Sequence[WordReading]
    chosen: int = 0
    likely: Sequence[float] = ()
    agreed: float = -1.0

    @property
    def text(self) -> str:
        """Return the chosen reading."""
        return self.readings[self.chosen].text

    @property
    def confidence(self) -> float:
        """Return the probability that the chosen reading is right."""
        return self.agreed if self.agreed >= 0 else self.likely[self.chosen]


@dataclass
class DamagedLine:
    """A damaged line and its words.

    number: counted from 0. block: the number of its block. page: the code page of the innermost
    layer of damage. outer: the line in the file. inner: the line after all other layers of damage
    are removed. places: the position in `outer` of each character of `inner`, and of its end.
    readable: whether the whole line can be read.
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
        """Yield the parts of the repaired line: text between words (with None), and each word."""
        position = 0
        for word in self.words:
            yield self.inner[position : word.start], None
            yield word.text, word
            position = word.end
        yield self.inner[position:], None

    def text(self) -> str:
        """Return the repaired line, by the chosen reading of each word."""
        return "".join(text for text, _ in self.parts())

    def text_with(self, words: Sequence[Word], chosen: Sequence[int]) -> str:
        """Return the repaired line with other readings of some of its words."""
        others = {id(word): choice for word, choice in zip(words, chosen, strict=True)}
        return "".join(
            word.readings[others[id(word)]].text if word and id(word) in others else text
            for text, word in self.parts()
        )

    def between(self, start: int, end: int) -> str:
        """Return the repaired text of [start, end) of the inner text; no word may be cut."""
        found, position = [], start
        for word in self.words:
            if start <= word.start and word.end <= end:
                found += [self.inner[position : word.start], word.text]
                position = word.end
        return "".join([*found, self.inner[position:end]])
