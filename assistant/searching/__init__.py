"""Ranked sections for search boxes: no judgement, words may be unfinished."""

from assistant.searching.search_box import Results, SearchHit, search

__all__ = ["Results", "SearchHit", "search"]
