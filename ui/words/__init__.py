"""The words of pages, in both languages."""

from ui.words.labels import LANGUAGES, both, label, text

__all__ = ["LANGUAGES", "both", "label", "text"]
