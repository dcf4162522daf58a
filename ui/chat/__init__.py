"""The chat page."""

from ui.chat.edition import ChatEdition

__all__ = ["ChatEdition"]
