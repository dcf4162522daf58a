"""Notes' Markdown to safe HTML, with the words that answer marked."""

from ui.html.highlights import MarkedTokens, kept
from ui.html.markup import BOX, TEXT, TocEntry, render, render_document, render_quote

__all__ = [
    "BOX",
    "TEXT",
    "MarkedTokens",
    "TocEntry",
    "kept",
    "render",
    "render_document",
    "render_quote",
]
