"""The encoder on sentence-transformers, which runs every model on any device."""

import hashlib
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from index.arrays import Floats, Ints
from index.encoding import token_batches as shared
from index.encoding.encoder import SENTENCE_COMPONENTS, Encoding, Kind, Weights
from index.encoding.model import model_files
from index.encoding.sentence_embedding import SentenceEmbedder, with_sentence_embeddings
from index.errors import ModelError
from index.normalising import normalise

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

# Models that need words before their texts but do not save them.
_PRESETS = (
    (re.compile(r"(^|/)multilingual-e5-(small|base|large)$"), ("query: ", "passage: ")),
    (re.compile(r"(^|/)e5-(small|base|large)(-v2)?$"), ("query: ", "passage: ")),
)
_HUB_NAME = re.compile(r"[\w.-]+(/[\w.-]+)?")
_HUB_SECONDS = 5
_HASHED = {".safetensors", ".bin", ".json", ".txt", ".model"}
_STATES = "layer_states"
_OTHER_ENGINES = {"onnx", "openvino"}


class TorchEncoder:
    """An implementation of the Encoder protocol; threads take turns, as the tokenizer needs."""

    def __init__(self, model: str | Path) -> None:
        """Load a model from a folder, or from the Hugging Face hub by its name.

        Raises ModelError if `model` is neither of them, cannot be fetched, or cannot be loaded.
        """
        self._model, folder, name = _load(model)
        self._weights = _weights(self._model, folder, name)
        if self._weights == model_files.MODEL:
            _keep_layers(self._model[0])
        self._embedder = _embedder(folder)
        self._lock = threading.Lock()

    @property
    def weights(self) -> Weights:
        """Return the identity of the model that makes the vectors."""
        return self._weights

    def encode(self, texts: Sequence[str], kind: Kind) -> Iterator[Encoding]:
        """Yield one encoding for each text, in the given order, a bounded number held at once."""
        prompt = self._weights.prompt(kind)
        for window in shared.windows(texts):
            with self._lock:
                found = self._window([normalise(text) for text in window], prompt)
            yield from (
                with_sentence_embeddings(found, self.sentence_embeddings(window))
                if kind == "query"
                else found
            )

    def sentence_embeddings(self, texts: Sequence[str]) -> Floats:
        """Return the sentence embeddings of texts, float32 (texts, SENTENCE_COMPONENTS).

        They are unit vectors, or zeros if the model's folder holds no second encoder.
        """
        return (
            self._embedder.encode(texts)
            if self._embedder
            else np.zeros((len(texts), SENTENCE_COMPONENTS), np.float32)
        )

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return the number of tokens of each text, without the prompt and special tokens."""
        if not texts:
            return []
        with self._lock:
            found = self._model.tokenizer(
                [normalise(text) for text in texts], add_special_tokens=False, verbose=False
            )
        return [len(ids) for ids in found["input_ids"]]

    def _window(self, texts: list[str], prompt: str) -> list[Encoding]:
        found: Any = self._model.encode(
            texts,
            prompt=prompt,
            batch_size=shared.BATCH_TEXTS,
            output_value=None,
            show_progress_bar=False,
        )
        spans = self._offsets([prompt + text for text in texts], prompt)
        return [_encoding(one, own) for one, own in zip(found, spans, strict=True)]

    def _offsets(self, texts: list[str], prompt: str) -> list[Ints | None]:
        """Return the token positions of each text, or None if the tokenizer does not give them."""
        tokenizer = self._model.tokenizer
        if not getattr(tokenizer, "is_fast", False):
            return [None] * len(texts)
        found = tokenizer(texts, truncation=True, max_length=self._model.max_seq_length)
        return [shared.offsets(tokens, prompt) for tokens in found.encodings]


def _keep_layers(transformer: Any) -> None:
    """Make a model also return the states of STATE_LAYERS, joined, beside its token embeddings."""
    from torch import cat

    transformer.model.config.output_hidden_states = True

    def joined(module: Any, inputs: Any, features: dict[str, Any]) -> dict[str, Any]:
        every = features.pop("all_layer_embeddings")
        features[_STATES] = cat([every[layer] for layer in model_files.STATE_LAYERS], -1)
        return features

    transformer.register_forward_hook(joined)


def _encoding(found: Mapping[str, Any], spans: Ints | None) -> Encoding:
    kept = found.get(_STATES, found["token_embeddings"])
    states = kept[found["attention_mask"].bool()].float().cpu().numpy()
    vector = found["sentence_embedding"].float().cpu().numpy()
    vector = vector / max(np.linalg.norm(vector), np.float32(1e-12))
    if spans is None or len(spans) != len(states):
        spans = np.full((len(states), 2), -1, dtype=np.int32)
    return Encoding(vector, states, spans)


def _embedder(folder: Path) -> SentenceEmbedder | None:
    if not (folder / model_files.SENTENCE_GRAPH).is_file():
        return None
    try:
        return SentenceEmbedder(folder)
    except Exception as error:  # no library has a root of its own errors
        raise ModelError(
            f"The second encoder in {folder} cannot be loaded: {_first_line(error)}"
        ) from error


def _load(model: str | Path) -> tuple["SentenceTransformer", Path, str]:
    """Return the model, the folder of its files, and its name."""
    try:
        import sentence_transformers  # noqa: F401
        from transformers.utils import logging
    except ImportError as error:
        raise ModelError(
            f"The model {model} needs sentence-transformers ({error}): run "
            "`pip install sentence-transformers`."
        ) from error
    hush: Callable[[], None] = logging.disable_progress_bar
    hush()
    folder = Path(model).expanduser()
    if folder.is_dir():
        return _from_folder(folder), folder, folder.resolve().name
    if isinstance(model, Path) or not _HUB_NAME.fullmatch(model):
        raise ModelError(f"There is no folder {model}: name one that holds a model.")
    return *_from_hub(model), model


def _from_folder(folder: Path) -> "SentenceTransformer":
    from sentence_transformers import SentenceTransformer

    try:
        return SentenceTransformer(str(folder), local_files_only=True)
    except Exception as error:  # what is wrong with a folder shows as any error
        raise ModelError(
            f"{folder} cannot be loaded as a SentenceTransformer model: {_first_line(error)}"
        ) from error


def _from_hub(name: str) -> tuple["SentenceTransformer", Path]:
    """Return a hub model and its folder; the model is downloaded if the local cache lacks it."""
    from huggingface_hub import model_info, snapshot_download
    from sentence_transformers import SentenceTransformer

    try:
        model = SentenceTransformer(name, local_files_only=True)
    except Exception:
        try:
            # One short question first: without a network the download gives up after a minute.
            model_info(name, timeout=_HUB_SECONDS)
            model = SentenceTransformer(name)
        except Exception as error:
            raise ModelError(
                f"{name} is neither a folder nor a model in the local Hugging Face cache, and "
                f"huggingface.co does not give it ({_first_line(error)}): name a local folder."
            ) from error
    return model, Path(snapshot_download(name, local_files_only=True))


def _weights(model: "SentenceTransformer", folder: Path, name: str) -> Weights:
    if (folder / model_files.WEIGHTS).is_file():
        return model_files.read_weights(folder)
    query, passage = prompts_for(model.prompts, name)
    return Weights(
        name=name,
        fingerprint=_fingerprint(folder),
        dimension=model.get_embedding_dimension() or 0,
        pooling=_pooling(model),
        query_prompt=query,
        passage_prompt=passage,
    )


def prompts_for(saved: Mapping[str, str | None], name: str) -> tuple[str, str]:
    """Return the prompts for queries and passages: the saved ones, else the model's preset."""
    query = saved.get("query") or ""
    passage = saved.get("passage") or saved.get("document") or ""
    if query or passage:
        return query, passage
    fitting = (prompts for pattern, prompts in _PRESETS if pattern.search(name))
    return next(fitting, ("", ""))


def _pooling(model: "SentenceTransformer") -> str:
    modes = (module.pooling_mode for module in model if hasattr(module, "pooling_mode"))
    mode: Any = next(modes, "none")
    return mode if isinstance(mode, str) else "+".join(mode)


def _fingerprint(folder: Path) -> str:
    """Return a SHA-256 of the names and contents of weights, tokenizer and configuration."""
    total = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        inner = path.relative_to(folder)
        hidden = any(part.startswith(".") for part in inner.parts)
        if hidden or inner.parts[0] in _OTHER_ENGINES or path.suffix not in _HASHED:
            continue
        with path.open("rb") as file:
            own = hashlib.file_digest(file, "sha256").hexdigest()
        total.update(f"{inner.as_posix()} {own}\n".encode())
    return total.hexdigest()


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
