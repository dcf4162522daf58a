"""Text as encoders and the analyzer read it: composed, of usual width, with nothing unseen."""

import unicodedata

import regex


def _written_otherwise(code: int) -> str:
    """Return how a ligature, or a letter of another width, is written otherwise."""
    parts = unicodedata.decomposition(chr(code)).split()[1:]
    return "".join(chr(int(part, 16)) for part in parts) or chr(code)


# fmt: off
# Soft hyphens, spaces without width, marks of direction: editors and web pages leave them in words.
_UNSEEN = (
    0xAD, 0x34F, 0x61C, 0x180E, 0x200B, 0x200E, 0x200F, *range(0x202A, 0x202F),
    *range(0x2060, 0x2065), *range(0x2066, 0x2070), 0xFEFF,
)
_BLANK = (0xA0, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000, 0x3164, 0xFFA0)
# fmt: on
_USUAL = {
    **{code: _written_otherwise(code) for code in (*range(0xFB00, 0xFB07), *range(0xFF01, 0xFFEF))},
    **dict.fromkeys(_UNSEEN, ""),
    **dict.fromkeys(_BLANK, " "),
}
# Emoji are joined as well.
_JOINER = regex.compile(r"(?<=[\p{Hangul}\p{Latin}\p{Han}\p{N}])[\u200c\u200d]")
_UNUSUAL = regex.compile("[" + "".join(map(chr, _USUAL)) + "\u200c\u200d]")


def normalise(text: str) -> str:
    """Return text that every engine and the analyzer read alike, of questions and of notes.

    It is composed, letters of full and half width are as otherwise written, blanks of any width
    spaces, and what no one sees is left out: `Ｐｏｒｔ` is `Port`. Raised digits stay raised.
    """
    text = composed(text)
    if not _UNUSUAL.search(text):
        return text
    return unicodedata.normalize("NFC", _JOINER.sub("", text.translate(_USUAL)))


def composed(text: str) -> str:
    """Return text in NFC, no NUL, no lone surrogates: as ids and names are compared.

    Decomposed Hangul, as macOS writes file names, otherwise loses a fifth of its similarity.
    """
    clean = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return unicodedata.normalize("NFC", clean.replace("\x00", " "))
