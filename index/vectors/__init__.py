"""Vectors and token embeddings: their storage and their search, exact, by a graph or by MaxSim."""

from index.vectors import passage_vectors, token_embeddings
from index.vectors.flat import FlatStore
from index.vectors.hnsw import BREADTH, EXACT, LINKS, RECALL, graph_recall
from index.vectors.passage_vectors import WHOLE, Vectors, vectors_of, with_graph
from index.vectors.plain import products
from index.vectors.store_protocol import ranked
from index.vectors.token_embeddings import (
    COMPONENTS,
    HEADING,
    PRINCIPAL,
    Alignment,
    Bytes,
    Int64s,
    Projection,
    Segment,
    TokenEmbeddings,
    learned_projection,
)

__all__ = [
    "BREADTH",
    "COMPONENTS",
    "EXACT",
    "HEADING",
    "LINKS",
    "PRINCIPAL",
    "RECALL",
    "WHOLE",
    "Alignment",
    "Bytes",
    "FlatStore",
    "Int64s",
    "Projection",
    "Segment",
    "TokenEmbeddings",
    "Vectors",
    "graph_recall",
    "learned_projection",
    "passage_vectors",
    "products",
    "ranked",
    "token_embeddings",
    "vectors_of",
    "with_graph",
]
