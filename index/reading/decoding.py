"""Bytes to text: UTF-8, UTF-16 with a byte order mark, and the Korean code page CP949."""

import codecs

import regex

_HANGUL = regex.compile(r"[가-힣]")
_FOREIGN = regex.compile(r"[^\x00-\x7f]")


class Undecodable(Exception):
    """The bytes are not text; `line` is counted from 1, `reason` names the first wrong byte."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"line {line} {reason}")
        self.line = line
        self.reason = reason


def decode(data: bytes) -> tuple[str, str]:
    """Return the text with `\\n` as line ends, and the name of its encoding.

    Raises Undecodable.
    """
    text, encoding = characters(data)
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "\ufffd"), encoding


def characters(data: bytes) -> tuple[str, str]:
    """Return the text with its original line ends, and its encoding. Raises Undecodable."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        try:
            return data.decode("utf-16"), "UTF-16"
        except UnicodeDecodeError as error:
            line = data[: error.start].decode("utf-16", "replace").count("\n") + 1
            raise Undecodable(line, f"is not UTF-16 (byte at offset {error.start})") from error
    try:
        return data.decode("utf-8-sig"), "UTF-8"
    except UnicodeDecodeError as error:
        korean = _korean(data)
        if korean is not None:
            return korean, "CP949"
        # The mark that was taken off counts as well.
        start = error.start + 3 * data.startswith(codecs.BOM_UTF8)
        line = data.count(b"\n", 0, start) + 1
        said = f"is not UTF-8 (byte {data[start]:#04x} at offset {start})"
        raise Undecodable(line, said) from error


def _korean(data: bytes) -> str | None:
    """Return the text if the bytes are CP949 and look like Korean, else None."""
    try:
        text = data.decode("cp949")
    except UnicodeDecodeError:
        return None
    hangul = _HANGUL.findall(text)
    common = sum(_is_common(syllable) for syllable in hangul)
    enough = len(hangul) >= 0.6 * len(_FOREIGN.findall(text)) and common >= 0.8 * len(hangul)
    return text if hangul and enough else None


def _is_common(syllable: str) -> bool:
    """Return whether a syllable is one of the 2,350 common ones of KS X 1001 (EUC-KR)."""
    try:
        return len(syllable.encode("euc_kr")) == 2
    except UnicodeEncodeError:
        return False
