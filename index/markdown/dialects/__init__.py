"""Markdown dialects: the additions of site generators and editors, as rules of one parser."""

from index.markdown.dialects import front_matter, tag_words
from index.markdown.dialects.anchors import slug, unique
from index.markdown.dialects.block_syntax import CONTAINER, block_plugin
from index.markdown.dialects.cjk_emphasis import MARK, emphasis_plugin
from index.markdown.dialects.front_matter import MatterError, matter_plugin
from index.markdown.dialects.headings import explicit, heading_plugin
from index.markdown.dialects.inline_syntax import BLOCK_ID, MATH, WIKI, inline_plugin
from index.markdown.dialects.rule_starts import start_plugin

__all__ = [
    "BLOCK_ID",
    "CONTAINER",
    "MARK",
    "MATH",
    "WIKI",
    "MatterError",
    "block_plugin",
    "emphasis_plugin",
    "explicit",
    "front_matter",
    "heading_plugin",
    "inline_plugin",
    "matter_plugin",
    "slug",
    "start_plugin",
    "tag_words",
    "unique",
]
