"""The reader: the notes as pages, rendered here, readable without scripts."""

from ui.reader.reader_routes import NotesReader, create_reader

__all__ = ["NotesReader", "create_reader"]
