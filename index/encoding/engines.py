"""The choice of the engine that runs a model."""

from pathlib import Path

from index.encoding.encoder import Encoder


def open_encoder(model: str, engine: str, cache_dir: Path) -> Encoder:
    """Return the encoder of a model; an empty name means the default model.

    A named model always runs on sentence-transformers; `engine`, `onnx` or `torch`, chooses the
    engine of the default model, which is exported into cache_dir first if that is not done yet.
    Raises ModelError.
    """
    from index.encoding.model.export import ensure

    if not model and engine == "onnx":
        from index.encoding.onnx_encoder import OnnxEncoder

        return OnnxEncoder(ensure("onnx", cache_dir))
    # Torch takes seconds to import: only what runs on it pays.
    from index.encoding.torch_encoder import TorchEncoder

    return TorchEncoder(model or ensure("torch", cache_dir))
