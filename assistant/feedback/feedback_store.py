"""Stores answers and the votes on them in SQLite.

DATA_DIR/feedback.sqlite3            made at the first write, readable by its owner only
"""

import os
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeAlias

from filelock import FileLock

from assistant.answering import Answer
from assistant.feedback.gaps import MOST_SHOWN, Asked, Gap, NearestSection, Vectors, grouped
from index.errors import FeedbackUnwritable, UnknownName
from index.normalising import composed

DEFAULT_KEEP_DAYS = 90
FILE = "feedback.sqlite3"
_SCHEMA = 1
_BUSY_SECONDS = 5.0
_FLUSH_SECONDS = 0.5
_FORGET_EVERY = timedelta(hours=1)
_MOST_WAITING = 2000
_MOST_COMPARED = 1000
_TABLE = """
CREATE TABLE answers (
    id TEXT PRIMARY KEY, asked REAL NOT NULL, question TEXT, query TEXT,
    language TEXT NOT NULL, status TEXT NOT NULL, grade TEXT NOT NULL, confidence REAL NOT NULL,
    index_version TEXT NOT NULL, corpus TEXT, document TEXT, anchor TEXT, title TEXT,
    helpful INTEGER, comment TEXT
)
"""
_INSERT = "INSERT OR IGNORE INTO answers VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, NULL)"
# Small talk has no section near: it is no gap, unless it was voted down.
_GAPS = (
    "asked >= ? AND query IS NOT NULL "
    "AND (status = 'not_covered' AND document IS NOT NULL OR helpful = 0)"
)
# Beside max(), SQLite takes the other columns from the row that has the maximum: the latest.
_COUNTED = f"""
SELECT query, question, language, count(*), sum(status = 'not_covered'), sum(helpful IS 0),
    max(asked), corpus, document, anchor, title
FROM answers WHERE {_GAPS} GROUP BY query ORDER BY count(*) DESC, max(asked) DESC, query LIMIT ?
"""  # noqa: S608
_COMMENTS = f"""
SELECT query, comment FROM answers WHERE {_GAPS} AND comment IS NOT NULL ORDER BY asked DESC
"""  # noqa: S608

_Row: TypeAlias = tuple[str | float | None, ...]


