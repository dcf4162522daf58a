"""The default model: its packed weights, its tokenizer, and the files exported from them."""

from index.encoding.model import model_files
from index.encoding.model.model_files import MODEL, STATE_LAYERS

__all__ = ["MODEL", "STATE_LAYERS", "model_files"]
