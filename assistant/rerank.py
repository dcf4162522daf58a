"""An optional second look: a cross-encoder reads question and passage together."""

from collections.abc import Sequence
from typing import Protocol

from index.errors import ModelError


class Reranker(Protocol):
    """What scores passages for a question."""

    def score(self, question: str, texts: Sequence[str]) -> list[float]:
        """Return a score for each text, higher is better; comparable for one question only."""


class CrossEncoderReranker:
    """A cross-encoder run by sentence-transformers."""

    def __init__(self, model: str) -> None:
        """Load a model by name or folder; raises ModelError where that fails."""
        try:
            # Torch takes seconds to import: only who names a reranker pays.
            from sentence_transformers import CrossEncoder

            self._model = CrossEncoder(model)
        except (OSError, ValueError, ImportError) as error:
            reason = str(error).split("\n", maxsplit=1)[0]
            raise ModelError(
                f"The reranker {model!r} cannot be loaded: {reason}. "
                "NOTES_RERANKER takes the name or folder of a cross-encoder."
            ) from error

    def score(self, question: str, texts: Sequence[str]) -> list[float]:
        """Return a score for each text."""
        found = self._model.predict([(question, text) for text in texts], show_progress_bar=False)
        return [float(value) for value in found]