class Feedback:
    """Store of answers and votes; safe for several threads, and several processes on one file.

    An answer waits in memory for at most half a second, so that a question waits for no disk and
    no lock: beside a busy thread, a write of 12 µs takes 5 ms until the interpreter is free again.
    Waiting answers are lost when the process is killed; a vote is on disk once `vote` returns.
    """

    def __init__(
        self,
        data_dir: Path,
        keep_days: int,
        vectors: Vectors,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """keep_days: how long questions are kept; with 0, the text of a question is never kept.

        vectors: a function from questions to float32 (questions, dimension), unit length; see
        question_vectors.
        """
        self.dropped = 0
        self._path = data_dir / FILE
        self._keep_days = keep_days
        self._vectors = vectors
        self._clock = clock
        self._waiting: deque[_Row] = deque()
        self._counting = threading.Lock()
        self._writing = threading.Lock()
        self._forgotten: datetime | None = None
        self._closed = threading.Event()
        self._writer = threading.Thread(target=self._work, name="feedback", daemon=True)
        self._writer.start()

    def answered(self, answer: Answer, question: str) -> None:
        """Queue an answer for writing; when 2,000 already wait, it is dropped and counted.

        question: as the person typed it.
        """
        if len(self._waiting) >= _MOST_WAITING:
            with self._counting:
                self.dropped += 1
            return
        self._waiting.append(_row(answer, question, self._clock(), self._keep_days > 0))

    def vote(self, answer_id: str, helpful: bool, comment: str | None) -> None:
        """Store a person's vote on an answer; the latest vote on an answer replaces earlier ones.

        Raises UnknownName when no answer has this id, FeedbackUnwritable when the vote could not
        be written.
        """
        kept = composed(comment).strip() if comment and self._keep_days else None
        with self._written() as database:
            found = database.execute(
                "UPDATE answers SET helpful = ?, comment = ? WHERE id = ?",
                (helpful, kept or None, composed(answer_id)),
            )
        if not found.rowcount:
            raise UnknownName(
                "No answer of this id is known here: it was never given, or more than "
                f"{self._keep_days or DEFAULT_KEEP_DAYS} days ago. Send the id of an answer.",
                "answer_id",
            )

    def gaps(self, limit: int, days: int, now: datetime) -> list[Gap]:
        """Return the gaps of the last `days` days, as `kept_gaps` does."""
        # Where what waits cannot be written, what was kept before may still be read.
        with suppress(FeedbackUnwritable):
            self._flush()
        since = now - timedelta(days=min(days, self._keep_days))
        return kept_gaps(self._path.parent, limit, since, self._vectors) if self._keep_days else []

    def close(self) -> None:
        """Write the waiting answers and stop; answers that cannot be written count as dropped."""
        self._closed.set()
        self._writer.join()
        with suppress(FeedbackUnwritable):
            self._flush()
        with self._counting:
            self.dropped += len(self._waiting)
        self._waiting.clear()

    def _work(self) -> None:
        while not self._closed.wait(_FLUSH_SECONDS):
            # What could not be written goes on waiting: space may be made.
            with suppress(FeedbackUnwritable):
                self._flush()

    def _flush(self) -> None:
        if self._waiting or (self._forgetting_is_due(self._clock()) and self._exists()):
            with self._written():
                pass

    @contextmanager
    def _written(self) -> Iterator[sqlite3.Connection]:
        """Write the waiting answers and the changes of the block in one transaction."""
        with self._writing:
            rows = [self._waiting.popleft() for _ in range(len(self._waiting))]
            now = self._clock()
            due = self._forgetting_is_due(now)
            try:
                with _mapped(self._path), closing(_open(self._path)) as database, database:
                    database.execute("BEGIN IMMEDIATE")
                    database.executemany(_INSERT, rows)
                    if due:
                        self._forget(database, now)
                    yield database
            except BaseException:
                self._waiting.extendleft(reversed(rows))
                raise
            if due:
                self._forgotten = now

    def _exists(self) -> bool:
        return os.path.exists(self._path)

    def _forgetting_is_due(self, now: datetime) -> bool:
        return self._forgotten is None or now - self._forgotten >= _FORGET_EVERY

    def _forget(self, database: sqlite3.Connection, now: datetime) -> None:
        kept_from = now - timedelta(days=self._keep_days or DEFAULT_KEEP_DAYS)
        database.execute("DELETE FROM answers WHERE asked < ?", (kept_from.timestamp(),))
        if not self._keep_days:
            database.execute("DELETE FROM answers WHERE query IS NOT NULL")


def kept_gaps(data_dir: Path, limit: int, since: datetime, vectors: Vectors) -> list[Gap]:
    """Return the gaps since a time: questions that the notes did not answer, most frequent first.

    No stored answer is changed. Only the 1,000 questions asked most often are compared. Raises
    FeedbackUnwritable when the file cannot be read.
    """
    path = data_dir / FILE
    # Path.exists raises where the folder may not be looked into.
    asked = _asked(path, since.timestamp()) if os.path.exists(path) else []
    return grouped(asked, vectors)[:limit]


def _asked(path: Path, since: float) -> list[Asked]:
    with _mapped(path), closing(_open(path)) as database:
        found = database.execute(_COUNTED, (since, _MOST_COMPARED)).fetchall()
        comments: dict[str, list[str]] = {row[0]: [] for row in found}
        for query, comment in database.execute(_COMMENTS, (since,)):
            if query in comments and len(comments[query]) < MOST_SHOWN:
                comments[query].append(comment)
    return [
        Asked(NearestSection(*row[7:]) if row[7] else None, tuple(comments[row[0]]), *row[:7])
        for row in found
    ]


def _open(path: Path) -> sqlite3.Connection:
    """Return a connection to a database of the schema that this program knows.

    Each call opens a new one: if the file was moved away meanwhile, a new file is begun and the
    moved one is not written to unseen. Raises FeedbackUnwritable where the schema is newer.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    database = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None)
    try:
        database.execute("PRAGMA synchronous = FULL")
        database.execute("PRAGMA secure_delete = ON")
        (schema,) = database.execute("PRAGMA user_version").fetchone()
        if schema > _SCHEMA:
            raise FeedbackUnwritable(
                f"{path} has schema {schema}, this program knows {_SCHEMA}: a newer "
                "release wrote it. Use that release, or move the file away to begin anew."
            )
        if schema < _SCHEMA:
            # SQLite does not wait where two switch to WAL at once.
            with FileLock(f"{path}.lock", _BUSY_SECONDS):
                _prepare(database)
    except BaseException:
        database.close()
        raise
    return database


@contextmanager
def _mapped(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        raise FeedbackUnwritable(
            f"Feedback cannot be kept in {path}: {error}. {_remedy(error)}"
        ) from error


def _remedy(error: OSError | sqlite3.Error) -> str:
    # The low byte says what happened, the rest where.
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return f"It is damaged: move {FILE}* away, and a new one is begun."
    if code == sqlite3.SQLITE_BUSY:
        return "Another program holds it: stop that program, or try again."
    return "Free the space, or name another folder in NOTES_DATA_DIR."


def _row(answer: Answer, question: str, now: datetime, personal: bool) -> _Row:
    nearest = answer.passages[0] if answer.passages else answer.closest
    section: tuple[str | None, ...] = (None,) * 4
    if nearest and personal:
        document = nearest.document
        section = (document.corpus, document.id, nearest.section.anchor, nearest.section.title)
    return (
        answer.id,
        now.timestamp(),
        composed(question) if personal else None,
        answer.query if personal else None,
        answer.language,
        answer.status,
        answer.grade,
        answer.confidence,
        answer.index_version,
        *section,
    )


def _prepare(database: sqlite3.Connection) -> None:
    """Create the table and its index, unless another process did so meanwhile."""
    database.execute("PRAGMA journal_mode = WAL")
    with database:
        database.execute("BEGIN IMMEDIATE")
        (schema,) = database.execute("PRAGMA user_version").fetchone()
        if schema < _SCHEMA:
            database.execute(_TABLE)
            database.execute("CREATE INDEX answers_asked ON answers (asked)")
            database.execute(f"PRAGMA user_version = {_SCHEMA}")
