"""Notes' Markdown as HTML: marks true to the character, anchors as GitHub's, nothing harmful."""

from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.answering.answer import Highlight
from index.markdown.notes import Line
from index.markdown.sections import parse
from ui.html.markup import render, render_document, render_quote

DOCKER = (Path(__file__).parents[3] / "corpus" / "docker.md").read_text()
ROW = "| **보안** | 높다 \\| `a` | 약하다 |"
TABLE = f"| 구분 | VM | Docker |\n| --- | --- | ---: |\n{ROW}\n| x | y | z |"
FENCE = '- 예시\n\n  ```python\n  if a < b:\n      print("<b>")\n  ```\n'


class Read(HTMLParser):
    """What a browser would take from HTML: tags with attributes, text, and text in marks."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.text = ""
        self.marked: list[str] = []
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in ("br", "hr"):
            self.open.append(tag)
        if tag == "mark":
            self.marked.append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data
        if "mark" in self.open:
            self.marked[-1] += data


def span(markdown: str, words: str) -> Highlight:
    start = markdown.index(words)
    return Highlight(start, start + len(words))


def squeezed(text: str) -> str:
    return "".join(text.split())


@pytest.mark.parametrize(
    ("markdown", "words", "expected"),
    [
        ("하나. **둘은 `b`다.** 셋.", "**둘은 `b`다.**", ["둘은 ", "b", "다."]),
        ('말, **"It works"**(왜?) 끝.', '**"It works"**(왜?)', ['"It works"', "(왜?)"]),
        ("🐳👩‍💻 앞. 답이다. 뒤.", "답이다.", ["답이다."]),
        ('[답](#답 "답") 답이다.', "답이다.", ["답이다."]),
        ("a\\*b &amp; *c* `d` e", "b &amp; *c*", ["b & ", "c"]),
        ("앞줄 답의\n둘째 줄이다. 뒤", "답의\n둘째 줄이다.", ["답의\n둘째 줄이다."]),
        ("- a\n  - b c\n- b c", "b c\n- b", ["b c", "b"]),
        ("> - 말\n> - 답", "답", ["답"]),
        ("***a** b* c", "b", ["b"]),
        ("**A. B.** C", "**A.", ["A."]),
        ("a ** b", "* b", ["* b"]),
        ("10. 0", ". 0", ["0"]),
        (TABLE, ROW, ["보안", "높다 | ", "a", "약하다"]),
        (FENCE, 'print("<b>")', ['print("<b>")']),
        ("    a = 1\n    b = 2", "b = 2", ["b = 2"]),
        ("<p>답</p>", "<p>답</p>", ["답"]),
    ],
)
def test_marks_what_is_highlighted(markdown: str, words: str, expected: list[str]) -> None:
    marked = Read(render(markdown, [span(markdown, words)])).marked
    assert "".join(marked) == "".join(expected)


def test_marks_stay_inside_their_cells_and_code() -> None:
    row = render(TABLE, [span(TABLE, ROW)])
    assert "<td><strong><mark>보안</mark></strong></td>" in row
    assert '<td align="right"><mark>약하다</mark></td>' in row
    assert row.count("<table") == 1
    code = render(FENCE, [span(FENCE, 'print("<b>")')])
    assert '<code class="language-python">if a &lt; b:\n    <mark>print(' in code


def lines() -> Iterator[tuple[str, Line]]:
    for section in parse(DOCKER, "").sections:
        for block in section.blocks:
            yield from (
                (DOCKER[block.start : block.end], _moved(line, block.start)) for line in block.lines
            )


def _moved(line: Line, start: int) -> Line:
    return replace(line, start=line.start - start, end=line.end - start)


def test_every_line_of_the_notes_is_marked_whole() -> None:
    for markdown, line in lines():
        highlight = Highlight(line.start, line.end)
        marked = squeezed("".join(Read(render(markdown, [highlight])).marked))
        quoted = squeezed(Read(render_quote(markdown, highlight)).text)
        if line.kind == "row":
            cells = [squeezed(cell) for cell in line.plain.replace(": ", " / ").split(" / ")]
            assert marked == "".join([cells[0], *cells[2::2]])
            assert quoted.replace(":", "") == "".join(cells)
        else:
            assert marked == quoted == squeezed(line.plain)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_marks_change_nothing_else(data: st.DataObject) -> None:
    sections = [*parse(DOCKER, "").sections[1:]]
    section = data.draw(st.sampled_from(sections))
    markdown = DOCKER[section.start : section.end]
    start = data.draw(st.integers(0, len(markdown)))
    end = data.draw(st.integers(start, len(markdown)))
    marked = render(markdown, [Highlight(start, end)])
    assert marked.replace("<mark>", "").replace("</mark>", "") == render(markdown)
    Read(marked)


@settings(max_examples=300, deadline=None)
@given(st.text("ab가 *_`~[]()<>!&;\\|-#>\n🐳", max_size=40), st.data())
def test_any_text_is_marked_without_change(markdown: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(markdown)))
    end = data.draw(st.integers(start, len(markdown)))
    highlight = Highlight(start, end)
    marked = render(markdown, [highlight])
    assert Read(marked).text == Read(render(markdown)).text
    render_quote(markdown, highlight)


def test_piece_of_a_list_starts_at_the_margin() -> None:
    piece = "    - 깊은 답\n    - 둘\n  - 셋"
    found = render(piece, [span(piece, "깊은 답")])
    assert "<pre" not in found
    assert "<li><mark>깊은 답</mark></li>" in found


@pytest.mark.parametrize(
    "markdown",
    [
        "<script>alert(1)</script>",
        "a <img src=x onerror=alert(1)> b",
        "<details open ontoggle=alert(1)><summary>s</summary></details>",
        "[a](javascript:alert(1)) [b](JaVaScRiPt:alert(1)) [c](&#106;avascript:alert(1))",
        "[a](data:text/html;base64,PHNjcmlwdD4=) ![b](data:image/svg+xml,<svg/onload=alert(1)>)",
        "<a href='java\nscript:alert(1)'>a</a> <a href=' javascript:alert(1)'>b</a>",
        "<a href='vbscript:a' style='color:red' class='note-card' id='bar'>a</a>",
        '```x"><script>alert(1)</script>\ncode\n```',
        "![x](https://example.org/track.png) <img src=https://example.org/track.png>",
        "<iframe src=//example.org></iframe><style>*{display:none}</style><form><input></form>",
        "<svg><script>alert(1)</script></svg><math><mtext></form><form><mglyph><style></math>",
    ],
)
def test_nothing_harmful_comes_through(markdown: str) -> None:
    whole = Highlight(0, len(markdown))
    quoted = render_quote(markdown, whole)
    document = render_document(markdown)[0]
    for source in (render(markdown), render(markdown, [whole]), document, quoted):
        for tag, attributes in Read(source).tags:
            assert tag not in ("script", "img", "iframe", "style", "svg", "math", "form", "input")
            assert not [name for name in attributes if name.startswith("on") or name == "style"]
            # Only into a whole document do links lead.
            assert "id" not in attributes or source is document
            assert ":" not in attributes.get("href", "").replace("https://example.org/", "")
            assert attributes.get("class", "table") in ("table", "language-x")


def test_passages_bring_no_ids_into_the_page_around_them() -> None:
    assert "id=" not in render('<h2 id="box">a</h2>\n\n## b')


def test_a_footnote_does_not_keep_words_from_being_marked() -> None:
    source = "The hook was open[^1], `always`[^2] so.\n\n[^1]: Said Kim.\n[^2]: Said Lee.\n"
    shown = render(source, [Highlight(4, 39)])
    assert "The <mark>hook was open</mark><sup>1</sup>" in shown
    assert "<mark> so.</mark>" in shown
    assert render_quote(source, Highlight(4, 39)).startswith("hook was open<sup>1</sup>")


def test_quote_is_the_highlighted_words_alone() -> None:
    text = "**하나.** 둘은 **셋의 넷**이다."
    assert (
        render_quote(text, span(text, "둘은 **셋의 넷**이다."))
        == "둘은 <strong>셋의 넷</strong>이다."
    )
    assert render_quote(text, span(text, "셋의")) == "<strong>셋의</strong>"
    assert render_quote(TABLE, span(TABLE, ROW)) == (
        "<strong>보안</strong><br><span>VM</span>: 높다 | <code>a</code>"
        "<br><span>Docker</span>: 약하다"
    )


def test_links_lead_where_they_led_in_the_notes() -> None:
    found = Read(render("[a](#b) [c](other.md) [d](https://example.org/)", base="/notes/x/y#z"))
    links = [attributes for tag, attributes in found.tags if tag == "a"]
    assert [link["href"] for link in links] == [
        "/notes/x/y#b",
        "/notes/x/other.md",
        "https://example.org/",
    ]
    assert {(link["target"], link["rel"]) for link in links} == {("_blank", "noopener noreferrer")}


def test_document_has_the_anchors_of_the_index() -> None:
    source, contents = render_document(DOCKER)
    headings = [
        (tag, attributes["id"]) for tag, attributes in Read(source).tags if "id" in attributes
    ]
    sections = parse(DOCKER, "").sections
    assert headings == [(f"h{section.level}", section.anchor) for section in sections]
    assert [entry.anchor for entry in contents] == [section.anchor for section in sections]
    assert len(headings) == 7
    assert "📝" not in "".join(entry.title for entry in contents)


def test_document_shows_no_front_matter() -> None:
    assert "lang: ko" not in render_document(DOCKER)[0]


@pytest.mark.parametrize(
    ("link", "base", "leads"),
    [
        ("[a](../b.md)", "/notes/c/d#e", "/notes/b.md"),
        ("[a](/b/c)", "/notes/d/e#f", "/notes/b/c"),
        ("[a](/notes/b)", "/notes/d", "/notes/b"),
        ("[a](/b)", "https://n.example/sub/notes/d#f", "https://n.example/sub/notes/b"),
        ("[a](/b)", "/sub/notes/_in/team/d", "/sub/notes/_in/team/b"),
        ("[a](/b)", "https://wiki.example/d", "https://wiki.example/b"),
        ("[[b]]", "/notes/c/d#e", "/notes/b"),
        ("[[#b]]", "/notes/c/d#e", "/notes/c/d#b"),
        ("![[b.png]]", "/notes/c/d", "/notes/b.png"),
        ("[a](//x.example/b)", "/notes/c", "//x.example/b"),
    ],
)
def test_links_of_an_answer_lead_where_the_reader_has_them(
    link: str, base: str, leads: str
) -> None:
    found = [attributes.get("href") for _, attributes in Read(render(link, (), base)).tags]
    assert leads in found
