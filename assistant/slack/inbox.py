"""Stores questions from Slack and their states in SQLite: none is answered twice or lost.

DATA_DIR/slack.sqlite3         made at the start, readable by its owner only
DATA_DIR/slack.<owner>.lock    held while a process that answers runs
"""

import json
import os
import sqlite3
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from filelock import FileLock, Timeout

from assistant.answering import MAX_HISTORY, MAX_QUESTION
from index.errors import SettingsError
from index.normalising import composed

FILE = "slack.sqlite3"
_SCHEMA = 1
_BUSY_SECONDS = 5.0
_DAY = 86400.0
# Slack delivers an event again for an hour at most; so long an answer is still of use.
_KEEP_EVENTS = 7 * _DAY
LATEST = 3600.0
_FORGET_EVERY = 3600.0
_TABLES = """
CREATE TABLE events (
    id TEXT PRIMARY KEY, state TEXT NOT NULL, owner TEXT NOT NULL, claimed REAL NOT NULL, ask TEXT
);
CREATE TABLE questions (
    thread TEXT NOT NULL, place REAL NOT NULL, question TEXT NOT NULL, asked REAL NOT NULL,
    PRIMARY KEY (thread, place)
);
CREATE INDEX questions_asked ON questions (asked);
"""

# claimed: nothing was sent; sending: an answer may have reached Slack; done: it has.
State = Literal["claimed", "sending"]


@dataclass(frozen=True)
class Ask:
    """A question from Slack.

    id: of the event or command, the same each time that Slack delivers it. thread: the thread to
    reply in, empty where only the person may see the answer. ts: the timestamp that Slack gave it.
    """

    id: str
    team: str
    channel: str
    user: str
    text: str
    thread: str = ""
    ts: str = ""
    response_url: str = ""

    @property
    def conversation(self) -> str:
        """Return the key that a question shares with its follow-ups."""
        return f"{self.team}:{self.channel}:{self.thread}"


