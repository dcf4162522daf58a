"""Renders Markdown of the notes as safe HTML, with the answering words marked."""

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
