"""Every error that this program raises on purpose.

NotesError                what went wrong and what to do, in one sentence for a person
├── SettingsError         a setting or an option cannot be used
├── CorpusError           the notes cannot be read
├── ModelError            weights or a dictionary are missing, damaged or of another kind
├── IndexUnusable         the index cannot be served
│   ├── IndexMissing      nothing was built yet
│   ├── IndexDamaged      files are missing, cut short or changed
│   ├── IndexMismatch     built by another schema, or with other weights
│   ├── IndexBusy         another process builds it
│   └── StoreAway         what holds its vectors does not answer
├── QuestionError         a question cannot be searched
├── UnknownName           there is no corpus, document, answer or key of that name
├── KeysUnusable, KeyRefused    keys cannot be read, or such a key cannot be made
├── FeedbackUnwritable    what people thought of answers cannot be kept
├── LimitsUnusable        what callers asked cannot be counted
└── Overloaded            too many questions at once

Only the HTTP edge turns these into status codes, only the command line into exit statuses.
"""

from typing import Literal


class NotesError(Exception):
    """The root: `str(error)` says what went wrong and what to do."""


class SettingsError(NotesError):
    """A setting or an option cannot be used."""


class CorpusError(NotesError):
    """The notes cannot be read."""


class ModelError(NotesError):
    """Weights or a dictionary are missing, damaged or of another kind."""


class IndexUnusable(NotesError):
    """The index cannot be served."""


class IndexMissing(IndexUnusable):
    """Nothing was built yet."""


class IndexDamaged(IndexUnusable):
    """Files of the index are missing, cut short or changed."""


class IndexMismatch(IndexUnusable):
    """The index was built by another schema, or with other weights."""


class IndexBusy(IndexUnusable):
    """Another process builds the index."""


class StoreAway(IndexUnusable):
    """What holds the vectors of the index does not answer at the moment."""


class QuestionError(NotesError):
    """A question cannot be searched; reason is for faces that say it in another language."""

    def __init__(self, message: str, reason: Literal["empty", "too_long"]) -> None:
        super().__init__(message)
        self.reason = reason


class UnknownName(NotesError):
    """There is no corpus, document, answer or key of that name; field is where it was named."""

    def __init__(self, message: str, field: str) -> None:
        super().__init__(message)
        self.field = field


class KeysUnusable(NotesError):
    """The file of keys cannot be read or written."""


class KeyRefused(NotesError):
    """Such a key cannot be made."""


class FeedbackUnwritable(NotesError):
    """The file of feedback cannot be written or read."""


class LimitsUnusable(NotesError):
    """What callers asked cannot be counted."""


class Overloaded(NotesError):
    """Too many questions at once; seconds: when to try again."""

    def __init__(self, message: str, seconds: int) -> None:
        super().__init__(message)
        self.seconds = seconds


def is_short_of_memory(error: Exception) -> bool:
    """Return whether an error says that memory is lacking, whoever raised it.

    A thread that has no room is a RuntimeError in Python, and ONNX Runtime has no error for it.
    """
    words = str(error)
    return isinstance(error, MemoryError) or "start new thread" in words or "alloc" in words
