"""The encoder on ONNX Runtime: the default on a CPU; it needs no torch."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path

import numpy as np

from index.arrays import Floats
from index.encoding import token_batches as shared
from index.encoding.encoder import Encoding, Kind, Weights
from index.encoding.model import model_files
from index.encoding.runtime import run, session, threads
from index.encoding.sentence_embedding import SentenceEmbedder, with_sentence_embeddings
from index.encoding.unigram import Tokens, UnigramTokenizer
from index.errors import ModelError, is_short_of_memory
from index.normalising import normalise


class OnnxEncoder:
    """An implementation of the Encoder protocol; any number of threads may use it at once."""

    def __init__(self, folder: Path) -> None:
        """Load an exported folder.

        Raises ModelError if the folder is missing, incomplete or damaged, and MemoryError.
        """
        if flaw := model_files.flaw(folder):
            raise ModelError(f"The ONNX model in {folder} cannot be used: {flaw}. {_mend(folder)}")
        self._weights = model_files.read_weights(folder)
        try:
            self._tokenizer = UnigramTokenizer(folder / model_files.PIECES)
            self._session = session(folder / model_files.GRAPH)
            self._embedder = SentenceEmbedder(folder)
        except Exception as error:  # no library has a root of its own errors
            if is_short_of_memory(error):
                raise MemoryError(str(error)) from error
            message = f"The ONNX model in {folder} cannot be loaded: {error}. {_mend(folder)}"
            raise ModelError(message) from error

    @property
    def weights(self) -> Weights:
        """Return the identity of the model that makes the vectors."""
        return self._weights

    def encode(self, texts: Sequence[str], kind: Kind) -> Iterator[Encoding]:
        """Yield one encoding for each text, in the given order, a bounded number held at once."""
        prompt = self._weights.prompt(kind)
        for window in shared.windows(texts):
            found = self._window([prompt + normalise(text) for text in window], prompt)
            yield from (
                with_sentence_embeddings(found, self.sentence_embeddings(window))
                if kind == "query"
                else found
            )

    def sentence_embeddings(self, texts: Sequence[str]) -> Floats:
        """Return the sentence embeddings, float32 (texts, SENTENCE_COMPONENTS), unit vectors."""
        return self._embedder.encode(texts)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return the number of tokens of each text, without the prompt and special tokens."""
        return [self._tokenizer.count(normalise(text)) for text in texts]

    def _window(self, texts: Sequence[str], prompt: str) -> list[Encoding]:
        tokenised = [self._tokenizer.encode(text) for text in texts]
        # The longest first, so that no processor waits long for another at the end.
        batches = [*shared.batches([len(tokens.ids) for tokens in tokenised])][::-1]
        chosen = [[tokenised[index] for index in batch] for batch in batches]
        found = map(self._run, chosen) if len(chosen) < 2 else self._threads.map(self._run, chosen)
        encodings: dict[int, Encoding] = {}
        for batch, padded in zip(batches, found, strict=True):
            for index, states in zip(batch, padded, strict=True):
                tokens = tokenised[index]
                # A copy, so that the padded batch is freed.
                own = states[: len(tokens.ids)].copy()
                vector = _pool(own[:, -self._weights.dimension :])
                encodings[index] = Encoding(vector, own, shared.offsets(tokens, prompt))
        return [encodings[index] for index in range(len(texts))]

    @cached_property
    def _threads(self) -> ThreadPoolExecutor:
        return threads("encoder")

    def _run(self, batch: Sequence[Tokens]) -> Floats:
        """Return the padded hidden states of a batch, float32 (texts, longest, states)."""
        shape = (len(batch), max(len(tokens.ids) for tokens in batch))
        ids = np.full(shape, self._tokenizer.pad, dtype=np.int64)
        mask = np.zeros(shape, dtype=np.int64)
        for row, tokens in enumerate(batch):
            ids[row, : len(tokens.ids)] = tokens.ids
            mask[row, : len(tokens.ids)] = 1
        return run(self._session, {"input_ids": ids, "attention_mask": mask})


def _pool(states: Floats) -> Floats:
    mean: Floats = states.mean(axis=0)
    return mean / max(np.linalg.norm(mean), np.float32(1e-12))


def _mend(folder: Path) -> str:
    command = f"python -m index.encoding.model.export onnx {folder}"
    return f"Delete that folder and start again, or run `{command}`."
