"""The language of a text: Korean or English."""

from typing import Literal

import regex

from index.normalising import normalise

Language = Literal["ko", "en"]

_HANGUL = regex.compile(r"\p{Hangul}++")
_LATIN_WORD = regex.compile(r"\p{Latin}+")


def language(text: str) -> Language:
    """Return the language of a text, `ko` or `en`.

    Korean text is full of English terms, so that a text with a tenth of Hangul is Korean. A
    Hangul syllable counts as much as a Latin word, since both are about one morpheme.
    """
    text = normalise(text)
    hangul = sum(map(len, _HANGUL.findall(text)))
    if hangul * 10 >= len(text) > 0:
        # So few other characters make no more words than that.
        return "ko"
    return "ko" if hangul > 0 and hangul * 9 >= len(_LATIN_WORD.findall(text)) else "en"
