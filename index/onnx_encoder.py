"""The encoder on ONNX Runtime: the default on a CPU, without torch."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import onnxruntime

from index import tokens as shared
from index.cpus import usable_cpus
from index.encoder import Encoding, Floats, Kind, Weights, normalise
from index.errors import ModelError
from index.model import files
from index.unigram import Tokens, UnigramTokenizer

_MAX_THREADS = 8


class OnnxEncoder:
    """Keeps the Encoder protocol; any number of threads may ask at once."""

    def __init__(self, folder: Path) -> None:
        """Load an exported folder; ModelError where it is missing, incomplete or damaged."""
        if flaw := files.flaw(folder):
            raise ModelError(f"The ONNX model in {folder} cannot be used: {flaw}. {_mend(folder)}")
        self._weights = files.read_weights(folder)
        try:
            self._tokenizer = UnigramTokenizer(folder / files.PIECES)
            self._session = _session(folder / files.GRAPH)
        except Exception as error:  # no library has a root of its own errors
            message = f"The ONNX model in {folder} cannot be loaded: {error}. {_mend(folder)}"
            raise ModelError(message) from error

    @property
    def weights(self) -> Weights:
        """Return what the vectors depend on."""
        return self._weights

    def encode(self, texts: Sequence[str], kind: Kind) -> Iterator[Encoding]:
        """Yield one encoding a text, in the order given; memory does not grow with their number."""
        prompt = self._weights.prompt(kind)
        for window in shared.windows(texts):
            yield from self._window([prompt + normalise(text) for text in window], prompt)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return how many tokens each text has, the prompt and special tokens left out."""
        return [self._tokenizer.count(normalise(text)) for text in texts]

    def _window(self, texts: Sequence[str], prompt: str) -> list[Encoding]:
        tokenised = [self._tokenizer.encode(text) for text in texts]
        encodings: list[Encoding | None] = [None] * len(texts)
        for batch in shared.batches([len(tokens.ids) for tokens in tokenised]):
            chosen = [tokenised[index] for index in batch]
            for index, tokens, states in zip(batch, chosen, self._run(chosen), strict=True):
                # A copy, so that the padded batch is freed.
                own = states[: len(tokens.ids)].copy()
                encodings[index] = Encoding(_pool(own), own, shared.offsets(tokens, prompt))
        return [encoding for encoding in encodings if encoding is not None]

    def _run(self, batch: Sequence[Tokens]) -> Floats:
        """Return float32 (texts, longest, dimension)."""
        shape = (len(batch), max(len(tokens.ids) for tokens in batch))
        ids = np.full(shape, self._tokenizer.pad, dtype=np.int64)
        mask = np.zeros(shape, dtype=np.int64)
        for row, tokens in enumerate(batch):
            ids[row, : len(tokens.ids)] = tokens.ids
            mask[row, : len(tokens.ids)] = 1
        states: Floats
        try:
            (states,) = self._session.run(None, {"input_ids": ids, "attention_mask": mask})
        except Exception as error:
            # ONNX Runtime has no error of its own for it.
            if "alloc" not in str(error):
                raise
            raise MemoryError(str(error)) from error
        return states


def _pool(states: Floats) -> Floats:
    mean: Floats = states.mean(axis=0)
    return mean / max(np.linalg.norm(mean), np.float32(1e-12))


def _session(path: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = min(usable_cpus(), _MAX_THREADS)
    # Threads that spin while they wait take the cores that the search needs next: without, a
    # question is encoded and searched in half the time.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    # An arena keeps what the largest batch took, 55 MB or more, to save a sixth on long ones.
    options.enable_cpu_mem_arena = False
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def _mend(folder: Path) -> str:
    return (
        f"Delete that folder and start again, or run `python -m index.model.export onnx {folder}`."
    )
