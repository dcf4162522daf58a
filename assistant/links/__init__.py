"""Links to sections and to the exact words in them, also on sites made by site generators."""

from assistant.links.section_links import READER, check_template, highlight_url, section_url

__all__ = ["READER", "check_template", "highlight_url", "section_url"]
