"""Assembles the program: builds the index, serves everything in one process, watches notes."""

from ui.app import server

__all__ = ["server"]
