"""Vectors in Milvus. Importing this room needs `pymilvus`, an extra: import it where it is used."""

from index.milvus import remote_index

__all__ = ["remote_index"]
