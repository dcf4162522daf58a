"""Answers given before, from one version of the notes."""

from threading import Lock

from cachetools import LRUCache

from assistant.answering.answer import Answer

# In characters, of which each takes one byte to four.
_MOST = 2_000_000
# What an answer takes beside its passages, and a passage beside its text.
_AROUND = 1000


class Answers:
    """Keeps answers by what was asked, those asked for last; for several threads.

    It lives and ends with its version of the notes.
    """

    def __init__(self, most: int = _MOST) -> None:
        """most: how many characters they may have together."""
        self._kept: LRUCache[object, Answer] = LRUCache(most, _size)
        self._lock = Lock()

    def recall(self, asked: object) -> Answer | None:
        """Return the answer, None where it is not kept."""
        with self._lock:
            return self._kept.get(asked)

    def keep(self, asked: object, answer: Answer) -> None:
        """Keep an answer, unless it alone is too large."""
        with self._lock:
            if _size(answer) <= self._kept.maxsize:
                self._kept[asked] = answer


def _size(answer: Answer) -> int:
    found = [*answer.passages, *([answer.closest] if answer.closest else [])]
    return _AROUND + sum(_AROUND + len(passage.text) for passage in found)
