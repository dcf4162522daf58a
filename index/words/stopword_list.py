"""English stop words: function words that occur in any text."""

from functools import cache
from importlib.resources import files


@cache
def stopwords() -> frozenset[str]:
    """Return 179 function words in lower case; contracted ones stand whole and in parts."""
    text = files("index.data").joinpath("stopwords.en.txt").read_text("utf-8")
    return frozenset(text.split())
