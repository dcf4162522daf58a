"""What GitHub, Hugo, Jekyll, Docusaurus, MkDocs and Obsidian add to Markdown: nothing is lost."""

import json
import time
from collections.abc import Iterator
from html.parser import HTMLParser
from itertools import count
from pathlib import Path
from textwrap import indent

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from assistant.links.section_links import READER, check_template, section_url
from assistant.settings import read_settings
from index.checks.folder import check_page
from index.checks.link_checks import Folder
from index.errors import SettingsError
from index.markdown.notes import Document, Line, Passage
from index.markdown.passage_splitting import embedded_text, passages
from index.markdown.sections import parse
from index.reading.corpus import read

SITES = Path(__file__).parents[2] / "data" / "dialects"
K8S = Path(__file__).parents[3] / ".." / "shared" / "eval" / "k8s-ko" / "corpus"
WORD = regex.compile(r"[\p{L}\p{N}]+")

# V is a word that people see, H one that they do not; each becomes a word of its own.
PIECES = [
    "V V. V V?",
    "> [!NOTE]\n> V V.",
    "> [!tip]- V V\n> V.\n>\n> - V",
    "{{< note title=\"V V\" class=\"H\" >}}\nV *V*.\n{{< /note >}}",
    '{{% tab name="V" %}}\n\nV\n\n{{% /tab %}}',
    'V {{< glossary_tooltip text="V" term_id="H" >}}V V.',
    'V [V V]({{< ref "H.md" >}}) V',
    "V {% comment_off H %}[V]({% link H.md %}) {{ V }}",
    '{% include note.html content="V V" class="H" %}',
    "V V\n{: .H}",
    "[V](H.md){ .H } V `V`{.H} V",
    "!!! note \"V V\"\n\n    V V.\n\n    - V\n",
    "??? warning\n    V. V",
    "!!! V V",
    '=== "V"\n\n    V V\n\n    ```\n    V V\n    ```\n\n=== "V"\n\n    V\n',
    ":::note V V\n\nV\n\n:::",
    ":::tip[V]\nV V\n:::",
    "import H from '@H/H';\nimport {H} from \"H\";",
    "export const H = 'H';",
    "<Tabs id={'H'} values={[{label: 'V'}]}>\n<TabItem label='V'>\n\nV\n\n</TabItem>\n</Tabs>",
    "V <Mark color={\"H\"}>V</Mark> V {/* H */} V",
    "[[V V]] and [[H|V]] or [[V#V]]",
    "![[V]]\n\n![[H.png|H]]",
    "V %%H H%% V",
    "%%\nH\n\nH\n%%",
    "<!-- H\n\nH -->",
    "V <!-- H --> V",
    "<details>\n<summary>V V</summary>\n\nV\n\n</details>",
    "<table><tr><td>V</td>\n<td>V</td></tr></table>",
    '<p><img src="H.png" alt="V">V</p>',
    "V[^H0] V.\n\n[^H0]: V V.\n\n    V",
    '```py title="V V"\nV = V\n```',
    "| V | V |\n|---|---|\n| `V \\| V` | V |\n| V | |",
    "| V | V |\n|---|---|",
    "V\n: V V\n: V",
    "- V\n\n      V V\n\n  1. V\n     ```\n     V\n     ```\n- [ ] V",
    "-\tV\n\n\t\tV\tV",
    "[V][H0] V\n\n[H0]: http://H.example \"H\"",
    "$V_{V}$ and $$V$$",
    "$$\nV V\n$$",
    "V ![V](H.png) V",
    "مرحبا V \u200fV",
    "V $5 and $6 V 5% {V} V %d V",
    "echo [[ -r V ]] && V; a[[V, V], [V]]",
    "[[V]](H) {V: V} <H> 3 < V",
    "use {#V} and {.V} or %%V",
]  # fmt: skip
HEADINGS = ["# V V", "V\n===", "V V\n---", "## V {#H}", "### V V {: .H}", '<h2 id="H">V</h2>']


def filled(template: str, numbers: Iterator[int]) -> str:
    words: dict[str, str] = {}

    def word(match: regex.Match[str]) -> str:
        if match[2]:
            return words.setdefault(match[0], f"h{next(numbers)}x")
        return f"{match[1].lower()}{next(numbers)}x"

    return str(regex.sub(r"(?<![\p{L}])([VH])(\d?)(?![\p{L}\p{N}])", word, template))


