"""The Milvus that is set, one connection for all of a process."""

from functools import cache
from typing import TYPE_CHECKING

from assistant.settings import Settings
from index.errors import SettingsError
from index.storage import Snapshot

if TYPE_CHECKING:
    from index.milvus.milvus_store import Milvus


def milvus(settings: Settings) -> "Milvus | None":
    """Return the Milvus that is set, None where none is. Raises SettingsError."""
    return _milvus(settings.milvus_uri, settings.milvus_token) if settings.milvus_uri else None


def attached(snapshot: Snapshot, store: "Milvus | None") -> Snapshot:
    """Return a version as it is searched: by Milvus where there is one."""
    if store is None:
        return snapshot
    from index.milvus import remote_index

    return remote_index.attached(snapshot, store)


def check(snapshot: Snapshot) -> None:
    """Return where questions to a version are answered. Raises StoreAway."""
    from index.milvus.milvus_store import MilvusStore

    store = snapshot.contents.vectors.store
    if isinstance(store, MilvusStore):
        store.check()


@cache
def _milvus(uri: str, token: str) -> "Milvus":
    try:
        from index.milvus.milvus_store import Milvus
    except ImportError as error:
        raise SettingsError(
            f"NOTES_MILVUS_URI is {uri!r}, and what talks to Milvus is not installed: "
            "pip install 'notes-assistant[milvus]'"
        ) from error
    return Milvus(uri, token)
