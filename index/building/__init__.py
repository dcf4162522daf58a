"""A build: it turns notes into a new version of the index and encodes only new texts."""

from index.building import build_lock
from index.building.embedding_cache import Progress
from index.building.index_build import (
    Draft,
    announced,
    build,
    fingerprint,
    follow,
    parser_fingerprint,
    unchanged,
)

__all__ = [
    "Draft",
    "Progress",
    "announced",
    "build",
    "build_lock",
    "fingerprint",
    "follow",
    "parser_fingerprint",
    "unchanged",
]
