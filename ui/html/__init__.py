"""Notes' Markdown to safe HTML, with the words that answer marked."""

from ui.html.highlights import Page, kept
from ui.html.markup import BOX, TEXT, TocEntry, render, render_document, render_quote

__all__ = ["BOX", "TEXT", "Page", "TocEntry", "kept", "render", "render_document", "render_quote"]
