"""The index on disk: immutable versions, what they hold, and which of them is current."""

from index.storage import contents, store
from index.storage.contents import Contents, Notes
from index.storage.store import KEPT, REBUILD, Manifest, Snapshot

__all__ = ["KEPT", "REBUILD", "Contents", "Manifest", "Notes", "Snapshot", "contents", "store"]
