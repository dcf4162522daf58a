"""The words of pages, in both languages."""

from ui.wording.labels import LANGUAGES, in_both_languages, label, page_text

__all__ = ["LANGUAGES", "in_both_languages", "label", "page_text"]
