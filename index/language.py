"""Which language a text is in, of those the program speaks."""

from typing import Literal

import regex

from index.normalising import normalise

Language = Literal["ko", "en"]

_HANGUL = regex.compile(r"\p{Hangul}++")
_LATIN_WORD = regex.compile(r"\p{Latin}+")


def language(text: str) -> Language:
    """Return `ko` or `en`.

    Korean text is full of English terms, so a tenth of Hangul makes a text Korean:
    each syllable counts as much as a Latin word, since both are about one morpheme.
    """
    text = normalise(text)
    hangul = sum(map(len, _HANGUL.findall(text)))
    if hangul * 10 >= len(text) > 0:
        # So few other characters make no more words than that.
        return "ko"
    return "ko" if hangul > 0 and hangul * 9 >= len(_LATIN_WORD.findall(text)) else "en"
