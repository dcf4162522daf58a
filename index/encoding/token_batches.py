"""What both engines share: where tokens stand, and which texts are encoded together."""

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
    """What `offsets` reads: the tokens of one text, from either engine's tokenizer."""

    @property
    def offsets(self) -> Sequence[tuple[int, int]]:
        """Return [start, end) of each token in the text, as characters."""

    @property
    def special_tokens_mask(self) -> Sequence[int]:
        """Return 1 for each token that was put around the text."""


def windows(items: Sequence[T]) -> Iterator[Sequence[T]]:
    """Yield texts, or what stands for them, in order, a bounded number at a time."""
    for start in range(0, len(items), WINDOW):
        yield items[start : start + WINDOW]


def batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Yield the indexes of texts of like length, so that little is padded.

    A batch has at most BATCH_TEXTS texts and, padded, BATCH_TOKENS tokens; never less than
    one text.
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
    """Return int32 (tokens, 2), where each token stands in the text behind the prompt.

    Special tokens and the prompt's are (-1, -1). A token's leading space, which may be the
    prompt's last character, counts only as far as it stands in the text.
    """
    spans: Ints = np.array(tokens.offsets, dtype=np.int32).reshape(-1, 2)
    spans -= len(prompt)
    outside = np.array(tokens.special_tokens_mask, dtype=bool) | (spans[:, 1] <= 0)
    spans[spans < 0] = 0
    spans[outside] = -1
    return spans