class Inbox:
    """Store that claims each question for one process; safe for threads and processes.

    Questions are kept for `keep_days`, with 0 in memory only: then a question that a killed process
    had claimed is answered when Slack delivers it again, and conversations end with the process.
    """

    def __init__(
        self, data_dir: Path, keep_days: int, clock: Callable[[], float] = time.time
    ) -> None:
        """Open or create the file. Raises SettingsError where it cannot be used."""
        self._keep_seconds = keep_days * _DAY
        self._clock = clock
        self._dir = data_dir
        self._owner = uuid.uuid4().hex
        self._using = threading.Lock()
        self._forgotten = 0.0
        self._released: dict[str, Ask] = {}
        path = data_dir / FILE
        try:
            data_dir.mkdir(parents=True, exist_ok=True)
            with FileLock(data_dir / "slack.lock", _BUSY_SECONDS):
                os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
                self._alive = FileLock(self._lock_file(self._owner), thread_local=False)
                self._alive.acquire(0)
                self._sweep()
                self._database = _open(path)
            # Where questions are not kept, they stay in memory alone.
            self._questions = self._database if keep_days else _in_memory()
        except (OSError, sqlite3.Error, Timeout) as error:
            raise SettingsError(
                f"What Slack asks cannot be kept in {path}: {error}. Free the space, move {FILE}* "
                "away, or name another folder in NOTES_DATA_DIR."
            ) from error

    @property
    def keeps(self) -> bool:
        """Return whether questions outlive the process."""
        return self._keep_seconds > 0

    def claim(self, ask: Ask) -> State | None:
        """Claim a question for this process, and remember it for its conversation.

        Returns None where the question is answered or a living process answers it. Else it returns
        `claimed`, or `sending` where a process died while it sent an answer.
        """
        with self._transaction() as database:
            state = self._claimed(database, ask.id, self._stored(ask))
            if state:
                self._remember(ask)
            return state

    def claim_click(self, id_: str) -> bool:
        """Return whether a click is new, and mark it as done."""
        with self._transaction() as database:
            new = self._claimed(database, id_, None) is not None
            self._set(database, id_, "done")
            return new

    def sending(self, ask: Ask) -> None:
        """Record that an answer is about to be sent."""
        with self._transaction() as database:
            database.execute("UPDATE events SET state = 'sending' WHERE id = ?", (_key(ask.id),))

    def done(self, ask: Ask) -> None:
        """Record that a question is answered, or never will be."""
        with self._transaction() as database:
            self._set(database, ask.id, "done")

    def release(self, ask: Ask) -> None:
        """Give up a question for now: `abandoned` returns it again later."""
        with self._transaction() as database:
            database.execute("UPDATE events SET owner = '' WHERE id = ?", (_key(ask.id),))
            if not self.keeps:
                self._released[_key(ask.id)] = ask

    def abandoned(self) -> list[tuple[Ask, State]]:
        """Claim and return the questions that no living process answers.

        Those older than an hour are marked as done instead.
        """
        found: list[tuple[Ask, State]] = []
        with self._transaction() as database:
            rows = database.execute(
                "SELECT id, state, owner, claimed, ask FROM events "
                "WHERE state != 'done' ORDER BY claimed"
            ).fetchall()
            dead = {owner for owner in {row[2] for row in rows} if not self._lives(owner)}
            for id_, state, owner, claimed, stored in rows:
                if owner not in dead:
                    continue
                released = self._released.pop(id_, None)
                ask = Ask(**json.loads(stored)) if stored else released
                if claimed < self._clock() - LATEST:
                    self._set(database, id_, "done")
                elif ask:
                    database.execute("UPDATE events SET owner = ? WHERE id = ?", (self._owner, id_))
                    found.append((ask, state))
        return found

    def tidy(self) -> None:
        """Delete old entries, if it is time; every other change to the store does so too."""
        with self._transaction():
            pass

    def history(self, ask: Ask) -> tuple[str, ...]:
        """Return the last ten earlier questions of the conversation, oldest first."""
        if not ask.thread:
            return ()
        with self._using:
            rows = self._questions.execute(
                "SELECT question FROM questions WHERE thread = ? AND place < ? "
                "ORDER BY place DESC LIMIT ?",
                (_key(ask.conversation), _place(ask.ts), MAX_HISTORY),
            ).fetchall()
        return tuple(question for (question,) in reversed(rows))

    def close(self) -> None:
        """Close the file; another process may then answer the claimed questions."""
        with self._using:
            self._database.close()
            self._questions.close()
        self._alive.release()
        self._lock_file(self._owner).unlink(missing_ok=True)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._using, self._database:
            self._database.execute("BEGIN IMMEDIATE")
            yield self._database
            self._forget()

    def _claimed(self, database: sqlite3.Connection, id_: str, stored: str | None) -> State | None:
        row = database.execute(
            "SELECT state, owner FROM events WHERE id = ?", (_key(id_),)
        ).fetchone()
        if row is None:
            database.execute(
                "INSERT INTO events VALUES (?, 'claimed', ?, ?, ?)",
                (_key(id_), self._owner, self._clock(), stored),
            )
            return "claimed"
        state, owner = row
        if state == "done" or self._lives(owner):
            return None
        database.execute("UPDATE events SET owner = ? WHERE id = ?", (self._owner, _key(id_)))
        return "sending" if state == "sending" else "claimed"

    def _set(self, database: sqlite3.Connection, id_: str, state: str) -> None:
        # Of what is answered, nothing that was asked stays here.
        database.execute("UPDATE events SET state = ?, ask = NULL WHERE id = ?", (state, _key(id_)))

    def _stored(self, ask: Ask) -> str | None:
        return json.dumps(asdict(ask)) if self.keeps else None

    def _remember(self, ask: Ask) -> None:
        text = composed(ask.text)
        if not ask.thread or not text.strip() or len(text) > MAX_QUESTION:
            return
        self._questions.execute(
            "INSERT OR IGNORE INTO questions VALUES (?, ?, ?, ?)",
            (_key(ask.conversation), _place(ask.ts), text, self._clock()),
        )

    def _forget(self) -> None:
        now = self._clock()
        if now - self._forgotten < _FORGET_EVERY:
            return
        self._forgotten = now
        self._database.execute("DELETE FROM events WHERE claimed < ?", (now - _KEEP_EVENTS,))
        self._database.execute(
            "UPDATE events SET state = 'done', ask = NULL WHERE state != 'done' AND claimed < ?",
            (now - LATEST,),
        )
        kept = self._keep_seconds or _DAY
        self._questions.execute("DELETE FROM questions WHERE asked < ?", (now - kept,))
        if not self.keeps:
            self._database.execute("DELETE FROM questions")
            self._database.execute("UPDATE events SET ask = NULL")

    def _lives(self, owner: str) -> bool:
        """Return whether a process still runs; the system frees its lock when it dies."""
        if owner == self._owner:
            return True
        path = self._lock_file(owner)
        if not owner or not path.exists():
            return False
        try:
            with FileLock(path, 0):
                return False
        except Timeout:
            return True

    def _sweep(self) -> None:
        for path in self._dir.glob("slack.*.lock"):
            if not self._lives(path.name.split(".")[1]):
                path.unlink(missing_ok=True)

    def _lock_file(self, owner: str) -> Path:
        return self._dir / f"slack.{owner}.lock"


def _open(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(
        path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    database.execute("PRAGMA synchronous = FULL")
    database.execute("PRAGMA secure_delete = ON")
    database.execute("PRAGMA journal_mode = WAL")
    (schema,) = database.execute("PRAGMA user_version").fetchone()
    if schema > _SCHEMA:
        database.close()
        raise sqlite3.DatabaseError(f"it has schema {schema}, of a newer release")
    if schema < _SCHEMA:
        database.executescript(f"BEGIN;{_TABLES}PRAGMA user_version = {_SCHEMA};COMMIT;")
    return database


def _in_memory() -> sqlite3.Connection:
    database = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    database.executescript(_TABLES)
    return database


def _key(id_: str) -> str:
    return composed(id_)[:300]


def _place(ts: str) -> float:
    try:
        return float(ts)
    except ValueError:
        return 0.0
