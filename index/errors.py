"""Every error that this program raises on purpose.

NotesError                the root; its message tells a person what went wrong and what to do
├── SettingsError         a setting or an option cannot be used
├── CorpusError           the notes cannot be read
├── ModelError            weights or a dictionary are missing, damaged or of another kind
├── IndexUnusable         the index cannot be served
│   ├── IndexMissing      nothing was built yet
│   ├── IndexDamaged      files are missing, cut short or changed
│   ├── IndexMismatch     built by another schema, or with other weights
│   ├── IndexBusy         another process builds it
│   └── StoreAway         the server that holds its vectors does not answer
├── QuestionError         a question cannot be searched
├── UnknownName           there is no corpus, document, answer or key of that name
├── KeysUnusable, KeyRefused    the key file cannot be used, or a new key is not allowed
├── FeedbackUnwritable    the feedback on answers cannot be stored
├── LimitsUnusable        the requests of callers cannot be counted
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
    """The server that holds the vectors of the index does not answer at the moment."""


class QuestionError(NotesError):
    """A question cannot be searched; user interfaces translate `reason` into other languages."""

    def __init__(self, message: str, reason: Literal["empty", "too_long"]) -> None:
        super().__init__(message)
        self.reason = reason


class UnknownName(NotesError):
    """There is no corpus, document, answer or key of that name; `field` held the name."""

    def __init__(self, message: str, field: str) -> None:
        super().__init__(message)
        self.field = field


class KeysUnusable(NotesError):
    """The key file cannot be read or written."""


class KeyRefused(NotesError):
    """The requested key cannot be created."""


class FeedbackUnwritable(NotesError):
    """The file of feedback cannot be written or read."""


class LimitsUnusable(NotesError):
    """The requests of callers cannot be counted."""


class Overloaded(NotesError):
    """Too many questions arrived at once; `seconds` is the time to wait before trying again."""

    def __init__(self, message: str, seconds: int) -> None:
        super().__init__(message)
        self.seconds = seconds


def is_short_of_memory(error: Exception) -> bool:
    """Return whether an error means that memory ran out, whichever library raised it.

    The message decides where the type does not: Python raises RuntimeError if a new thread does
    not fit into memory, and ONNX Runtime has no error type of its own for lack of memory.
    """
    words = str(error)
    return isinstance(error, MemoryError) or "start new thread" in words or "alloc" in words
