"""A journal of encoded texts on disk, so that a build that ends early loses at most one batch.

A build takes most encodings from the version before it. The journal holds those that the version
lacks, until the next version has them, and the questions that every build needs.
"""

import hashlib
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np

from index.arrays import Floats
from index.encoding import Encoder, Encoding, Weights
from index.encoding.model import STATE_LAYERS
from index.errors import IndexUnusable

FILE = "encoded.sqlite"
_TABLE = """
CREATE TABLE IF NOT EXISTS encoded
  (kind TEXT, key BLOB, vector BLOB, states BLOB, places BLOB, PRIMARY KEY (kind, key))
  WITHOUT ROWID
"""
_BATCH = 64
_KEY_BYTES = 16

Kind = Literal["query", "passage", "line"]
Row: TypeAlias = tuple[bytes, bytes, bytes]
Progress: TypeAlias = Callable[[int, int], None]


def key(weights: Weights, text: str) -> bytes:
    """Return a hash, 16 bytes, of a text and of the weights that encode it."""
    said = "\0".join([weights.fingerprint, weights.pooling, weights.query_prompt,
                      weights.passage_prompt, text])  # fmt: skip
    return hashlib.blake2b(said.encode("utf-8", "surrogatepass"), digest_size=_KEY_BYTES).digest()


@dataclass(frozen=True)
class Journal:
    """The journal of one builder; the build lock keeps other processes away."""

    connection: sqlite3.Connection

    def get(self, kind: Kind, keys: Iterable[bytes]) -> dict[bytes, Row]:
        """Return the stored rows by key; keys without a row are left out."""
        select = "SELECT vector, states, places FROM encoded WHERE kind = ? AND key = ?"
        found = ((key, self.connection.execute(select, (kind, key)).fetchone()) for key in keys)
        return {key: row for key, row in found if row}

    def put(self, kind: Kind, rows: Mapping[bytes, Row]) -> None:
        """Store rows by key; they are on disk when this method returns."""
        insert = "INSERT OR REPLACE INTO encoded VALUES (?, ?, ?, ?, ?)"
        with self.connection:
            self.connection.executemany(insert, [(kind, key, *row) for key, row in rows.items()])

    def forget(self, questions: Iterable[bytes]) -> None:
        """Delete everything except these questions: a version now holds the rest."""
        with self.connection:
            self.connection.execute("CREATE TEMP TABLE IF NOT EXISTS used (key BLOB PRIMARY KEY)")
            self.connection.execute("DELETE FROM used")
            self.connection.executemany(
                "INSERT OR IGNORE INTO used VALUES (?)", [(key,) for key in questions]
            )
            self.connection.execute(
                "DELETE FROM encoded WHERE kind <> 'query' OR key NOT IN (SELECT key FROM used)"
            )
        self.connection.execute("VACUUM")


@contextmanager
def opened(data_dir: Path) -> Iterator[Journal]:
    """Open the journal; a damaged one is replaced by an empty one. Raises IndexUnusable."""
    data_dir.mkdir(parents=True, exist_ok=True)
    path = data_dir / FILE
    try:
        with closing(_connected(path)) as connection:
            yield Journal(connection)
    except sqlite3.Error as error:
        raise IndexUnusable(
            f"What is encoded cannot be kept in {path}: {error}. The old index is untouched. Free "
            "the space, or name another folder in NOTES_DATA_DIR; then build again."
        ) from error


def _connected(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path)
    try:
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(_TABLE)
        if connection.execute("PRAGMA quick_check").fetchone() == ("ok",):
            return connection
    except sqlite3.OperationalError:
        # No room, or no right to write: what is kept is not at fault.
        connection.close()
        raise
    except sqlite3.DatabaseError:
        pass
    connection.close()
    path.unlink()
    connection = sqlite3.connect(path)
    connection.execute(_TABLE)
    return connection


class Counter:
    """A counter that reports the number of encoded passages and lines, and their total."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._done = self._total = 0

    def expect(self, count: int) -> None:
        """Add a number of texts to the total."""
        self._total += count

    def done(self, count: int) -> None:
        """Count texts as encoded, whether just now or in an earlier build, and report."""
        if count:
            self._done += count
            self._progress(self._done, self._total)


@dataclass(frozen=True)
class CachedEncoder:
    """An encoder with a journal: texts that the journal holds are not encoded again.

    used: the keys of the questions that this build requested.
    """

    encoder: Encoder
    journal: Journal
    counter: Counter
    used: set[bytes] = field(default_factory=set)

    def questions(self, texts: Sequence[str]) -> list[Encoding]:
        """Return the encodings of questions, in order; the journal keeps states as float16."""
        # Rows that other layers' states were kept in are not taken for these.
        keys = [key(self.encoder.weights, f"{STATE_LAYERS}\0{text}") for text in texts]
        self.used.update(keys)
        return [self._encoding(row) for row in self._rows("query", texts, keys)]

    def passages(self, batch: Mapping[bytes, str]) -> Iterator[tuple[bytes, Encoding]]:
        """Yield the key and the encoding of each passage; these are not read from the journal."""
        yield from zip(batch, self.encoder.encode(list(batch.values()), "passage"), strict=True)

    def lines(self, texts: Sequence[str], keys: Sequence[bytes]) -> Floats:
        """Return the vectors of lines, float32 (lines, dimension)."""
        rows = self._rows("line", texts, keys)
        found = [np.frombuffer(vector, np.float32) for vector, _, _ in rows]
        return np.stack(found) if found else np.zeros((0, self.encoder.weights.dimension), "f4")

    def _rows(self, kind: Kind, texts: Sequence[str], keys: Sequence[bytes]) -> list[Row]:
        found = self.journal.get(kind, keys)
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in found}
        if kind == "line":
            self.counter.done(len(texts) - len(missing))
        how: Literal["query", "passage"] = "query" if kind == "query" else "passage"
        for batch in batches(missing):
            encodings = self.encoder.encode(list(batch.values()), how)
            rows = {
                key: _row(encoding, whole=kind != "line")
                for key, encoding in zip(batch, encodings, strict=True)
            }
            self.journal.put(kind, rows)
            found |= rows
            if kind == "line":
                self.counter.done(len(batch))
        return [found[key] for key in keys]

    def _encoding(self, row: Row) -> Encoding:
        vector, sentence_embedding = np.split(
            np.frombuffer(row[0], np.float32), [self.encoder.weights.dimension]
        )
        offsets = np.frombuffer(row[2], np.int32).reshape(-1, 2)
        states = np.frombuffer(row[1], np.float16).reshape(len(offsets), -1).astype(np.float32)
        return Encoding(vector, states, offsets, sentence_embedding)


def batches(texts: Mapping[bytes, str]) -> Iterator[dict[bytes, str]]:
    """Yield the texts in batches: a build that ends early loses at most one of them."""
    items = list(texts.items())
    for start in range(0, len(items), _BATCH):
        yield dict(items[start : start + _BATCH])


def _row(encoding: Encoding, whole: bool) -> Row:
    if not whole:
        return encoding.vector.astype(np.float32).tobytes(), b"", b""
    states = encoding.states.astype(np.float16)
    vectors = np.concatenate([encoding.vector, encoding.sentence_embedding]).astype(np.float32)
    return vectors.tobytes(), states.tobytes(), encoding.offsets.tobytes()
