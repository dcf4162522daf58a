"""Reads the best passages: does one answer the question, and which of its lines does?

The token reader is a small network over token states that exist already, those of the question and
the stored ones of the passages, so that no text is encoded again. It has attention both ways,
compares each token with the part of the other text that it attends to, and pools each line (after
Parikh et al. 2016, https://arxiv.org/abs/1606.01933, and Seo et al. 2016,
https://arxiv.org/abs/1611.01603). `benchmarks/reading/train.py` trains it.
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
    """A reader's verdict on a passage.

    answered: the logit that the passage answers the question. lines: the logit of each of its
    lines, float32 (lines,); None from a reader that reads whole passages only.
    """

    answered: float
    lines: Floats | None = None


class Reader(Protocol):
    """Protocol of readers: a reader reads passages together with a question."""

    @property
    def name(self) -> str:
        """Return the name that identifies this reader; a judge is calibrated for one name."""

    @property
    def most(self) -> int:
        """Return the number of passages that are read for a question."""

    @property
    def decides(self) -> bool:
        """Return whether the verdicts alone order the passages read, without search scores."""

    def read(
        self, contents: Contents, query: Query, passages: Ints, found: Evidence
    ) -> list[Verdict]:
        """Return the verdict on each passage; all of them must be candidates in `found`."""


class TokenReader:
    """Reader by token states of the encoder that it was trained with; safe for threads."""

    name = "tokens"
    most = 5
    decides = False

    def read(
        self, contents: Contents, query: Query, passages: Ints, found: Evidence
    ) -> list[Verdict]:
        """Return the verdict on each passage; all are read in one batch."""
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
    """Reader by a cross-encoder that sentence-transformers runs."""

    most = 10
    decides = True

    def __init__(self, model: str) -> None:
        """Load a model by name or folder. Raises ModelError when it cannot be loaded."""
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
        """Return the verdict on the text of each passage; the verdicts have no lines."""
        texts = [_text(contents, number) for number in passages.tolist()]
        pairs = [(query.text, text) for text in texts]
        scores = self._model.predict(pairs, show_progress_bar=False)
        return [Verdict(float(value)) for value in scores]


def reranker_of(settings: Settings) -> Reader | None:
    """Return the cross-encoder of the settings, None where none is set. Raises ModelError."""
    return CrossEncoderReader(settings.reranker) if settings.reranker else None


def reader_of(contents: Contents, reranker: Reader | None) -> Reader | None:
    """Return the reader for an index: the reranker if there is one, else the token reader.

    None where there is no reranker, and the index lacks the token states of the token reader.
    """
    ours = contents.states.projection.name != PRINCIPAL
    return reranker or (TokenReader() if ours else None)


def _text(contents: Contents, number: int) -> str:
    passage = contents.notes.passages[number]
    return passage.text(contents.notes.documents[passage.document].source)


def _met(found: Evidence, passages: Ints, asked: int, most: int) -> Floats:
    """Return the best cosine of each question token in each line of each passage.

    float32 (passages, asked, 1 + most), by late interaction; the heading stands before the lines.
    """
    alignment = found.alignment
    rows = np.searchsorted(found.passages, passages)
    met = np.full((len(passages), 1 + most, asked), -1, np.float32)
    for number, row in enumerate(rows.tolist()):
        first, after = np.searchsorted(alignment.owners, (row, row + 1))
        met[number, alignment.lines[first:after] - HEADING] = alignment.best[first:after, :asked]
    return np.ascontiguousarray(met.transpose(0, 2, 1))


def _padded(tokens: Floats, lines: Any, counts: Any, most: int) -> tuple[Floats, Floats]:
    """Return padded tokens, and a membership matrix of lines and tokens.

    Tokens: float32 (passages, longest, components). Membership: float32 (passages, 1 + most,
    longest), 1 where a token stands in a line; the heading stands before the lines.
    """
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
    """Return a function that runs the ONNX graph of READER on named inputs."""
    from index.encoding.runtime import session

    with as_file(READER) as path:
        graph: onnxruntime.InferenceSession = session(path)
    return lambda inputs: graph.run(None, dict(inputs))