def nested(piece: str, how: str) -> str:
    if how == "quote":
        return indent(piece, "> ", lambda _: True)
    if how == "list":
        return "- " + indent(piece, "  ").lstrip(" ")
    if how == "admonition":
        return "!!! note\n\n" + indent(piece, "    ")
    return piece


@st.composite
def notes(draw: st.DrawFn) -> str:
    numbers = count()
    parts = []
    for _ in range(draw(st.integers(1, 6))):
        if draw(st.booleans()):
            parts.append(filled(draw(st.sampled_from(HEADINGS)), numbers))
        piece = filled(draw(st.sampled_from(PIECES)), numbers)
        module = piece.startswith(("import", "export", "%%\n", "<!--", ":::", "!!!", "???", "==="))
        how = "plain" if module else draw(st.sampled_from(["plain"] * 3 + ["quote", "list"]))
        parts += [nested(piece, how)]
    return "\n\n".join(parts) + "\n"


def document(source: str) -> Document:
    parsed = parse(source, "file")
    return Document("file", "c", "file.md", parsed.title, "", "en", (), source, parsed.sections)


def cut(note: Document, limit: int) -> list[Passage]:
    return list(passages(note, 0, limit, lambda texts: [len(text.split()) for text in texts]))


@given(notes(), st.sampled_from([4, 20, 1000]))
def test_every_word_that_people_see_stands_in_a_passage(source: str, limit: int) -> None:
    note = document(source)
    found = cut(note, limit)
    # A heading that nothing stands under answers nothing, so no passage is made of it.
    titles = [section.title for section in note.sections]
    said = " ".join([*titles, *(embedded_text(note, passage) for passage in found)])
    shown = " ".join(passage.text(note.source) for passage in found) + said
    for word in regex.findall(r"v\d+x", source):
        assert word in shown, (word, source)
        # The name of a table's first column is what its rows are, shown above them.
        if not regex.search(rf"(?m)^[> -]*\| {word} \|[^\n]*\n[> -]*\|---", source):
            assert word in said, (word, source)
    seen = " ".join([*titles, *(line.words for passage in found for line in passage.lines)])
    for word in regex.findall(r"h\d+x", source):
        assert word not in seen, (word, source)
    assert_true(note)


def assert_true(note: Document) -> None:
    anchors = [section.anchor for section in note.sections if section.level]
    assert len(set(anchors)) == len(anchors)
    for section in note.sections:
        assert 0 <= section.start <= section.end <= len(note.source)
        assert note.source.count("\n", 0, section.start) + 1 == section.first_line
        for block in section.blocks:
            assert section.start <= block.start <= block.end <= section.end
            for line in block.lines:
                assert block.start <= line.start < line.end <= block.end
                assert line.plain.strip()
                assert_said(note.source, line)


def assert_said(source: str, line: Line) -> None:
    """What a line says stands in the characters that it names."""
    there = source[line.start : line.end]
    if line.kind != "row":
        assert all(word in there for word in regex.findall(r"v\d+x", line.plain)), (there, line)


@given(st.text(alphabet="ab가 \n\t#>-|`$%{}[]<>!:=?*^./\"'\\", max_size=150))
def test_offsets_are_true_for_any_text(source: str) -> None:
    assert_true(document(source))


