"""Links in notes: what the linter lets pass the reader serves, and shows no other as a link."""

import re
from collections.abc import Mapping
from pathlib import Path
from unicodedata import normalize
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.checks.folder import check
from index.reading.corpus import read
from ui.reader.document_addresses import DocumentAddresses
from ui.reader.frame import Visit
from ui.reader.page_links import Leads
from ui.reader.reader_pages import note

LINKING = ("broken-anchor", "broken-link", "missing-image")
NOTES = {
    "README.md": "# Home\n\nWelcome in.\n",
    "tools/README.md": "# Tools\n\nAll of them.\n",
    "tools/saw.md": "---\naliases: [톱, Blade]\n---\n# Saw\n\n## Two teeth {#v1.2}\n\nIt cuts.\n",
    "tools/오래된 것/대패.md": "# 대패\n\n## 날 갈기\n\n물을 쓴다.\n",
    "talks/plan.en.mdx": "# Plan\n\nLater on.\n",
    "talks/plan.ko.mdx": "# 계획\n\n나중에 한다.\n",
    "loose/alone.md": "# Alone\n\nNo index here.\n",
    "art/pic.png": "",
    "plans/_index.md": "---\ntitle: Plans\n---\n",
    "plans/ToDo.md": "# To do\n\nSoon.\n",
    "static/shots/pic.png": "",
    ".attachments/pic.png": "",
    "kits/kits.md": "---\nsort: rank\n---\n",
    "kits/one.md": "# One kit\n\nIt holds nails.\n",
}
GOOD = [
    "[[saw]]", "[[tools/saw|the saw]]", "[[SAW#Two teeth]]", "[[톱]]", "[[blade]]",
    "[[대패#날 갈기]]", "![[pic.png]]", "![[pic.png|120]]", "![x](../art/pic.png)",
    "![x](/art/pic.png)",
    "[a](saw.md)", "[a](saw)", "[a](./saw/)", "[a](../)", "[a](../tools/)", "[a](../tools)",
    "[a](/tools/saw)", "[a](/tools/saw.md#v1.2)", "[a](/tools/)", "[a](/notes/tools/saw/)",
    "[a](saw.md#two-teeth)", "[a](<오래된 것/대패.md#날-갈기>)", "[a](../talks/plan)",
    "[a](../talks/plan.md)", "[a](../loose/)", "[a](#here)", "<a href='saw.md'>a</a>",
    "[[#Here]]", "[a](#left)", "[a](#spot) <a name='spot'></a>", "[a](#box) <svg id='box'></svg>",
    "[a](/plans/todo/)", "[a](/Tools/Saw#two-teeth)", "[a](../plans/_index.md)", "[a](/plans/)",
    "![x](/shots/pic.png)", "![x](../../art/pic.png)",
    "[[ saw]]", "[[saw|**the** [old] saw]]", "[[saw#<u>Two</u> teeth]]", "[[saw]](the, old one)",
    "![x](../.attachments/pic.png)", "[[kits]]", "[a](../kits/kits.md)",
    "<img src='../art/pic.png'>", "[a](#last)\n\nA line. {#last}", "[a](#m.y)\n\n(m.y)=",
    "[a](#band-saw)\n\n`Band saw`\n: It hums.", "[a](#here-1)\n\nHere\n: A term.",
]  # fmt: skip
BAD = ["[a](nothing.md)", "[a](saw.md#nothing)", "![x](none.png)", "![[none.png]]", "[a](#nothing)",
       "[a](../plan.md)", "[a](../plans/todo.md)", "[[saw#nothing]]"]  # fmt: skip
SILENT = [
    "[[to be written]]",
    "[a](/plans/todo.md)",
    "[a](/elsewhere/page)",
    "[a](../../outside.md)",
    "[[#^block]]",
]
PAGE = "# Here {#left}\n\nSome words.\n\n{}\n"


def written(folder: Path, notes: Mapping[str, str]) -> Path:
    for path, text in notes.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return folder


class Site:
    """The reader over a folder, without a server."""

    def __init__(self, place: Path) -> None:
        self.shelf = DocumentAddresses(read({"main": place}).documents)
        self.leads = Leads(self.shelf, {"main": str(place)})

    def page(self, path: str) -> str:
        document = self.shelf.of_file("main", path)
        assert document
        return note(document, self.shelf, self.leads, Visit("en", "")).body

    def serves(self, page: str, href: str) -> bool:
        """Return whether an address of a page shows what it names."""
        parts = urlsplit(href)
        address = unquote(parts.path).removeprefix("/notes/")
        if address.startswith("_files/"):
            return (Path(address).name) == "pic.png"
        if parts.path and self.shelf.below(address):
            return True
        document = self.shelf.at(address) if parts.path else self.shelf.of_file("main", page)
        ids = re.findall(r'(?:id|name)="([^"]*)"', self.page(document.path)) if document else []
        return document is not None and (not parts.fragment or unquote(parts.fragment) in ids)


def links(body: str) -> list[str]:
    text = re.sub(r'<span class="tools".*?</span>|<nav.*', "", body, flags=re.DOTALL)
    return re.findall(r'(?:href|src)="([^"]*)"', text)


@pytest.mark.parametrize("link", [*GOOD, *BAD, *SILENT])
def test_what_passes_is_served_and_what_does_not_is_no_link(tmp_path: Path, link: str) -> None:
    agreed(tmp_path, link)
    report = [f.rule for f in check(tmp_path, LINKING).findings if f.path == "tools/page.md"]
    assert bool(report) == (link in BAD)
    site = Site(tmp_path)
    shown = links(site.page("tools/page.md"))
    if link in GOOD:
        assert len(shown) == 1
        assert site.serves("tools/page.md", shown[0])


