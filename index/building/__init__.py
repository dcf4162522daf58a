"""A build: from notes to a new version of the index, encoding only what no version has."""

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
