"""The connection to the Milvus of the settings, one for the whole process."""

from functools import cache
from typing import TYPE_CHECKING

from assistant.settings import Settings
from index.errors import SettingsError
from index.storage import Snapshot

if TYPE_CHECKING:
    from index.milvus.milvus_store import Milvus


def milvus(settings: Settings) -> "Milvus | None":
    """Return the Milvus of the settings, None where none is set.

    Raises SettingsError where the extra `milvus` is not installed.
    """
    return _milvus(settings.milvus_uri, settings.milvus_token) if settings.milvus_uri else None


def attached(snapshot: Snapshot, store: "Milvus | None") -> Snapshot:
    """Return the version with its vectors searched by Milvus, or unchanged without a store."""
    if store is None:
        return snapshot
    from index.milvus import remote_index

    return remote_index.attached(snapshot, store)


def check(snapshot: Snapshot) -> None:
    """Raise StoreAway if the store of a version's vectors cannot be reached."""
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
