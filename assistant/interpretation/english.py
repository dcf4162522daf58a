"""Common English words by frequency, and corrections of misspelt ones."""

import string
from collections.abc import Collection
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from index.errors import ModelError
from index.words import stopwords

# The word list that the package symspellpy carries: 82,765 words with their counts in books.
_PACKAGE = "symspellpy"
_FILE = "frequency_dictionary_en_82_765.txt"
_COMMON = 2_000_000
_SHORT = 5
_FUNCTION = stopwords() - set(string.ascii_lowercase) - {"don", "re", "ve", "ll"}


@lru_cache(maxsize=1)
def frequencies() -> dict[str, int]:
    """Return the count of each English word in books. Raises ModelError without the word list."""
    found = find_spec(_PACKAGE)
    if not found or not found.origin:
        raise ModelError(f"The package {_PACKAGE} is missing: run `pip install {_PACKAGE}`.")
    text = Path(found.origin).with_name(_FILE).read_text("utf-8-sig")
    return {
        word: int(count)
        for word, _, count in (line.partition(" ") for line in text.split("\n"))
        if word
    }


def respelt(word: str, own: Collection[str]) -> str | None:
    """Return the correction of a misspelt word in lower case, one edit away; None if there is none.

    A word of the notes (`own`) is preferred, then the most frequent word; the first letter is kept.
    A short word has many neighbours, so there only swapped letters count as an edit.
    """
    counts = frequencies()
    near = [other for other in _edits(word) if other in own or counts.get(other, 0) >= _COMMON]
    if len(word) <= _SHORT:
        near = [other for other in near if sorted(other) == sorted(word)]
    return max(near, key=lambda other: (other in own, counts.get(other, 0)), default=None)


def split(word: str, own: Collection[str]) -> str | None:
    """Return two words that were written as one, in lower case: `containersfrom`, `bindmount`.

    Many words are made of two. So one part must be a function word and the other a common word or
    a word of the notes (`own`), or both must be words of the notes. None where no split fits.
    """
    counts = frequencies()
    found = []
    for end in range(2, len(word) - 1):
        first, second = word[:end], word[end:]
        function = [part for part in (first, second) if part in _FUNCTION]
        known = [p for p in (first, second) if p in own or counts.get(p, 0) >= _COMMON]
        both_own = first in own and second in own and min(len(first), len(second)) > 3
        if len(known) == 2 and (both_own or (function and max(len(first), len(second)) > 3)):
            found.append((counts.get(first, 1) * counts.get(second, 1), f"{first} {second}"))
    return max(found)[1] if found else None


def _edits(word: str) -> set[str]:
    """Return all words one edit away behind the first letter (Norvig 2007)."""
    cuts = [(word[:end], word[end:]) for end in range(1, len(word) + 1)]
    letters = string.ascii_lowercase
    return {
        *(left + right[1:] for left, right in cuts if right),
        *(left + right[1] + right[0] + right[2:] for left, right in cuts if len(right) > 1),
        *(left + letter + right[1:] for left, right in cuts if right for letter in letters),
        *(left + letter + right for left, right in cuts for letter in letters),
    } - {word}
