"""The repair of a damaged text: exact if no byte is lost, else by the likeliest reading of words.

Words that are read with certainty, or often, in the same document make a reading likelier.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from index.markdown import Mended
from index.repair import korean
from index.repair.damaged_lines import DamagedLine, Word
from index.repair.heading_links import agree
from index.repair.reading_lattice import Lattice, lattice
from index.repair.recognise import Damage, damaged, exact, peeled
from index.repair.word_readings import WordReader, WordReading

_MARKS = ("Ã¯Â»Â¿", "ï»¿")  # a byte order mark, read in a wrong code page twice, or once
_SWEEPS = 2
_KNOWN = 1.2
_HALF = 0.5
_SPREAD = 1.0
_CERTAIN = 0.99
# Below it a block says too little of what was written.
_LEAST = 0.5
_LEAST_OPEN = 0.65
_SEVERAL = 5


@dataclass(frozen=True)
class Mending:
    """A repaired text.

    mended: the repaired words, in order, with offsets into `text`. beyond: [start, end) of the
    lines without a reading that is certain enough; they stay damaged.
    """

    text: str
    mended: tuple[Mended, ...]
    beyond: tuple[tuple[int, int], ...] = ()

    @property
    def blocks_beyond(self) -> list[tuple[int, int]]:
        """Return the spans in `beyond`, with consecutive lines joined into one span."""
        found: list[tuple[int, int]] = []
        for start, end in self.beyond:
            first = found.pop()[0] if found and found[-1][1] + 1 == start else start
            found.append((first, end))
        return found


Open = Callable[[], WordReader]


def mend(text: str, reader: Open | None) -> Mending:
    """Return the repaired text; an undamaged text comes back unchanged.

    reader: a function that opens a reader of damaged words; it is called only if bytes are lost.
    Without it, lines that lost bytes stay as they are.
    """
    for mark in _MARKS:
        text = text.removeprefix(mark)
    found = damaged(text)
    if not found:
        return Mending(text, ())
    rows = text.split("\n")
    lines = [_line(rows[damage.number], damage, reader) for damage in found]
    _settle(lines, _clean(rows, found))
    agree(lines)
    return _mending(rows, lines)


def _line(row: str, damage: Damage, reader: Open | None) -> DamagedLine:
    inner, places = row, list(range(len(row) + 1))
    for page in damage.pages[:-1]:
        inner, own = peeled(inner, page)
        places = [places[place] for place in own]
    page = damage.pages[-1]
    line = DamagedLine(damage.number, damage.block, page, row, inner, places)
    if words := exact(inner, page):
        line.words = [Word(start, end, [WordReading(read, 0.0)]) for start, end, read in words]
    else:
        found = lattice(inner, page)
        line.readable = found.readable and reader is not None
        line.words = list(_words(found, reader())) if found.readable and reader else []
    return line


def _words(found: Lattice, reader: WordReader) -> Iterator[Word]:
    for start, end in found.units():
        readings = reader.readings(found, start, end)
        if _in_link(found.line, start):
            # No blank stands in an address.
            readings = [reading for reading in readings if " " not in reading.text] or readings
        if readings:
            yield Word(start, end, readings)


def _in_link(line: str, position: int) -> bool:
    return line.rfind("](", 0, position) > line.rfind(")", 0, position)


def _clean(rows: Sequence[str], found: Sequence[Damage]) -> Counter[str]:
    """Return the number of occurrences of each word in the undamaged lines."""
    numbers = {damage.number for damage in found}
    clean = (row for number, row in enumerate(rows) if number not in numbers)
    return Counter(word for row in clean for word in korean.stems(row))


def _settle(lines: Sequence[DamagedLine], clean: Counter[str]) -> None:
    """Choose a reading of each word by its neighbours and by the other words of the document."""
    known: Mapping[str, float] | None = None
    for _ in range(_SWEEPS):
        counts: defaultdict[str, float] = defaultdict(float, clean)
        for line in lines:
            for number, word in enumerate(line.words):
                _choose(line, number, word, known)
                for reading, likely in zip(word.readings, word.likely, strict=True):
                    if likely > 1 - _CERTAIN:
                        for stem in korean.stems(reading.text):
                            counts[stem] += likely
        known = counts


def _choose(line: DamagedLine, number: int, word: Word, known: Mapping[str, float] | None) -> None:
    if len(word.readings) == 1:
        word.likely = (1.0,)
        return
    left, right = korean.around(*_neighbours(line, number))
    scores = [korean.fitness(reading, left, right) for reading in word.readings]
    if known is not None:
        for place, reading in enumerate(word.readings):
            # What this word itself has added says nothing about it.
            own = word.likely[place]
            for stem in korean.stems(reading.text):
                scores[place] += _KNOWN * math.log1p(max(0.0, known.get(stem, 0.0) - own) / _HALF)
    best = max(scores)
    weights = [math.exp((score - best) / _SPREAD) for score in scores]
    total = sum(weights)
    word.likely = tuple(weight / total for weight in weights)
    word.chosen = scores.index(best)


def _neighbours(line: DamagedLine, number: int) -> tuple[str, str]:
    parts = list(line.parts())
    place = 2 * number + 1
    before = "".join(text for text, _ in parts[:place])
    return before, "".join(text for text, _ in parts[place + 1 :])


def _mending(rows: Sequence[str], lines: Sequence[DamagedLine]) -> Mending:
    blocks: dict[int, list[DamagedLine]] = {}
    for line in lines:
        blocks.setdefault(line.block, []).append(line)
    left = {line.number for block in blocks.values() if _is_beyond(block) for line in block}
    read = {line.number: line for line in lines if line.number not in left}
    texts: list[str] = []
    mended: list[Mended] = []
    beyond = []
    position = 0
    for number, row in enumerate(rows):
        own = read.get(number)
        if own:
            mended += _placed(own, position)
        if number in left:
            beyond.append((position, position + len(row)))
        texts.append(own.text() if own else row)
        position += len(texts[-1]) + 1
    return Mending("\n".join(texts), tuple(mended), tuple(beyond))


def _is_beyond(block: Sequence[DamagedLine]) -> bool:
    """Return whether a block cannot be repaired, because too little of it can be read."""
    words = [word for line in block for word in line.words]
    if not all(line.readable for line in block):
        return True
    open_ = [word for word in words if len(word.readings) > 1]
    return _mean(words) < _LEAST or (len(open_) >= _SEVERAL and _mean(open_) < _LEAST_OPEN)


def _mean(words: Sequence[Word]) -> float:
    return sum(word.confidence for word in words) / len(words) if words else 1.0


def _placed(line: DamagedLine, start: int) -> Iterator[Mended]:
    position = start
    for text, word in line.parts():
        if word:
            was = line.outer[line.places[word.start] : line.places[word.end]]
            yield Mended(position, position + len(text), was, round(word.confidence, 3))
        position += len(text)
