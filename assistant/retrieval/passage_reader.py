"""Reads the best passages: does one answer the question, and which of its lines does?

A small network over token states that are there already, those of the question and the stored ones
of the passages, so that nothing is encoded again: attention both ways, what each token finds in the
other text compared with it, lines pooled (after Parikh et al. 2016, https://arxiv.org/abs/1606.01933,
and Seo et al. 2016, https://arxiv.org/abs/1611.01603). `benchmarks/reading/train.py` learns it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file, files
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import onnxruntime

from assistant.retrieval.retrieve import Evidence, Query
from assistant.settings import Settings
from index.arrays import Floats, Ints
from index.errors import ModelError
from index.storage import Contents
from index.vectors import HEADING, PRINCIPAL

READER = files("assistant.data") / "reader.onnx"
# Of a long question, the tokens that are read.
_LONGEST = 96


@dataclass(frozen=True, eq=False)
class Verdict:
    """What a reader says of a passage.

    answered: a logit, that it answers the question. lines: float32 (lines,), logits of each of its
    lines, None from a reader that knows passages alone.
    """

    answered: float
    lines: Floats | None = None


class Reader(Protocol):
    """What reads passages for a question."""

    @property
    def name(self) -> str:
        """Return what tells its verdicts from another reader's."""

    @property
    def most(self) -> int:
        """Return how many passages it reads for a question."""

    @property
    def decides(self) -> bool:
        """Return whether its verdict alone orders what it reads, whatever the searches found."""

    def read(
        self, contents: Contents, query: Query, passages: Ints, found: Evidence
    ) -> list[Verdict]:
        """Return what it says of each passage, all of which are among the evidence's."""


class TokenReader:
    """Reads by token states, for the model that it was learned with; for any number of threads."""

    name = "tokens"
    most = 5
    decides = False

    def read(
        self, contents: Contents, query: Query, passages: Ints, found: Evidence
    ) -> list[Verdict]:
        """Return what it says of each passage, all of them read at once."""
        states = contents.states
        asked = found.tokens[:_LONGEST]
        tokens, lines = states.unpacked(passages)
        counts = states.places[passages, 2]
        numbers = contents.notes.places[passages, 2]
        most = int(numbers.max())
        padded, members = _padded(tokens, lines, counts, most)
        answered, chosen = _graph()(
            {
                "question": asked,
                "passages": padded,
                "members": members,
                "met": _met(found, passages, len(asked), most),
            }
        )
        return [
            Verdict(float(logit), row[:number])
            for logit, row, number in zip(answered, chosen, numbers.tolist(), strict=True)
        ]


class CrossEncoderReader:
    """A cross-encoder run by sentence-transformers."""

    most = 10
    decides = True

    def __init__(self, model: str) -> None:
        """Load a model by name or folder; raises ModelError where that fails."""
        self.name = model
        try:
            # Torch takes seconds to import: only who names a reranker pays.
            from sentence_transformers import CrossEncoder
            from torch.nn import Identity

            # A logit tells sure from surer where a probability is 1.
            self._model = CrossEncoder(model, activation_fn=Identity())
        except (OSError, ValueError, ImportError) as error:
            reason = str(error).split("\n", maxsplit=1)[0]
            raise ModelError(
                f"The reranker {model!r} cannot be loaded: {reason}. "
                "NOTES_RERANKER takes the name or folder of a cross-encoder."
            ) from error

    def read(
        self, contents: Contents, query: Query, passages: Ints, found: Evidence
    ) -> list[Verdict]:
        """Return what it says of each passage's text; of its lines it knows nothing."""
        texts = [_text(contents, number) for number in passages.tolist()]
        pairs = [(query.text, text) for text in texts]
        scores = self._model.predict(pairs, show_progress_bar=False)
        return [Verdict(float(value)) for value in scores]


def reranker_of(settings: Settings) -> Reader | None:
    """Return the cross-encoder that is set, None where none is. Raises ModelError."""
    return CrossEncoderReader(settings.reranker) if settings.reranker else None


def reader_of(contents: Contents, reranker: Reader | None) -> Reader | None:
    """Return what reads the passages of an index: a cross-encoder that was named, else ours where
    the index has the token states that it was learned with."""
    ours = contents.states.projection.name != PRINCIPAL
    return reranker or (TokenReader() if ours else None)


def _text(contents: Contents, number: int) -> str:
    passage = contents.notes.passages[number]
    return passage.text(contents.notes.documents[passage.document].source)


def _met(found: Evidence, passages: Ints, asked: int, most: int) -> Floats:
    """Return float32 (passages, asked, 1 + most), how well each of the question's tokens is met in
    each line, the heading before the lines, as late interaction has it."""
    alignment = found.alignment
    rows = np.searchsorted(found.passages, passages)
    met = np.full((len(passages), 1 + most, asked), -1, np.float32)
    for number, row in enumerate(rows.tolist()):
        first, after = np.searchsorted(alignment.owners, (row, row + 1))
        met[number, alignment.lines[first:after] - HEADING] = alignment.best[first:after, :asked]
    return np.ascontiguousarray(met.transpose(0, 2, 1))


def _padded(tokens: Floats, lines: Any, counts: Any, most: int) -> tuple[Floats, Floats]:
    """Return tokens, float32 (passages, longest, components), and which stand in which line,
    float32 (passages, 1 + most, longest), the heading before the lines."""
    shape = len(counts), int(counts.max())
    rows = np.repeat(np.arange(shape[0]), counts)
    columns = np.arange(len(tokens)) - np.repeat(np.cumsum(counts) - counts, counts)
    padded = np.zeros((*shape, tokens.shape[1]), np.float32)
    padded[rows, columns] = tokens
    members = np.zeros((shape[0], 1 + most, shape[1]), np.float32)
    members[rows, lines - HEADING, columns] = 1
    return padded, members


@cache
def _graph() -> Callable[[Mapping[str, npt.NDArray[Any]]], Sequence[Floats]]:
    """Return what runs the graph of READER."""
    from index.encoding.runtime import session

    with as_file(READER) as path:
        graph: onnxruntime.InferenceSession = session(path)
    return lambda inputs: graph.run(None, dict(inputs))
