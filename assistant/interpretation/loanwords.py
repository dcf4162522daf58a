"""Loanwords across scripts: 컴포즈 and Compose have the same consonants."""

import unicodedata

import hangulpy
import regex
from rapidfuzz.distance import Indel

# Conjoining jamo by how loanwords use them: voiced, tense and aspirated sounds fall together, and
# so do the sibilants, since Hangul writes z and j, sh and s differently from word to word.
_JAMO = {
    "ᄀᄁᄏᆨᆩᆿ": "k",
    "ᄂᆫ": "n",
    "ᄃᄄᄐᆮᇀ": "t",
    "ᄅᆯ": "l",
    "ᄆᆷ": "m",
    "ᄇᄈᄑᆸᇁ": "p",
    "ᄉᄊᄌᄍᄎᆺᆻᆽᆾ": "s",
    "ᆼ": "n",
}
_SOUND = {jamo: sound for group, sound in _JAMO.items() for jamo in group}
# English spelling to the same sounds, longest first; an r before a consonant or at the end is not
# spoken in Korean, nor are w, y and h.
_SPELLING = [
    (r"tch|ch|sh|th(?=[aeiou])", "s"),
    (r"tion|sion", "sn"),
    (r"ph", "p"),
    (r"ck|q|k", "k"),
    (r"c(?=[eiy])|g(?=[eiy])", "s"),
    (r"ng(?=[^aeiou]|$)", "n"),
    (r"x", "ks"),
    (r"r(?=[^aeiouy]|$)|[aeiouwhy]", ""),
    (r"[cg]", "k"),
    (r"[bfv]", "p"),
    (r"[jz]", "s"),
    (r"d", "t"),
    (r"r", "l"),
]
_SPELLED = [(regex.compile(pattern), sound) for pattern, sound in _SPELLING]
_ALIKE = 0.55
_ALIKE_SHORT = 0.7
_REPEATED = regex.compile(r"(.)\1+")


def skeleton(word: str) -> str:
    """Return the consonants that a loanword shares in Hangul and in Latin letters.

    `compose` and 컴포즈 both give `kmps`. A word of one consonant says too little: it gives "".
    """
    if word.isascii():
        sounds = word.lower()
        for pattern, sound in _SPELLED:
            sounds = pattern.sub(sound, sounds)
    else:
        sounds = "".join(_SOUND.get(jamo, "") for jamo in unicodedata.normalize("NFD", word))
    sounds = _REPEATED.sub(r"\1", sounds)
    return sounds if len(sounds) > 1 else ""


def likeness(latin: str, hangul: str) -> float:
    """Return the similarity of a Latin word and a romanised Hangul word, 0 to 1, by letters."""
    return float(Indel.normalized_similarity(latin.lower(), hangulpy.romanize(hangul)))


def same(latin: str, hangul: str) -> bool:
    """Return whether two words may be one loanword: same consonants, similar letters."""
    key = skeleton(latin)
    if not key or key != skeleton(hangul):
        return False
    vowel_first = unicodedata.normalize("NFD", hangul)[0] == "ᄋ"
    if vowel_first != (latin[0].lower() in "aeiouwy"):
        return False
    # Two consonants are shared by many words.
    return likeness(latin, hangul) >= (_ALIKE if len(key) > 2 else _ALIKE_SHORT)
