"""Rules tried by the character that they start with: what is read stays the same."""

from functools import cache
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from index.markdown.dialects.block_syntax import block_plugin
from index.markdown.dialects.front_matter import matter_plugin
from index.markdown.dialects.headings import heading_plugin
from index.markdown.dialects.inline_syntax import inline_plugin
from index.markdown.dialects.rule_starts import start_plugin

PAGES = sorted((Path(__file__).parents[2] / "data" / "dialects").rglob("*.md"))
LINES = [line for page in PAGES for line in page.read_text("utf-8").split("\n")]
STARTS = [
    "# a", "a", "", "===", "---", "- a", "1. a", "2) a", "> a", ">", "    a", "\ta", "```", "~~~",
    "| a | b |", "|---|---|", ": a", "~ a", "$$", "%%", "!!! note", '=== "a"', ":::note", ":::",
    "[^1]: a", "[a]: /b", "[a] [^1] [a](b \"c\")", "<div>", "</div>", "import a from 'b'", "+++",
    "*a* __b__ ~~c~~ `d` \\* &amp; <http://a.b> ![a](b)", "[a-b: *c](d)* ]", "{{< a >}} {#b} $c$",
]  # fmt: skip


@cache
def parsers() -> tuple[MarkdownIt, MarkdownIt]:
    def made() -> MarkdownIt:
        markdown = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
        markdown.use(matter_plugin).use(inline_plugin).use(block_plugin)
        return markdown.use(heading_plugin)

    return made(), made().use(start_plugin)


def read_alike(source: str) -> bool:
    each, by_start = ([t.as_dict() for t in p.parse(source)] for p in parsers())
    return each == by_start


@given(st.lists(st.sampled_from(STARTS) | st.sampled_from(LINES), max_size=12))
def test_made_up_pages_are_read_alike(lines: list[str]) -> None:
    assert read_alike("\n".join(lines))


def test_an_underline_far_below_is_found() -> None:
    page = "a\n" * 250 + "===\n\nb\n"
    assert read_alike(page)
    assert parsers()[1].parse(page)[0].type == "heading_open"
