"""The possible original characters of a damaged line."""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations, product
from typing import NamedTuple

from index.repair.code_pages import NO_BREAK, REPLACEMENT, CodePage

_BLANK = 0x20
_RETURN = 0x0D
_ANY = -2
# So many readings of one character are no help: all of its own bytes are gone.
_MOST = 128
_RARE = -4.0
_STYLED = -15.0
_FOREIGN = -1.0
_STRIPPED = -6.0


class Edge(NamedTuple):
    """A possible character from some position to `end`; weight: its score, a logarithm."""

    end: int
    character: str
    weight: float


@dataclass(frozen=True)
class Lattice:
    """A line with its possible original characters: `edges[i]` are those that start at i.

    damaged: for each position, whether a damaged character starts there. readable: whether every
    sequence of bytes in the line can be read. lost: the bytes that may be missing.
    """

    line: str
    edges: tuple[tuple[Edge, ...], ...]
    damaged: tuple[bool, ...]
    readable: bool
    lost: tuple[int, ...]

    def units(self) -> Iterator[tuple[int, int]]:
        """Yield [start, end) of each run of damaged characters, including blanks inside them."""
        start, position = -1, 0
        while position < len(self.line):
            if self.damaged[position]:
                start = position if start < 0 else start
                position = max(edge.end for edge in self.edges[position])
                continue
            if start >= 0:
                yield start, position
                start = -1
            position += 1
        if start >= 0:
            yield start, position


def lattice(line: str, page: CodePage) -> Lattice:
    """Return the lattice of a line of UTF-8 that was read in the code page."""
    codes = page.bytes_of(line)
    codes = [_ANY if line[at] == REPLACEMENT else code for at, code in enumerate(codes)]
    edges: list[tuple[Edge, ...]] = []
    damaged = []
    for start, code in enumerate(codes):
        found = tuple(_edges(codes, start, page)) if 0xC2 <= code <= 0xF4 else ()
        edges.append(found or (Edge(start + 1, line[start], 0.0),))
        damaged.append(bool(found))
    readable = all(
        known or not 0xE2 <= code <= 0xF4 for known, code in zip(damaged, codes, strict=True)
    )
    return Lattice(line, tuple(edges), tuple(damaged), readable, page.lost)


def _edges(codes: Sequence[int], start: int, page: CodePage) -> Iterator[Edge]:
    """Yield the possible characters whose UTF-8 starts with the byte at `start`."""
    lead = codes[start]
    length = 1 if lead < 0xE0 else 2 if lead < 0xF0 else 3
    seen: list[int] = []
    position = start + 1
    while True:
        after = codes[position] if position < len(codes) else _BLANK
        if not (0x80 <= after < 0xC0 or after == _ANY):
            for character in options(lead, tuple(seen), length, page.lost):
                yield Edge(position, character, usual(character))
            if after in (_BLANK, _RETURN) and len(seen) < length:
                # A no-break space at the end of a word is stripped, or one of two blanks.
                for character in _stripped(lead, tuple(seen), length, page.lost):
                    yield Edge(position, character, usual(character) + _STRIPPED)
        if len(seen) == length or position >= len(codes):
            return
        if not (0x80 <= after < 0xC0 or after in (_ANY, _BLANK)):
            return
        seen.append(NO_BREAK if after == _BLANK else after)
        position += 1


@lru_cache(maxsize=1 << 15)
def options(
    lead: int, seen: tuple[int, ...], length: int, lost: tuple[int, ...]
) -> tuple[str, ...]:
    """Return the characters whose UTF-8 is a lead byte and `length` more bytes.

    seen: the known ones of these bytes, in order. lost: the bytes that may have been dropped, which
    fill the gaps. There is no result if they allow too many characters.
    """
    missing = length - len(seen)
    gaps = missing + seen.count(_ANY)
    if len(lost) ** gaps > _MOST:
        return ()
    found = {
        character
        for places in combinations(range(length), missing)
        for filled in product(lost, repeat=gaps)
        if (character := _character(lead, seen, places, filled, length))
    }
    return tuple(sorted(found))


@lru_cache(maxsize=1 << 15)
def _stripped(
    lead: int, seen: tuple[int, ...], length: int, lost: tuple[int, ...]
) -> tuple[str, ...]:
    return options(lead, (*seen, NO_BREAK), length, lost)


def _character(
    lead: int, seen: tuple[int, ...], places: tuple[int, ...], filled: tuple[int, ...], length: int
) -> str:
    own, gaps = iter(seen), iter(filled)
    data = bytearray([lead])
    for place in range(length):
        code = _ANY if place in places else next(own)
        data.append(next(gaps) if code == _ANY else code)
    try:
        character = data.decode()
    except UnicodeDecodeError:
        return ""
    return character if unicodedata.category(character) not in ("Cn", "Co", "Cc", "Cs") else ""


@lru_cache(maxsize=1 << 15)
def usual(character: str) -> float:
    """Return the log weight of a character: 0 for common Hangul, lower for other characters."""
    if "가" <= character <= "힣":
        try:
            return 0.0 if len(character.encode("euc_kr")) == 2 else _RARE
        except UnicodeEncodeError:
            return _RARE
    if unicodedata.normalize("NFKC", character) != character:
        return _STYLED if character > "\uffff" else _RARE
    return _FOREIGN
