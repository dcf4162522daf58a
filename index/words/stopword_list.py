"""English words that stand in any text."""

from functools import cache
from importlib.resources import files


@cache
def stopwords() -> frozenset[str]:
    """Return 179 function words in lower case, contracted ones whole and by their parts."""
    text = files("index.data").joinpath("stopwords.en.txt").read_text("utf-8")
    return frozenset(text.split())
