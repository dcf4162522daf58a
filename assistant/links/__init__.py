"""Links to sections and to the very words in them, and addresses that site generators give."""

from assistant.links.section_links import READER, check_template, highlight_url, section_url

__all__ = ["READER", "check_template", "highlight_url", "section_url"]
