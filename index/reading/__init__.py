"""Folders of notes on disk: the files that are notes, their text, and the targets of links."""

from index.reading import corpus, note_files
from index.reading.corpus import GLOSSARY, Collection, document_hash
from index.reading.decoding import Undecodable, decode
from index.reading.link_targets import Folder, Target, is_home
from index.reading.note_files import SUFFIXES, Chosen, chosen, find, folder_of
from index.reading.processes import each_in_processes

__all__ = [
    "GLOSSARY",
    "SUFFIXES",
    "Chosen",
    "Collection",
    "Folder",
    "Target",
    "Undecodable",
    "chosen",
    "corpus",
    "decode",
    "document_hash",
    "each_in_processes",
    "find",
    "folder_of",
    "is_home",
    "note_files",
]
