"""The pieces that damaged words are read by: those of the default model's tokenizer."""

from functools import lru_cache
from pathlib import Path

from index.errors import ModelError
from index.mending.readings import Reader
from index.model import files
from index.unigram import UnigramTokenizer


@lru_cache(maxsize=1)
def open_reader(cache_dir: Path) -> Reader:
    """Return a reader of damaged words; the model is exported first when that is not done yet.

    Raises ModelError.
    """
    from index.model.export import ensure

    folder = ensure("onnx", cache_dir)
    try:
        return Reader(UnigramTokenizer(folder / files.PIECES))
    except Exception as error:  # no library has a root of its own errors
        message = f"The pieces in {folder} cannot be loaded: {error}. Delete that folder."
        raise ModelError(message) from error
