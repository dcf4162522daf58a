"""The normal form of text for encoders and the analyzer: NFC, usual width, visible characters."""

import unicodedata

import regex


def _written_otherwise(code: int) -> str:
    """Return the usual spelling of a ligature or a half- or full-width letter: `ﬁ` gives `fi`."""
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
    """Return the normal form of a text: the form in which engines and the analyzer read it.

    The text is in NFC. Full-width and half-width letters become usual ones (`Ｐｏｒｔ` becomes
    `Port`), blanks of any width become spaces, and invisible characters are removed. Superscript
    digits stay as they are. Questions and notes are normalised alike.
    """
    text = composed(text)
    if not _UNUSUAL.search(text):
        return text
    return unicodedata.normalize("NFC", _JOINER.sub("", text.translate(_USUAL)))


def composed(text: str) -> str:
    """Return text in NFC without NUL and lone surrogates; ids and names are compared like this.

    Decomposed Hangul, the form of file names on macOS, would lose a fifth of its similarity.
    """
    clean = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return unicodedata.normalize("NFC", clean.replace("\x00", " "))
