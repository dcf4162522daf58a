"""Bytes and characters: encodings, and text that looks damaged."""

import codecs
from collections.abc import Iterator

import regex
from ftfy import fix_encoding
from ftfy.badness import is_bad

from index.checks.rules import Found
from index.reading import Undecodable, decode
from index.repair import lattice, recognise

_HANGUL = regex.compile(r"[\uac00-\ud7a3]")
_KANA = regex.compile(r"[\u3041-\u30fe]")
# U+FFFD saved as UTF-8 and read as CP949.
_LOST_KOREAN = regex.compile("占쏙옙|占싸|쏙옙")
_CONTROL = regex.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f]")
_LATIN_RUN = regex.compile(r"(?:[\u00a1-\u00fe]{2}){2,}")
# One of these stands in every damaged text: most lines of Korean and English need no closer look.
_SUSPECT = regex.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\u2fff占쏙\ua000-\uabff\ud7a4-\uf8ff\ufb00-\uffff]"
)
_SHOWN = 40


def read(data: bytes) -> tuple[str, list[Found], bool]:
    """Return a file's text, a finding if it is not UTF-8, and whether the text is reliable.

    If the bytes cannot be decoded, the text is a guess by the most likely encoding.
    """
    try:
        text, name = decode(data)
    except Undecodable as error:
        text, found = _undecodable(data, error)
        return text, [found], False
    if name == "UTF-8":
        return text, [], True
    message = f"The file is not UTF-8: it seems to be {name}."
    return text, [(1, 1, "not-utf8", message, _save(name))], True


def _undecodable(data: bytes, error: Undecodable) -> tuple[str, Found]:
    text = data.decode("utf-8-sig", "replace")
    if _mostly_utf8(text):
        message = f"The file is UTF-8 with damaged characters: it {error.reason}."
        mend = "Restore the line from an earlier version, or write it again."
    else:
        name, text = _guess(data)
        shown = f"it seems to be {name}" if name else "it seems to be no text"
        message = f"The file {error.reason}: {shown}."
        mend = _save(name)
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text, (error.line, 0, "not-utf8", message, mend)


def _save(name: str) -> str:
    return f"Save it as UTF-8{f': iconv -f {name} -t UTF-8' if name else ''}."


def damaged(source: str) -> Iterator[Found]:
    """Yield a finding for each line with lost characters or text read in a wrong encoding."""
    misread = {damage.number + 1: damage for damage in recognise.damaged(source)}
    number, counted, position = 1, 0, 0
    while suspect := _SUSPECT.search(source, position):
        start = source.rfind("\n", 0, suspect.start()) + 1
        end = source.find("\n", start)
        position = end if end >= 0 else len(source)
        number += source.count("\n", counted, start)
        counted = start
        line = source[start:position]
        if found := _misread(line, misread[number]) if number in misread else _damage(line):
            yield number, *found


def _misread(line: str, damage: recognise.Damage) -> tuple[int, str, str, str]:
    """Return the column, rule, message and advice for a line of UTF-8 read in a code page."""
    page, inner, at = damage.pages[-1], line, recognise.first(line)
    for outer in damage.pages[:-1]:
        inner, _ = recognise.peeled(inner, outer)
    name = " and ".join(dict.fromkeys(outer.name for outer in damage.pages))
    message = f"UTF-8 was read as {name}: {line[at : at + _SHOWN]!r}."
    mend = "`notes mend FILE -o OUT` writes it as it was."
    if words := recognise.exact(inner, page):
        mend = f"It says {words[0][2][:_SHOWN]!r}: {mend}"
    elif lattice(inner, page).readable:
        mend = "Bytes were lost: `notes mend FILE -o OUT` writes the likeliest words."
    else:
        mend = "Too many bytes were lost: restore it from an earlier version, or write it again."
    return at + 1, "damaged-text", message, mend


def _damage(line: str) -> tuple[int, str, str, str] | None:
    again = "Restore the words from an earlier version, or write them again."
    if "\ufffd" in line:
        message = "Characters were lost here: U+FFFD stands in their place."
        return line.index("\ufffd") + 1, "damaged-text", message, again
    if match := _LOST_KOREAN.search(line):
        message = f"Characters were lost here: {match[0]!r} is what becomes of them in CP949."
        return match.start() + 1, "damaged-text", message, again
    if match := _LATIN_RUN.search(line):
        read = _as_korean(match[0])
        if read:
            message = f"CP949 text was read as Latin-1: {match[0][:_SHOWN]!r}."
            return match.start() + 1, "damaged-text", message, f"It seems to say {read!r}."
    if is_bad(line):
        fixed = fix_encoding(line)
        if fixed != line:
            at = next((i for i, (a, b) in enumerate(zip(line, fixed, strict=False)) if a != b), 0)
            message = f"Text was read in a wrong encoding: {line[at : at + _SHOWN]!r}."
            mend = f"It seems to say {fixed[at : at + _SHOWN]!r}."
            return at + 1, "damaged-text", message, mend
    if match := _CONTROL.search(line):
        message = f"A control character stands here: U+{ord(match[0]):04X}."
        return match.start() + 1, "damaged-text", message, "Delete it."
    return None


def _as_korean(run: str) -> str:
    try:
        read = run.encode("latin-1").decode("cp949")
    except UnicodeError:
        return ""
    return read if all(_HANGUL.match(character) for character in read) else ""


def _mostly_utf8(text: str) -> bool:
    lost = text.count("\ufffd")
    good = sum(1 for character in text if character > "\x7f") - lost
    return good > 2 * lost


def _guess(data: bytes) -> tuple[str, str]:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "UTF-16", data.decode("utf-16", "replace")
    if data.count(0) > len(data) // 8:
        for name in ("UTF-16LE", "UTF-16BE"):
            text = data.decode(name, "replace")
            if "\n" in text and "\ufffd" not in text:
                return name, text
        return "", ""
    # Japanese is full of kana; what else decodes as CP949 may be Korean with rare syllables.
    for name, marks in (("shift_jis", _KANA), ("euc_jp", _KANA), ("cp949", _HANGUL)):
        try:
            text = data.decode(name)
        except UnicodeDecodeError:
            continue
        if 2 * len(marks.findall(text)) > sum(character > "\x7f" for character in text):
            return name.upper().replace("_", "-"), text
    if 0 in data:
        return "", ""
    return "WINDOWS-1252", data.decode("windows-1252", "replace")
