"""The words of pages, in both languages."""

from ui.words.labels import LANGUAGES, in_both_languages, label, page_text

__all__ = ["LANGUAGES", "in_both_languages", "label", "page_text"]
