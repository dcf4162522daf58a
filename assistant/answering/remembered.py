"""A cache of answers, for one version of the notes."""

from threading import Lock

from cachetools import LRUCache

from assistant.answering.answer import Answer

# In characters, of which each takes one byte to four.
_MOST = 2_000_000
# What an answer takes beside its passages, and a passage beside its text.
_AROUND = 1000


class Answers:
    """Least-recently-used cache of answers by question; safe for several threads.

    Each version of the notes has a cache of its own.
    """

    def __init__(self, most: int = _MOST) -> None:
        """most: the size of all cached answers together, in characters."""
        self._kept: LRUCache[object, Answer] = LRUCache(most, _size)
        self._lock = Lock()

    def recall(self, asked: object) -> Answer | None:
        """Return the cached answer to a question, None where there is none."""
        with self._lock:
            return self._kept.get(asked)

    def keep(self, asked: object, answer: Answer) -> None:
        """Cache an answer, unless it alone is larger than the whole cache."""
        with self._lock:
            if _size(answer) <= self._kept.maxsize:
                self._kept[asked] = answer


def _size(answer: Answer) -> int:
    found = [*answer.passages, *([answer.closest] if answer.closest else [])]
    return _AROUND + sum(_AROUND + len(passage.text) for passage in found)
