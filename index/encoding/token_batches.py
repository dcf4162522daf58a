"""Code that both engines share: positions of tokens, and batches of texts encoded together."""

from collections.abc import Iterator, Sequence
from typing import Protocol, TypeVar

import numpy as np

from index.arrays import Ints

# Texts looked at together. Their token states are held at once: at most 50 MB of them.
WINDOW = 64
BATCH_TEXTS = 16
# What more tokens need at once falls out of the processor's cache: with 2,048 a build takes a third
# longer.
BATCH_TOKENS = 256

T = TypeVar("T")


class TokenizedText(Protocol):
    """The tokens of one text from the tokenizer of either engine; `offsets` reads them."""

    @property
    def offsets(self) -> Sequence[tuple[int, int]]:
        """Return the position of each token in the text, [start, end) in characters."""

    @property
    def special_tokens_mask(self) -> Sequence[int]:
        """Return 1 for each token that was added around the text, 0 for the others."""


def windows(items: Sequence[T]) -> Iterator[Sequence[T]]:
    """Yield slices of the items, in order, of at most WINDOW items each."""
    for start in range(0, len(items), WINDOW):
        yield items[start : start + WINDOW]


def batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Yield batches of indexes of texts; texts of similar length go together, to pad little.

    A batch has at least one text, at most BATCH_TEXTS texts and, unless one text alone is longer,
    at most BATCH_TOKENS tokens after padding.
    """
    batch: list[int] = []
    for index in sorted(range(len(lengths)), key=lengths.__getitem__):
        padded = lengths[index] * (len(batch) + 1)
        if batch and (len(batch) == BATCH_TEXTS or padded > BATCH_TOKENS):
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch


def offsets(tokens: TokenizedText, prompt: str) -> Ints:
    """Return the position of each token in the text after the prompt, int32 (tokens, 2).

    Special tokens and tokens of the prompt have (-1, -1). The leading space of a token may be the
    prompt's last character; only the part inside the text counts.
    """
    spans: Ints = np.array(tokens.offsets, dtype=np.int32).reshape(-1, 2)
    spans -= len(prompt)
    outside = np.array(tokens.special_tokens_mask, dtype=bool) | (spans[:, 1] <= 0)
    spans[spans < 0] = 0
    spans[outside] = -1
    return spans
