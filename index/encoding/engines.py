"""Which engine runs which model."""

from pathlib import Path

from index.encoding.encoder import Encoder


def open_encoder(model: str, engine: str, cache_dir: Path) -> Encoder:
    """Return the encoder: a model named, or the default one (empty) by `onnx` or `torch`.

    A model that is named runs by sentence-transformers. The default one is exported into
    cache_dir when that is not done yet. Raises ModelError.
    """
    from index.encoding.model.export import ensure

    if not model and engine == "onnx":
        from index.encoding.onnx_encoder import OnnxEncoder

        return OnnxEncoder(ensure("onnx", cache_dir))
    # Torch takes seconds to import: only what runs on it pays.
    from index.encoding.torch_encoder import TorchEncoder

    return TorchEncoder(model or ensure("torch", cache_dir))