class Shown(HTMLParser):
    """The words of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []

    def handle_data(self, data: str) -> None:
        self.words += WORD.findall(data)


def shown(source: str) -> list[str]:
    """Return the words that plain CommonMark shows of a page, without dialects of any kind."""
    body = regex.sub(r"\A---\n.*?\n---\n", "", source, flags=regex.DOTALL)
    body = regex.sub(r"\{\{[<%].*?[%>]\}\}", " ", body, flags=regex.DOTALL)
    body = regex.sub(r"(?m)\s*\{#[^}\s]+\}\s*$", "", body)
    markdown = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    tokens = markdown.parse(body)
    page = Shown()
    page.feed(markdown.renderer.render(tokens, markdown.options, {}))
    return page.words


@pytest.mark.skipif(not K8S.is_dir(), reason="the pages are not on this machine")
def test_a_documentation_site_loses_no_word() -> None:
    for note in read({"default": K8S}).documents:
        assert_true(note)
        found = cut(note, 256)
        said = " ".join(p.text(note.source) + embedded_text(note, p) for p in found)
        kept = set(WORD.findall(said)) | {w for s in note.sections for w in WORD.findall(s.title)}
        assert set(shown(note.source)) - kept == set(), note.path


@pytest.mark.skipif(not K8S.is_dir(), reason="the pages are not on this machine")
def test_every_page_and_anchor_that_answers_a_question_is_found() -> None:
    notes = {note.path: note for note in read({"default": K8S}).documents}
    for line in (K8S.parent / "queries.jsonl").read_text().splitlines():
        query = json.loads(line)
        sections = notes[query["gold_path"]].sections
        if "gold_anchor" in query:
            lines = {section.anchor: section.first_line for section in sections}
            assert lines[query["gold_anchor"]] == query.get("gold_line")
    for note in notes.values():
        for section in note.sections:
            head = note.source[section.start :].partition("\n")[0]
            own = regex.search(r"\{#([^}\s]+)\}\s*$", head)
            assert section.anchor == own[1] if own else "#" not in section.anchor


@pytest.mark.parametrize(
    "piece", ["{{< a ", "{% a ", "[[", "%%a ", "<A b={", "[a]({{", "$a ", "{: "]
)
def test_what_is_never_closed_costs_little(piece: str) -> None:
    start = time.process_time()
    parse(piece * 4000, "file")
    assert time.process_time() - start < 5


@pytest.mark.parametrize(
    "page",
    [
        "**가(나)**는 " * 8000,
        "**가(" * 8000,
        "# 가\n\n글\n\n" * 8000,
        "{{ " * 40000,
        "| 가 " * 8000 + "\n" + "|---" * 8000 + "\n" + "| [나](b) " * 8000,
        "## 가 {" + ".a " * 30000 + "!}",
    ],
    ids=["emphasis", "marks", "headings", "braces", "cells", "attributes"],
)
def test_long_pages_of_one_shape_are_checked_in_time(page: str, tmp_path: Path) -> None:
    start = time.process_time()
    check_page("file.md", page.encode(), Folder(tmp_path))
    parse(page, "file")
    assert time.process_time() - start < 12


def test_settings_name_files_templates_and_globs() -> None:
    found = read_settings(
        corpus="a=notes,b=guide.md", include="docs/**, *.mdx", exclude="drafts/",
        link_template="a=https://a.example/{hugo}#{anchor}  b=/b#{anchor}",
    )  # fmt: skip
    assert {name: str(path) for name, path in found.corpora.items()} == {
        "a": "notes", "b": "guide.md",
    }  # fmt: skip
    assert (found.included, found.excluded) == (["docs/**", "*.mdx"], ["drafts/"])
    with pytest.raises(SettingsError, match="NOTES_EXCLUDE is '!'"):
        read_settings(exclude="!")
    with pytest.raises(SettingsError, match=r"NOTES_LINK_TEMPLATE .* \{mkdocs_anchor\}"):
        read_settings(link_template="a={hugo} b={nope}")


def site(name: str, below: str = "") -> dict[str, Document]:
    found = read({"site": SITES / name / below})
    return {document.path: document for document in found.documents}


def said(note: Document) -> list[str]:
    return [line.words for s in note.sections for block in s.blocks for line in block.lines]


@pytest.mark.parametrize(
    ("name", "below", "template", "links"),
    [
        (
            "github",
            "",
            "https://github.com/o/r/blob/main/{path}#{anchor}",
            {
                "https://github.com/o/r/blob/main/README.md" + fragment
                for fragment in (
                    "#harbor-bot", "#install", "#alerts", "#license-terms", "#setext-heading",
                    "#الرافعة", "#install-1",
                )
            },
        ),
        (
            "hugo",
            "content",
            "https://h.example/{hugo}#{anchor}",
            {
                "https://h.example/",
                "https://h.example/#tour",
                "https://h.example/guide/crane-setup/",
                "https://h.example/guide/crane-setup/#gears-and-oil",
                "https://h.example/guide/setup/#-heading-prerequisites-",
                "https://h.example/guide/setup/#raise-crane",
                "https://h.example/harbor/rules/#rules",
            },
        ),
        (
            "jekyll",
            "",
            "https://h.example/{jekyll}#{anchor}",
            {
                "https://h.example/about/#hours",
                "https://h.example/about/#crew",
                "https://h.example/2024/05/01/first-lift.html",
                "https://h.example/2024/05/01/first-lift.html#what-went-wrong",
                "https://h.example/tools.html#pliers",
            },
        ),
        (
            "docusaurus",
            "docs",
            "https://h.example/docs/{docusaurus}#{anchor}",
            {
                "https://h.example/docs/",
                "https://h.example/docs/#moor",
                "https://h.example/docs/#tides",
                "https://h.example/docs/guide#guide",
                "https://h.example/docs/guide#where-to-look",
                "https://h.example/docs/guide/first-steps#first-steps",
                "https://h.example/docs/guide/first-steps#key",
            },
        ),
        (
            "mkdocs",
            "docs",
            "https://h.example/{mkdocs}#{mkdocs_anchor}",
            {
                "https://h.example/#lighthouse",
                "https://h.example/#_1",
                "https://h.example/#_2",
                "https://h.example/#colors",
                "https://h.example/guide/lamp/#the-lamp",
                "https://h.example/guide/lamp/#clean-the-glass",
            },
        ),
        (
            "obsidian",
            "",
            "https://publish.obsidian.md/h/{obsidian}#{obsidian_anchor}",
            {
                "https://publish.obsidian.md/h/Notes/Bowline",
                "https://publish.obsidian.md/h/Notes/Bowline#Tie+it",
                "https://publish.obsidian.md/h/Notes/Knots+and+ropes",
                "https://publish.obsidian.md/h/Notes/Knots+and+ropes#Clove+hitch",
                "https://publish.obsidian.md/h/Notes/Knots+and+ropes#When+to+cut",
            },
        ),
    ],
)  # fmt: skip
def test_links_lead_where_the_site_has_its_sections(
    name: str, below: str, template: str, links: set[str]
) -> None:
    check_template(template)
    for chosen in (template, f"other=https://o.example/{{path}} site={template}\n/x/{{path}}"):
        found = {
            section_url(chosen, "https://base.example", note, section)
            for note in site(name, below).values()
            for section in note.sections
        }
        assert found == links


@pytest.mark.parametrize("name", ["github", "hugo", "jekyll", "docusaurus", "mkdocs", "obsidian"])
def test_the_sites_are_read_in_full(name: str) -> None:
    for note in site(name).values():
        assert_true(note)
        # What only machines read would stand out.
        for text in said(note):
            assert not regex.search(r"\{\{|\{%|\{[:#.]|\[\[|\[!|%%|:::|import |TOC|remember", text)


def test_what_generators_show_is_said() -> None:
    assert "주의 부두에서는 뛰지 마세요." in said(site("hugo")["content/_index.md"])
    assert "크레인은 컨테이너를 옮긴다." in said(site("hugo")["content/_index.md"])
    assert "Bring a lantern in winter." in said(site("jekyll")["about.md"])
    assert "With a chain" in said(site("docusaurus")["docs/intro.mdx"])
    assert "It is very wet there." in said(site("docusaurus")["docs/intro.mdx"])
    assert "Electric" in said(site("mkdocs")["docs/index.md"])
    knots = said(site("obsidian")["Notes/Knots and ropes.md"])
    assert knots[0] == "Start with the king of knots, then Hitches > Clove hitch."
    assert "Wet ropes" in knots


def test_an_id_that_its_author_gave_comes_before_a_slug() -> None:
    source = "## 가나\n\nx\n\n## 라마 {#가나}\n\ny\n\n## 설치 {#install}\n\nz\n\n## install\n\nw\n"
    assert [s.anchor for s in parse(source, "f").sections] == [
        "가나-1", "가나", "install", "install-1",
    ]  # fmt: skip
    assert [s.title for s in parse(source, "f").sections] == ["가나", "라마", "설치", "install"]


def test_long_html_is_cut_at_its_rows() -> None:
    rows = "".join(f"<tr><td>row {n}</td><td>{'word ' * 20}</td></tr>\n" for n in range(20))
    note = document(f"<table>\n{rows}</table>\n")
    lines = list(read_lines(note.source))
    assert len(lines) == 20
    assert lines[3].plain.startswith("row 3 word")
    # A browser looks for words within one cell.
    assert lines[3].words == " ".join(["word"] * 20)
    assert_true(note)


@pytest.mark.parametrize("template", ["{title}", "a={path} b={nope}", "{", "{0}", "{path.x}"])
def test_templates_of_other_fields_are_refused(template: str) -> None:
    with pytest.raises(ValueError, match=r"may hold \{document\}"):
        check_template(template)


def test_of_equal_ids_each_is_read_in_its_own_corpus() -> None:
    (note,) = read({"a b": SITES / "obsidian" / "Notes" / "Bowline.md"}).documents
    section = note.sections[1]
    for base in ("", "https://n.example"):
        assert section_url(READER, base, note, section, apart=True) == (
            f"{base}/notes/_in/a%20b/Bowline#tie-it"
        )
    own = "https://d.example/{document}"
    assert section_url(own, "", note, section, apart=True) == "https://d.example/Bowline"


def test_a_corpus_without_a_template_is_read_here() -> None:
    (note,) = read({"notes": SITES / "obsidian" / "Notes" / "Bowline.md"}).documents
    section = note.sections[1]
    assert section_url("docs=https://d.example/{page}", "", note, section) == (
        "/notes/Bowline#tie-it"
    )
    assert section_url("https://d.example/?p={page}&a=1#{anchor}", "", note, section) == (
        "https://d.example/?p=Bowline&a=1#tie-it"
    )


def read_lines(source: str) -> Iterator[Line]:
    for section in parse(source, "file").sections:
        for block in section.blocks:
            yield from block.lines


CODE = [
    "import Tabs from '@theme/Tabs';\nimport {H, type H as I} from \"H\"",
    "import * as H from 'h' // whole\nimport 'h.css'",
    "import {\n  A,\n  B,\n} from './parts'",
    "export const H = ({children}) => {\n  const h = 1\n\n  return <p>Don't {children}</p>\n}",
    "export default function H({ h }) {\n  return <main>{h}</main>\n}",
    "export default ({h}) => <Base>{h}</Base>",
    "export * from './h'\nexport {h, i}\nexport {h as i} from 'h'",
    "export const h: H[] = [\n  '제목',\n\n  2,\n] as const",
    "export const h = <p>Hello dear world.</p>",
    "export const h = h\n  ? i\n  : await j",
    "export const h = `a\n\nb`;\nexport class H extends I {\n}",
]
PROSE = [
    "export default 값은 파일마다 하나다.\n둘째 줄도 글이다.",
    "import { 조각 } 처럼 적는다.",
    "import { a, b } from 'c' 로 시작한다.",
    "import numpy as np",
    "import type definitions from the server",
    "export const values never change.",
    "export const a = 1 declares a value.",
    "export const x = { 로 시작하는 줄은 상수다.",
    "export default (기본) 은 하나다.",
    "export default `App` is what most write.",
    "export class diagrams as SVG",
    "export function f() 는 함수다.",
    "export { a, b } 로 내보낸다.",
    "export 'A=b' in the shell.",
    "export default, export const",
]


@pytest.mark.parametrize("code", CODE)
def test_code_of_a_module_is_not_read(code: str) -> None:
    for source in (code, f"V1\n\n{code}\n\nV2\n"):
        seen = [line.plain for line in read_lines(source)]
        assert seen == ["V1", "V2"] * ("V1" in source), source


@pytest.mark.parametrize("prose", PROSE)
def test_a_paragraph_that_begins_like_a_module_is_read(prose: str) -> None:
    seen = " ".join(line.plain for line in read_lines(f"V1\n\n{prose}\n\nV2\n"))
    assert seen.split() == ["V1", *prose.replace("`", "").split(), "V2"]


@pytest.mark.parametrize(
    "shape", ["export const a = {\n\n", "export const a = /*\n\n", "export {a,\n"]
)
def test_modules_without_an_end_are_read_in_linear_time(shape: str) -> None:
    start = time.process_time()
    list(read_lines(shape * (200_000 // len(shape))))
    assert time.process_time() - start < 10
