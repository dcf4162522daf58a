"""The chat page."""

from ui.chat.edition import Edition

__all__ = ["Edition"]
