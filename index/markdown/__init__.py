"""Markdown to sections, passages and lines, each with its exact position in the file."""

from index.markdown import html_words, notes
from index.markdown.block_lines import BlockReader, Group
from index.markdown.commonmark import (
    WORD,
    closing,
    github_parser,
    heading_anchors,
    link_target,
    parser,
    plain,
    readable,
    second_anchors,
    term_anchors,
)
from index.markdown.html_ids import Tag, tags
from index.markdown.html_words import APART
from index.markdown.notes import DOUBTFUL, Block, Document, Line, Mended, Passage, Section
from index.markdown.passage_splitting import embedded_text, heading_path, passages
from index.markdown.references import reference_definitions, used_references, written_out
from index.markdown.sections import Parsed, parse

__all__ = [
    "APART",
    "DOUBTFUL",
    "WORD",
    "Block",
    "BlockReader",
    "Document",
    "Group",
    "Line",
    "Mended",
    "Parsed",
    "Passage",
    "Section",
    "Tag",
    "closing",
    "embedded_text",
    "github_parser",
    "heading_anchors",
    "heading_path",
    "html_words",
    "link_target",
    "notes",
    "parse",
    "parser",
    "passages",
    "plain",
    "readable",
    "reference_definitions",
    "second_anchors",
    "tags",
    "term_anchors",
    "used_references",
    "written_out",
]
