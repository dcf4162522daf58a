"""API keys: one SQLite file in the data folder, seen by every process as it stands now.

A key is shown once, as `notes_<id>_<secret>`; the file holds the SHA-256 of the secret only. A
slow, salted hash is for passwords, which people choose and others guess: a secret of 256 random
bits cannot be guessed, so one SHA-256 keeps it as well and costs a request next to nothing.

Every call opens the file anew, so that a key made or revoked by another process counts from the
next request on, and nothing is shared between threads.
"""

import hashlib
import hmac
import os
import re
import secrets
import sqlite3
import unicodedata
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal, get_args

from filelock import FileLock

from index.errors import KeyRefused, KeysUnusable, UnknownName

Scope = Literal["ask", "feedback", "admin"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
MAX_NAME = 60

_ID = re.compile(r"[0-9a-f]{8}")
_PRESENTED = re.compile(r"notes_([0-9a-f]{8})_([A-Za-z0-9_-]{43})")
# Compared with where there is no such id, so that the answer takes as long; no secret hashes to it.
_NO_HASH = bytes(32)
_SCHEMA = """
CREATE TABLE keys (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, scopes TEXT NOT NULL, hash BLOB NOT NULL,
    created TEXT NOT NULL, revoked TEXT
);
CREATE UNIQUE INDEX valid_names ON keys (name) WHERE revoked IS NULL;
"""


@dataclass(frozen=True)
class Key:
    """The record of a key, without its secret; times are UTC."""

    id: str
    name: str
    scopes: frozenset[Scope]
    created: datetime
    revoked: datetime | None

    def allows(self, scope: Scope) -> bool:
        """Return whether the key has this scope; admin includes the others."""
        return scope in self.scopes or "admin" in self.scopes


@dataclass(frozen=True)
class Keys:
    """The keys of one data folder.

    Every method raises KeysUnusable when the file cannot be used. A missing file means no keys.
    """

    data_dir: Path

    @property
    def path(self) -> Path:
        """Return the path of the file that holds the keys."""
        return self.data_dir / "keys.sqlite3"

    def create(self, name: str, scopes: Collection[str]) -> str:
        """Create a key and return it in full, `notes_<id>_<secret>`: it cannot be shown again.

        Raises KeyRefused when the name is invalid or taken, or a scope does not exist.
        """
        name = unicodedata.normalize("NFC", name)
        _check(name, scopes)
        id_, secret = secrets.token_hex(4), secrets.token_urlsafe(32)
        row = (id_, name, " ".join(sorted(set(scopes))), _hash(secret), _now())
        with _reported(self.path):
            if not self.path.exists():
                _make(self.path)
            with _open(self.path) as connection:
                try:
                    connection.execute("INSERT INTO keys VALUES (?, ?, ?, ?, ?, NULL)", row)
                except sqlite3.IntegrityError:
                    raise KeyRefused(
                        f"There is a valid key {name!r} already. Choose another name, or revoke "
                        "that key first."
                    ) from None
        return f"notes_{id_}_{secret}"

    def listed(self) -> list[Key]:
        """Return every key ever made, oldest first."""
        return [key for key, _ in self._select("SELECT * FROM keys ORDER BY rowid")]

    def revoke(self, id_or_name: str) -> None:
        """Make a key invalid at once, for running servers too.

        Raises UnknownName when no valid key has this id or name.
        """
        wanted = unicodedata.normalize("NFC", id_or_name)
        with _reported(self.path):
            # What cannot be printed is no name, and may be nothing that SQLite can compare.
            if wanted.isprintable() and self.path.exists():
                with _open(self.path) as connection:
                    done = connection.execute(
                        "UPDATE keys SET revoked = ? "
                        "WHERE (id = ? OR name = ?) AND revoked IS NULL",
                        (_now(), wanted, wanted),
                    )
                    if done.rowcount:
                        return
        raise UnknownName(
            f"There is no valid key {id_or_name!r}. `notes keys list` shows their ids and names.",
            "key",
        )

    def find(self, presented: str) -> Key | None:
        """Return the record of a presented key, or None where the key is not valid."""
        parts = _PRESENTED.fullmatch(presented)
        if parts is None:
            return None
        found = self._select("SELECT * FROM keys WHERE id = ?", parts[1])
        key, expected = found[0] if found else (None, _NO_HASH)
        same = hmac.compare_digest(expected, _hash(parts[2]))
        return key if same and key and key.revoked is None else None

    def any_valid(self) -> bool:
        """Return whether any key exists that was not revoked."""
        return bool(self._select("SELECT * FROM keys WHERE revoked IS NULL LIMIT 1"))

    def _select(self, statement: str, *values: str) -> list[tuple[Key, bytes]]:
        with _reported(self.path):
            if not self.path.exists():
                return []
            with _open(self.path) as connection:
                return [_read(row) for row in connection.execute(statement, values)]


@contextmanager
def _reported(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, sqlite3.Error, TypeError, ValueError) as error:
        raise KeysUnusable(
            f"The API keys in {path} cannot be used: {error}. Let this user read and write the "
            "file and its folder, or put a backup in its place; without one, move the file away "
            "and make new keys."
        ) from error


@contextmanager
def _open(path: Path) -> Iterator[sqlite3.Connection]:
    # Never creates the file; unlike read-only, it can undo what a killed writer left half done.
    where = f"{path.absolute().as_uri()}?mode=rw"
    with closing(sqlite3.connect(where, uri=True, isolation_level=None)) as connection:
        connection.row_factory = sqlite3.Row
        yield connection


def _make(path: Path) -> None:
    """Create a file without keys in one step, so that no process sees it without its table."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_suffix(".lock")), TemporaryDirectory(dir=path.parent) as folder:
        if path.exists():
            return
        new = Path(folder) / path.name
        os.close(os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        with _open(new) as connection:
            connection.executescript(_SCHEMA)
        new.replace(path)


def _read(row: sqlite3.Row) -> tuple[Key, bytes]:
    scopes = frozenset(scope for scope in SCOPES if scope in row["scopes"].split())
    revoked = None if row["revoked"] is None else datetime.fromisoformat(row["revoked"])
    created = datetime.fromisoformat(row["created"])
    if not isinstance(row["hash"], bytes) or len(row["hash"]) != len(_NO_HASH):
        raise ValueError(f"the key {row['id']!r} has no hash")
    return Key(row["id"], row["name"], scopes, created, revoked), row["hash"]


def _check(name: str, scopes: Collection[str]) -> None:
    if not 1 <= len(name) <= MAX_NAME or not name.isprintable() or name != name.strip():
        raise KeyRefused(
            f"A key cannot be called {name[: MAX_NAME + 1]!r}: use 1 to {MAX_NAME} characters, "
            "none of them invisible, with no space at either end."
        )
    if _ID.fullmatch(name):
        raise KeyRefused(f"A key cannot be called {name!r}: that could be another key's id.")
    if not scopes or not set(scopes) <= set(SCOPES):
        raise KeyRefused(
            f"A key cannot have the scopes {', '.join(scopes) or '(none)'}: "
            f"choose from {', '.join(SCOPES)}."
        )


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
