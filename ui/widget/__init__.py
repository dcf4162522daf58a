"""The widget: an HTML element with the assistant, for the pages of other sites."""

from ui.widget.widget_script import create_widget

__all__ = ["create_widget"]
