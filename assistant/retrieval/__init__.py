"""From a query to sections: find candidates, fuse scores, read the best, judge the confidence."""

from assistant.retrieval.judge import (
    JUDGES,
    SIGNALS,
    Background,
    Judge,
    Learned,
    background_signals,
    shipped_judge,
    signals,
)
from assistant.retrieval.passage_reader import Reader, reader_of, reranker_of
from assistant.retrieval.retrieve import FUSED, Found, Fusion, Hit, Query, evidence, fuse
from assistant.retrieval.search_scope import scope
from assistant.retrieval.section_search import find

__all__ = [
    "FUSED",
    "JUDGES",
    "SIGNALS",
    "Background",
    "Found",
    "Fusion",
    "Hit",
    "Judge",
    "Learned",
    "Query",
    "Reader",
    "background_signals",
    "evidence",
    "find",
    "fuse",
    "reader_of",
    "reranker_of",
    "scope",
    "shipped_judge",
    "signals",
]
