"""Vectors in Milvus. This room needs the optional package `pymilvus`: import it only on use."""

from index.milvus import remote_index

__all__ = ["remote_index"]
