"""The labels of the pages, in Korean and English."""

from ui.wording.labels import LANGUAGES, in_both_languages, label, page_text

__all__ = ["LANGUAGES", "in_both_languages", "label", "page_text"]
