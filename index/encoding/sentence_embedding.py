"""A second encoder, small and of another kind: what a text is about, whatever its language.

It is the multilingual Universal Sentence Encoder (Yang et al. 2020,
https://arxiv.org/abs/1907.04307) in its convolutional form, learned from translations and from
questions with their answers. It errs on other questions than a transformer does, so that the two
together find more than either.
"""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import numpy as np

from index.arrays import Floats
from index.encoding.encoder import SENTENCE_COMPONENTS, Encoding
from index.encoding.model import model_files
from index.encoding.runtime import run, session, threads
from index.encoding.unigram import UnigramTokenizer
from index.normalising import normalise


class SentenceEmbedder:
    """Encodes texts by what they are about; any number of threads may ask at once."""

    def __init__(self, folder: Path) -> None:
        """Load what `sentence_graph` wrote; any error where a file is damaged."""
        self._tokenizer = UnigramTokenizer(folder / model_files.SENTENCE_PIECES)
        self._session = session(folder / model_files.SENTENCE_GRAPH)

    def encode(self, texts: Sequence[str]) -> Floats:
        """Return float32 (texts, SENTENCE_COMPONENTS), unit vectors."""
        each = map if len(texts) < 2 else self._threads.map
        found = list(each(self._one, texts))
        return np.stack(found) if found else np.zeros((0, SENTENCE_COMPONENTS), np.float32)

    @cached_property
    def _threads(self) -> ThreadPoolExecutor:
        return threads("gist")

    def _one(self, text: str) -> Floats:
        ids = np.array(self._tokenizer.encode(normalise(text)).ids, np.int64)
        return run(self._session, {"input_ids": ids})


def with_sentence_embeddings(
    encodings: Iterable[Encoding], sentence_embeddings: Floats
) -> Iterator[Encoding]:
    """Yield the encodings, each with its sentence embedding."""
    for encoding, sentence_embedding in zip(encodings, sentence_embeddings, strict=True):
        yield replace(encoding, sentence_embedding=sentence_embedding)
