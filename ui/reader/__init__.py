"""The reader: the notes as pages, rendered here, readable without scripts."""

from ui.reader.reader_routes import Reader, create_reader

__all__ = ["Reader", "create_reader"]
