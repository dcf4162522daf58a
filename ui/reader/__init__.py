"""The reader: the notes as web pages, rendered on the server, readable without scripts."""

from ui.reader.reader_routes import NotesReader, create_reader

__all__ = ["NotesReader", "create_reader"]
