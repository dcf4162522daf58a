"""Search for search boxes: ranked sections, no confidence; the last word may be unfinished."""

from assistant.searching.search_box import Results, SearchHit, search

__all__ = ["Results", "SearchHit", "search"]
