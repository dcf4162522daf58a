"""Repair of text whose UTF-8 was read in a wrong code page (mojibake)."""

from index.repair import korean, recognise
from index.repair.piece_scores import open_reader
from index.repair.reading_lattice import lattice
from index.repair.repaired import Mending, mend
from index.repair.unreadable import without_unreadable

__all__ = ["Mending", "korean", "lattice", "mend", "open_reader", "recognise", "without_unreadable"]
