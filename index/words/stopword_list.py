"""English words that stand in any text."""

from functools import cache
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path

from index.errors import ModelError

_PACKAGE = "bm25s"


@cache
def stopwords() -> frozenset[str]:
    """Return the 179 words of NLTK's list, in lower case, from the package bm25s.

    Raises ModelError without it. Of the package this one file is loaded: it would bring SciPy.
    """
    found = find_spec(_PACKAGE)
    if not found or not found.origin:
        raise ModelError(f"The package {_PACKAGE} is missing: run `pip install {_PACKAGE}`.")
    path = Path(found.origin).with_name("stopwords.py")
    spec = spec_from_file_location("stopwords", path)
    assert spec
    assert spec.loader
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return frozenset(module.STOPWORDS_EN_PLUS)
