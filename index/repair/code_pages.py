"""The code pages in which UTF-8 is read by mistake, and the characters that its bytes become."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

NO_BREAK = 0xA0
# What stands where a decoder could not say anything better.
REPLACEMENT = "\ufffd"


@dataclass(frozen=True)
class CodePage:
    """A code page: its characters by byte, and the bytes without a character (`lost`).

    Browsers turn the latter into C1 control characters; other decoders drop them, so that they are
    lost.
    """

    name: str
    characters: tuple[str, ...]
    lost: tuple[int, ...]

    @cached_property
    def codes(self) -> Mapping[str, int]:
        """Return the byte of each character."""
        return {character: code for code, character in enumerate(self.characters)}

    def read(self, data: bytes) -> str:
        """Return the text of bytes in this code page, one character for each byte."""
        return "".join(self.characters[code] for code in data)

    def bytes_of(self, text: str) -> list[int]:
        """Return the byte of each character of a text, -1 if the code page does not have it."""
        codes = self.codes
        return [codes.get(character, -1) for character in text]


def _page(name: str) -> CodePage:
    characters, lost = [], []
    for code in range(256):
        try:
            character = bytes([code]).decode(name)
        except UnicodeDecodeError:
            character = chr(code)
        if 0x80 <= code < NO_BREAK and character == chr(code):
            lost.append(code)
        characters.append(character)
    return CodePage(name, tuple(characters), tuple(lost))


WINDOWS_1252 = _page("windows-1252")
WINDOWS_1254 = _page("windows-1254")
LATIN_1 = _page("latin-1")
# Where nothing tells two of them apart, the one that loses more bytes stands first.
PAGES = (WINDOWS_1254, WINDOWS_1252, LATIN_1)
