"""The pieces for reading damaged words: those of the default model's tokenizer."""

from functools import lru_cache
from pathlib import Path

from index.encoding import UnigramTokenizer
from index.encoding.model import model_files
from index.errors import ModelError
from index.repair.word_readings import WordReader


@lru_cache(maxsize=1)
def open_reader(cache_dir: Path) -> WordReader:
    """Return a reader of damaged words; the model is exported first if that is not done yet.

    Raises ModelError.
    """
    from index.encoding.model.export import ensure

    folder = ensure("onnx", cache_dir)
    try:
        return WordReader(UnigramTokenizer(folder / model_files.PIECES))
    except Exception as error:  # no library has a root of its own errors
        message = f"The pieces in {folder} cannot be loaded: {error}. Delete that folder."
        raise ModelError(message) from error
