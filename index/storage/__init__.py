"""The index on disk: immutable versions, their contents, and a pointer to the current one."""

from index.storage import contents, store
from index.storage.contents import Contents, Notes
from index.storage.store import KEPT, REBUILD, Manifest, Snapshot

__all__ = ["KEPT", "REBUILD", "Contents", "Manifest", "Notes", "Snapshot", "contents", "store"]
