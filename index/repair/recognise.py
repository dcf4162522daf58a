"""Recognition of damaged lines, and of the code page in which each was read.

Real text in any language has no runs of characters whose bytes are valid UTF-8 of other
characters. A block counts as damaged if it has at least two such sequences of three or more bytes.
Inline code is no evidence.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache

import regex

from index.repair.code_pages import LATIN_1, NO_BREAK, PAGES, CodePage
from index.repair.reading_lattice import options

# A first byte and one that follows, as the code pages show them: clean text is searched once.
_FIRST = "\u00c2-\u00f4ĞİŞğ"
_NEXT = "".join({page.characters[code] for page in PAGES for code in range(0x80, 0xC0)})
_SUSPECT = regex.compile(rf"[{_FIRST}][{regex.escape(_NEXT)}\ufffd]")
_SEQUENCE = regex.compile(
    r"[\xc2-\xdf][\x80-\xbf](?![\x80-\xbf])|[\xe0-\xef][\x80-\xbf]{2}(?![\x80-\xbf])"
    r"|[\xf0-\xf4][\x80-\xbf]{3}(?![\x80-\xbf])"
)
# An accented letter before quotes and dots is no sign.
_PLAIN = r"[\x85\x8b\x91-\x97\x9b\xa0\xab\xb7\xbb]"
_STRONG = regex.compile(
    rf"[\xe0-\xef](?!{_PLAIN}{{2}})[\x80-\xbf]{{2}}(?![\x80-\xbf])"
    r"|[\xf0-\xf4][\x80-\xbf]{3}(?![\x80-\xbf])"
)
_RUN = regex.compile(r"[\x80-\xff]+")
# Some bytes are missing; a blank between two others was one.
_PARTIAL = regex.compile(
    rf"[\xe0-\xf4](?!{_PLAIN}(?![\x80-\xbf\ufffd]))"
    r"(?:[\x80-\xbf\ufffd]| (?=[\x80-\xbf])){1,3}(?![\x80-\xbf])"
)
# The first byte of Hangul, read wrongly, is such a letter.
_TWICE = regex.compile(r"\xc3[\xa0-\xb0]")
_HIGH = regex.compile(r"[\x80-\xff]")
# Hangul that lost all bytes but its first is no sign against.
_STRAY = regex.compile(r"[\x80-\xe9\xee-\xff]")
_CODE = regex.compile(r"(`+)(?!`).+?(?<!`)\1(?!`)")
_FENCE = regex.compile(r"[ \t>]*(?P<mark>`{3,}|~{3,})")
_OTHER = "\ue000"
_ENOUGH = 2
_ENOUGH_CODE = 6
_ENOUGH_FILE = 4
_LAYERS = 4


@dataclass(frozen=True)
class Damage:
    """A damaged line: its number from 0, and its wrong code pages, the last one first.

    block: the number of the line's block.
    """

    number: int
    block: int
    pages: tuple[CodePage, ...]


@dataclass(frozen=True)
class _Signs:
    strong: int
    whole: int
    partial: int
    stray: int
    alien: int
    twice: int

    @property
    def found(self) -> int:
        return self.whole + self.partial

    def __add__(self, other: "_Signs") -> "_Signs":
        return _Signs(
            self.strong + other.strong,
            self.whole + other.whole,
            self.partial + other.partial,
            self.stray + other.stray,
            self.alien + other.alien,
            self.twice + other.twice,
        )


_NONE = _Signs(0, 0, 0, 0, 0, 0)


def suspect(text: str) -> bool:
    """Return whether a text may be damaged; this quick check rules out most texts."""
    return _SUSPECT.search(text) is not None


def damaged(text: str) -> tuple[Damage, ...]:
    """Return the damaged lines of a text in order."""
    if not suspect(text):
        return ()
    lines = text.split("\n")
    blocks = [(numbers, code) for numbers, code in _blocks(lines) if _any(lines, numbers)]
    usual = _likeliest([lines[n] for numbers, _ in blocks for n in numbers])
    sure: dict[int, tuple[CodePage, ...]] = {}
    for number, (numbers, code) in enumerate(blocks):
        if pages := _pages([lines[n] for n in numbers], code, usual):
            sure[number] = pages
    strong = sum(_summed([lines[n] for n in blocks[b][0]], p[0]).whole for b, p in sure.items())
    stack = Counter(sure.values()).most_common(1)[0][0] if sure else ()
    used = {page: _as_read(page, text) for page in PAGES}
    found = []
    for number, (numbers, _) in enumerate(blocks):
        pages = sure.get(number, ())
        if not pages and strong >= _ENOUGH_FILE:
            pages = _weakly([lines[n] for n in numbers], stack)
        if pages:
            pages = (*pages[:-1], used[pages[-1]])
            found += [Damage(n, number, pages) for n in numbers if _shows(lines[n], pages[0])]
    return tuple(found)


def shadow(line: str, page: CodePage) -> str:
    """Return the bytes of a line in the code page, as one character each.

    A character that the code page does not have becomes U+E000; U+FFFD stays.
    """
    return line.translate(_table(page))


def peeled(line: str, page: CodePage) -> tuple[str, list[int]]:
    """Return a line with one layer of damage removed, and the old position of each character.

    This is for text that was damaged more than once. The positions include that of the end. Lost
    bytes can be restored, since only characters of the code page can have been there.
    """
    seen = shadow(line, page)
    text, places, position = [], [], 0
    while position < len(line):
        end, character = position + 1, line[position]
        if match := _SEQUENCE.match(seen, position):
            end = match.end()
            character = _decoded(match[0]) or line[position:end]
        elif "\xc2" <= seen[position] <= "\xf4":
            end, character = _restored(seen, position, page) or (end, character)
        text.append(character)
        places += [position] * len(character)
        position = end
    return "".join(text), [*places, len(line)]


def first(line: str) -> int:
    """Return the position of the first damaged character in a damaged line."""
    match = _SUSPECT.search(line)
    return match.start() if match else 0


def exact(line: str, page: CodePage) -> list[tuple[int, int, str]]:
    """Return start, end and original text of the damaged runs of a line.

    The list is empty if a byte of the line is lost.
    """
    seen = shadow(line, page)
    if _HIGH.search(_SEQUENCE.sub("", seen)):
        return []
    found = []
    for match in _RUN.finditer(seen):
        text = _decoded(match[0])
        if not text:
            return []
        found.append((*match.span(), text))
    return found


def _restored(seen: str, start: int, page: CodePage) -> tuple[int, str] | None:
    lead = ord(seen[start])
    length = 1 if lead < 0xE0 else 2 if lead < 0xF0 else 3
    after = seen[start + 1 : start + 1 + length].replace(" ", "\xa0")
    counts = list(range(length, -1, -1))
    if " " in seen[start + 1 : start + 1 + length] and not _goes_on(seen, start + 1 + length, page):
        # The blank is one: another word follows.
        counts.insert(0, seen.index(" ", start) - start - 1)
    for count in counts:
        part = after[:count]
        if len(part) == count and all("\x80" <= byte <= "\xbf" for byte in part):
            own = [
                character
                for character in options(lead, tuple(map(ord, part)), length, page.lost)
                if page.codes.get(character, 0) >= 0x80
            ]
            if len(own) == 1:
                return start + 1 + count, own[0]
    return None


def _goes_on(seen: str, position: int, page: CodePage) -> bool:
    """Return whether the next character stands for a continuation byte, not for a lead byte."""
    match = _SEQUENCE.match(seen, position)
    return match is not None and 0x80 <= page.codes.get(_decoded(match[0]), 0) < 0xC0


def _decoded(sequence: str) -> str:
    try:
        return sequence.encode("latin-1").decode()
    except UnicodeDecodeError:
        return ""


@cache
def _table(page: CodePage) -> Mapping[int, str]:
    return _Table({ord(character): chr(code) for character, code in page.codes.items()})


class _Table(dict[int, str]):
    def __missing__(self, key: int) -> str:
        return "\ufffd" if key == 0xFFFD else _OTHER


def _blocks(lines: Sequence[str]) -> Iterator[tuple[list[int], bool]]:
    """Yield the line numbers of each block without blank lines, and whether it is fenced code."""
    block: list[int] = []
    fence = ""
    for number, line in enumerate(lines):
        match = _FENCE.match(line)
        if not line.strip() or (match and not fence):
            if block:
                yield block, bool(fence)
            block = []
        if match and not fence:
            fence = match["mark"]
        elif match and match["mark"].startswith(fence):
            yield [*block, number], True
            block, fence = [], ""
            continue
        if line.strip():
            block.append(number)
    if block:
        yield block, bool(fence)


def _as_read(page: CodePage, text: str) -> CodePage:
    """Return the variant of a code page that produced the text.

    If its lost bytes stand in the text as control characters, the variant loses no bytes. Otherwise
    it is the page itself if the text has characters that only this page has, else Latin-1.
    """
    if any(chr(code) in text for code in page.lost):
        return replace(page, lost=())
    own = set(page.characters[0x80:NO_BREAK])
    return page if own.intersection(text) else LATIN_1


def _shows(line: str, page: CodePage) -> bool:
    signs = _signs(line, page)
    return bool(signs.found or signs.stray)


def _any(lines: Sequence[str], numbers: Sequence[int]) -> bool:
    return any(not lines[number].isascii() for number in numbers)


@lru_cache(maxsize=1 << 14)
def _signs(line: str, page: CodePage) -> _Signs:
    if line.isascii():
        return _NONE
    seen = shadow(line, page)
    whole = sum(1 for _ in _SEQUENCE.finditer(seen))
    rest = _SEQUENCE.sub("", seen)
    partial = sum(1 for _ in _PARTIAL.finditer(rest))
    stray = len(_STRAY.findall(_PARTIAL.sub("", rest)))
    strong = sum(1 for _ in _STRONG.finditer(seen))
    twice = sum(1 for _ in _TWICE.finditer(seen))
    return _Signs(strong, whole, partial, stray, seen.count(_OTHER), twice)


def _summed(lines: Sequence[str], page: CodePage) -> _Signs:
    return sum((_signs(line, page) for line in lines), _NONE)


def _likeliest(lines: Sequence[str], first: CodePage = PAGES[0]) -> CodePage:
    """Return the code page that explains the lines best; of equal ones, `first` comes first."""
    order = [first, *(page for page in PAGES if page != first)]
    signs = {page: _summed(lines, page) for page in order}
    return max(order, key=lambda page: signs[page].whole - signs[page].stray - signs[page].alien)


def _pages(
    lines: Sequence[str], code: bool, usual: CodePage, layers: int = _LAYERS
) -> tuple[CodePage, ...]:
    """Return the code pages in which a block was surely read; no pages if it is undamaged."""
    page = _likeliest(lines, usual)
    bare = lines if code else [_CODE.sub("``", line) for line in lines]
    signs = _summed(bare, page)
    if layers and signs.twice and signs.whole >= _ENOUGH and signs.whole > signs.stray:
        inner = [peeled(line, page)[0] for line in lines]
        if all(not _hangul(text) for text in inner) and (
            under := _pages(inner, code, page, layers - 1)
        ):
            return page, *under
    enough = signs.strong >= (_ENOUGH_CODE if code else _ENOUGH)
    return (page,) if enough and _plausible(signs) else ()


def _weakly(lines: Sequence[str], stack: tuple[CodePage, ...]) -> tuple[CodePage, ...]:
    """Return the code pages of lines with little evidence; stack: those of other damaged lines."""
    pages: list[CodePage] = []
    for usual in stack:
        page = _likeliest(lines, usual)
        signs = _summed(lines, page)
        if not signs.found or not _plausible(signs):
            break
        pages.append(page)
        lines = [peeled(line, page)[0] for line in lines]
    return tuple(pages)


def _plausible(signs: _Signs) -> bool:
    return signs.stray <= signs.found and signs.alien <= 6 * signs.found


def _hangul(text: str) -> bool:
    return any("가" <= character <= "힣" for character in text)
