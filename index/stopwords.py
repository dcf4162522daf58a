"""English words that stand in any text: the list of NLTK, which is Porter's with contractions."""

from functools import cache
from importlib.resources import files


@cache
def stopwords() -> frozenset[str]:
    """Return the 179 words, in lower case."""
    return frozenset(files("index.data").joinpath("stopwords.en.txt").read_text("utf-8").split())
