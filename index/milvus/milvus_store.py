"""A store of vectors in Milvus, a separate server, for indexes too large for one machine.

The vectors also stay on disk beside the rest of the index; scores are computed from these.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import grpc
import numpy as np
from pymilvus import DataType, MilvusClient, MilvusException

from index.arrays import Floats, Ints, Ranges
from index.errors import StoreAway
from index.vectors import BREADTH, LINKS, FlatStore, products, ranked

# A question waits no longer; then others are refused at once, until one that tries gets through.
_SECONDS = 2.0
_PAUSE = 1.0
# pymilvus tries again with back-off for as long.
_UPLOAD_SECONDS = 120.0
_BATCH = 2_000
_WIDTH = 1600
# A longer filter costs more to read than the vectors to compare.
_MOST_RANGES = 500
_NOT_LOADED = 101
_FIELD = "vector"
_T = TypeVar("_T")


class Milvus:
    """A client of a Milvus server or of a Milvus Lite file.

    It connects on first use and reconnects by itself. Every method raises StoreAway if the server
    does not answer.
    """

    def __init__(self, uri: str, token: str = "", seconds: float = _SECONDS) -> None:
        """uri, token: address and credentials of the server. seconds: the timeout of a search."""
        self._seconds = seconds
        self._uri = uri
        self._token = token
        self._connected: Any = None
        self._lock = threading.Lock()
        self._away = False
        self._again = 0.0
        # It logs each failure with its traceback; here it is said once, by whoever asked.
        logging.getLogger("pymilvus").setLevel(logging.CRITICAL)

    def search(
        self, collection: str, vector: Floats, count: int, condition: str = "", probe: bool = False
    ) -> Ints:
        """Return the rows of the nearest vectors, at most `count`, best first.

        condition: a Milvus filter. probe: whether to ask even while other searches are refused.
        """
        found = (self._asked if probe else self._turned)(
            lambda client: client.search(
                collection,
                [vector],
                limit=count,
                filter=condition,
                anns_field=_FIELD,
                search_params={"metric_type": "IP", "params": {"ef": max(_WIDTH, count)}},
                # What is searched does not change.
                consistency_level="Eventually",
                timeout=self._seconds,
            )
        )
        return np.array(found[0].ids, np.int32)

    def patient(self) -> "Milvus":
        """Return a client with a long timeout, for builds: after an upload Milvus is slow."""
        return Milvus(self._uri, self._token, _UPLOAD_SECONDS)

    def load(self, collection: str, seconds: float = _UPLOAD_SECONDS) -> None:
        """Load a collection into memory, where it can be searched; seconds: the timeout."""
        self._asked(lambda client: client.load_collection(collection, timeout=seconds))

    def upload(self, collection: str, vectors: Floats, exact: bool) -> None:
        """Write vectors into a new collection, and return once they are indexed and loaded.

        exact: whether a search compares all vectors instead of using a graph.
        """

        def write(client: Any) -> None:
            client.drop_collection(collection, timeout=_UPLOAD_SECONDS)
            schema = MilvusClient.create_schema(auto_id=False)
            schema.add_field("row", DataType.INT64, is_primary=True)
            schema.add_field(_FIELD, DataType.FLOAT_VECTOR, dim=vectors.shape[1])
            client.create_collection(collection, schema=schema, timeout=_UPLOAD_SECONDS)
            for start in range(0, len(vectors), _BATCH):
                rows = enumerate(vectors[start : start + _BATCH], start)
                entries = [{"row": row, _FIELD: vector} for row, vector in rows]
                client.upsert(collection, entries, timeout=_UPLOAD_SECONDS)
            client.flush(collection, timeout=_UPLOAD_SECONDS)
            self._index(client, collection, exact)

        self._asked(write)

    def compare_all(self, collection: str) -> None:
        """Change the index of a collection to exact search."""

        def index(client: Any) -> None:
            client.release_collection(collection, timeout=_UPLOAD_SECONDS)
            client.drop_index(collection, _FIELD, timeout=_UPLOAD_SECONDS)
            self._index(client, collection, exact=True)

        self._asked(index)

    def point(self, alias: str, collection: str) -> None:
        """Point an alias to a collection; the alias is created if it does not exist."""

        def switch(client: Any) -> None:
            try:
                client.alter_alias(collection, alias, timeout=_UPLOAD_SECONDS)
            except MilvusException:
                client.create_alias(collection, alias, timeout=_UPLOAD_SECONDS)

        self._asked(switch)

    def keep(self, prefix: str, kept: Sequence[str], loaded: Sequence[str]) -> None:
        """Drop the collections with the prefix except `kept`; release those not in `loaded`."""

        def sweep(client: Any) -> None:
            for name in client.list_collections(timeout=_UPLOAD_SECONDS):
                if name.startswith(prefix) and name not in kept:
                    client.drop_collection(name, timeout=_UPLOAD_SECONDS)
                elif name.startswith(prefix) and name not in loaded:
                    client.release_collection(name, timeout=_UPLOAD_SECONDS)

        self._asked(sweep)

    def alias(self, name: str) -> str:
        """Return the name of the collection that an alias points to."""
        found: str = self._asked(
            lambda client: client.describe_alias(name, timeout=_SECONDS)["collection_name"]
        )
        return found

    def has(self, collection: str) -> bool:
        """Return whether the collection exists."""
        found: bool = self._asked(
            lambda client: client.has_collection(collection, timeout=_SECONDS)
        )
        return found

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            if self._connected:
                self._connected.close()
            self._connected = None

    def _index(self, client: Any, collection: str, exact: bool) -> None:
        index = client.prepare_index_params()
        kind = {"index_type": "FLAT"} if exact else {
            "index_type": "HNSW", "params": {"M": LINKS, "efConstruction": BREADTH}
        }  # fmt: skip
        index.add_index(_FIELD, metric_type="IP", **kind)
        client.create_index(collection, index, timeout=_UPLOAD_SECONDS * 10)
        # It is said to be there while parts are merged and indexed anew, which are compared one by
        # one until then: what the graph finds could not be measured.
        end = time.monotonic() + _UPLOAD_SECONDS * 10
        while _unindexed(client, collection) and time.monotonic() < end:
            time.sleep(_PAUSE)
        client.load_collection(collection, timeout=_UPLOAD_SECONDS * 10)

    def _turned(self, work: Callable[[Any], _T]) -> _T:
        """Return the result of `work`; while the server is away, only one caller a second tries."""
        with self._lock:
            if self._away and time.monotonic() < self._again:
                raise StoreAway(self._said("has not answered lately"))
            self._again = time.monotonic() + _PAUSE
        return self._asked(work)

    def _asked(self, work: Callable[[Any], _T]) -> _T:
        try:
            found = work(self._client())
        except (MilvusException, grpc.RpcError) as error:
            with self._lock:
                self._away = True
                self._again = time.monotonic() + _PAUSE
            raise StoreAway(self._said(f"does not answer ({error})")) from error
        self._away = False
        return found

    def _client(self) -> Any:
        with self._lock:
            if not self._connected:
                self._connected = MilvusClient(
                    self._uri,
                    token=self._token,
                    timeout=_SECONDS,
                    dedicated=True,
                    # Once it is back, it is found within a second.
                    grpc_options={
                        "grpc.initial_reconnect_backoff_ms": 200,
                        "grpc.max_reconnect_backoff_ms": 1000,
                        # Milvus Lite hangs up on whoever asks more often whether it is there.
                        "grpc.keepalive_time_ms": 300_000,
                        "grpc.keepalive_permit_without_calls": 0,
                    },
                )
            return self._connected

    def _said(self, what: str) -> str:
        place = self._uri.rpartition("@")[2]
        return f"Milvus at {place} {what}. Questions wait for it; it is tried again by itself."


@dataclass(frozen=True, eq=False)
class MilvusStore:
    """A store that Milvus searches. vectors: float32 (rows, dimension), mapped from disk."""

    vectors: Floats
    milvus: Milvus
    collection: str

    def search(
        self, vector: Floats, count: int, within: Ranges | None = None
    ) -> tuple[Floats, Ints]:
        """Return the scores and rows of the nearest vectors that Milvus finds; see Store.

        Raises StoreAway.
        """
        if within is not None and len(within) > _MOST_RANGES:
            return FlatStore(self.vectors).search(vector, count, within)
        size = len(self.vectors) if within is None else int((within[:, 1] - within[:, 0]).sum())
        count = min(count, size)
        if not count:
            return np.zeros(0, np.float32), np.zeros(0, np.int32)
        condition = "" if within is None else _condition(within)
        rows = self.milvus.search(self.collection, vector, count, condition)
        # A server that is starting may not have all of its parts yet; a graph may lead to too few
        # that the filter lets through.
        if len(rows) < count and within is None:
            raise StoreAway(f"Milvus found {len(rows)} vectors of {count} in {self.collection}.")
        if len(rows) < count:
            return FlatStore(self.vectors).search(vector, count, within)
        return ranked(products(self.vectors, rows, vector), rows, count)

    def check(self) -> None:
        """Do nothing if Milvus can search the collection, else raise StoreAway.

        If the collection is not in memory, it is loaded before the error is raised.
        """
        try:
            found = self.milvus.search(self.collection, self.vectors[0], 1, probe=True)
        except StoreAway as error:
            if getattr(error.__cause__, "code", None) == _NOT_LOADED:
                self.milvus.load(self.collection, _SECONDS)
            raise
        if not len(found):
            raise StoreAway(f"Milvus has no vectors yet in {self.collection}.")


def _unindexed(client: Any, collection: str) -> int:
    """Return the number of vectors that are not indexed yet; always 0 for Milvus Lite."""
    found = client.describe_index(collection, _FIELD, timeout=_UPLOAD_SECONDS)
    return int(found.get("pending_index_rows", 0))


def _condition(within: Ranges) -> str:
    return " or ".join(f"(row >= {start} and row < {end})" for start, end in within.tolist())
