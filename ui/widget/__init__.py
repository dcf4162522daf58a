"""The assistant as an element for the pages of other sites."""

from ui.widget.widget_script import create_widget

__all__ = ["create_widget"]
