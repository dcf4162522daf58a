"""Sentence embeddings: a second, small encoder for the topic of a text in any language.

The model is the multilingual Universal Sentence Encoder (Yang et al. 2020,
https://arxiv.org/abs/1907.04307) in its convolutional form, trained on translations and on
questions with their answers. Its errors fall on other questions than those of a transformer, so
that the two together find more than one of them alone.
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
    """The encoder of sentence embeddings; any number of threads may use it at once."""

    def __init__(self, folder: Path) -> None:
        """Load the files that `sentence_graph` wrote; a damaged file raises any kind of error."""
        self._tokenizer = UnigramTokenizer(folder / model_files.SENTENCE_PIECES)
        self._session = session(folder / model_files.SENTENCE_GRAPH)

    def encode(self, texts: Sequence[str]) -> Floats:
        """Return the embeddings of texts, float32 (texts, SENTENCE_COMPONENTS), unit vectors."""
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