def agreed(folder: Path, *written_links: str) -> None:
    """Check that each link of a page is served, unless the linter tells of its anchor."""
    text = PAGE.replace("{}", "\n\n".join(written_links))
    written(folder, {**NOTES, "tools/page.md": text})
    found = check(folder, LINKING).findings
    site = Site(folder)
    dead = [h for h in links(site.page("tools/page.md")) if not site.serves("tools/page.md", h)]
    anchors = [each for each in found if each.rule == "broken-anchor"]
    assert len(dead) == len(anchors), (dead, found)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["", "./", "../", "/", "../tools/", "../../"]),
    st.sampled_from(["saw", "SAW", "tools", "오래된 것", "오래된 것/대패", "plan", "README",
                     "art/pic", "loose", "alone", "talks", "talks/plan", "art", "nothing", ""]),
    st.sampled_from(["", "/", ".md", ".mdx", ".html", ".png"]),
    st.sampled_from(["", "#two-teeth", "#날-갈기", "#v1.2", "#alone"]),
    st.sampled_from(["NFC", "NFD"]),
    st.sampled_from(["[a](<{}>)", "[[{}]]", "![a](<{}>)", "<a href='{}'>a</a>"]),
)  # fmt: skip
def test_linter_and_reader_agree_on_any_link(
    tmp_path_factory: pytest.TempPathFactory,
    up: str, name: str, suffix: str, fragment: str, form: str, link: str,
) -> None:  # fmt: skip
    href = normalize("NFC" if form == "NFC" else "NFD", f"{up}{name}{suffix}{fragment}")
    agreed(tmp_path_factory.mktemp("agreed"), link.replace("{}", href))


def test_footnotes_are_numbered_and_lead_there_and_back(tmp_path: Path) -> None:
    text = (
        "# Tea\n\nGreen[^late] and black[^b], then green[^late].\n\n"
        "[^b]: Fermented.\n\n[^late]: Picked late.\n\n[^never]: Not called.\n"
    )
    body = Site(written(tmp_path, {"tea.md": text})).page("tea.md")
    calls = re.findall(r'<sup><a id="([^"]*)" href="#([^"]*)"[^>]*>(\d)</a></sup>', body)
    assert calls == [("fnref:1", "fn:1", "1"), ("fnref:2", "fn:2", "2"), ("fnref:1:2", "fn:1", "1")]
    notes = re.findall(r'<li id="(fn:\d)">\s*<p>(.*?)</p>', body, re.DOTALL)
    assert [(name, words.split(" <")[0]) for name, words in notes] == [
        ("fn:1", "Picked late."), ("fn:2", "Fermented."),
    ]  # fmt: skip
    assert [re.findall(r'href="#([^"]*)"', words) for _, words in notes] == [
        ["fnref:1", "fnref:1:2"], ["fnref:2"],
    ]  # fmt: skip
    assert "Not called." in body
    assert 'id="user-content-fn-late"' in body


def test_a_lone_file_shows_the_pictures_beside_it(tmp_path: Path) -> None:
    written(tmp_path, {"one.md": "# One\n\n![a](art/pic.png) Words.\n", "art/pic.png": ""})
    site = Site(tmp_path / "one.md")
    assert links(site.page("one.md")) == ["/notes/_files/main/art/pic.png"]
    assert check(tmp_path / "one.md").findings == ()


def test_escaped_ids_are_ids(tmp_path: Path) -> None:
    text = "# Top\n\n[a](#_fn_1) [b](#_x)\n\n## Down {#\\_fn\\_1}\n\nWords. {#\\_x}\n"
    written(tmp_path, {"a.md": text})
    assert check(tmp_path, LINKING).findings == ()
    assert "{#" not in Site(tmp_path).page("a.md")


def test_an_own_id_does_not_take_the_pages(tmp_path: Path) -> None:
    body = Site(written(tmp_path, {"a.md": "# A {#page.text}\n\nWords.\n"})).page("a.md")
    assert 'id="page.text"' not in body


@pytest.mark.parametrize("tag", ["svg", "section", "button", "iframe", "code", "p"])
def test_a_class_of_any_tag_is_dropped_without_a_word(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], tag: str
) -> None:
    text = f"# A\n\nSome <{tag} class='x'>words</{tag}>.\n"
    body = Site(written(tmp_path, {"a.md": text})).page("a.md")
    assert "class='x'" not in body
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("tools/saw.md", "tools/saw"),
        ("tools/saw/", "tools/saw"),
        ("tools/", "tools/README"),
        ("tools", "tools/README"),
        ("loose", "_in/main/loose/"),
        ("_in/main/loose", "_in/main/loose/"),
        (normalize("NFD", "tools/오래된 것/대패"), "tools/오래된 것/대패"),
        ("Saw", "tools/saw"),
        ("톱", "tools/saw"),
        ("art/pic.png", "_files/main/art/pic.png"),
        ("pic.png", "_files/main/art/pic.png"),
        ("pic.png/", ""),
        ("nothing", ""),
        ("../../etc/passwd", ""),
    ],
)
def test_an_address_leads_where_notes_mean(tmp_path: Path, address: str, found: str) -> None:
    assert unquote(Site(written(tmp_path, NOTES)).leads.at(address)) == found
