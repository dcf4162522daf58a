"""Emphasis beside Hangul: shown as its author means it, and said to be no emphasis on GitHub."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.checks.folder import check_page
from index.checks.link_checks import Folder
from index.markdown.commonmark import github_parser, parser
from index.markdown.sections import parse
from ui.html.markup import render


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("**볼륨(volume)**은 남는다", "<strong>볼륨(volume)</strong>은 남는다"),
        ("**`ls -a`**로 본다", "<strong><code>ls -a</code></strong>로 본다"),
        ("이를 **'층'**이라고 한다", "이를 <strong>'층'</strong>이라고 한다"),
        ("아주**(꼭!)**필요하다", "아주<strong>(꼭!)</strong>필요하다"),
        ("**99%**가 넘는다", "<strong>99%</strong>가 넘는다"),
        ("*값(x)*과 ~~옛값(y)~~을", "<em>값(x)</em>과 <s>옛값(y)</s>을"),
        ("***값(x)***은", "<em><strong>값(x)</strong></em>은"),
        ("__층(x)__은 _얇고_도", "<strong>층(x)</strong>은 <em>얇고</em>도"),
        ("_thin_하다", "<em>thin</em>하다"),
        ("[**값(x)**](a.md)은", '<a href="a.md"><strong>값(x)</strong></a>은'),
        ("**값(x)**\u200b은", "<strong>값(x)</strong>\u200b은"),
        ("用**「層」**的", "用<strong>「層」</strong>的"),
        ("__init__은 a_b_c와 층_이름_을 쓴다", "__init__은 a_b_c와 층_이름_을 쓴다"),
        ("3 * (4) * 가, a*(b)", "3 * (4) * 가, a*(b)"),
        ("\\*\\*값(x)\\*\\*은", "**값(x)**은"),
    ],
)  # fmt: skip
def test_emphasis_ends_before_a_particle(text: str, shown: str) -> None:
    assert parser().renderInline(text).replace("&quot;", '"') == shown


def test_no_face_shows_the_marks(tmp_path: Path) -> None:
    source = "# 저장\n\n## **볼륨(volume)**은\n\n자료는 **볼륨(volume)**에 둔다.\n"
    _, section = parse(source, "f").sections
    assert (section.title, section.anchor) == ("볼륨(volume)은", "볼륨volume은")
    assert [line.plain for line in section.blocks[0].lines] == ["자료는 볼륨(volume)에 둔다."]
    assert "*" not in render(source[section.start :], [])
    found = check_page("a.md", source.encode(), Folder(tmp_path)).found
    assert [(line, column) for line, column, *_ in found] == [(3, 4), (5, 5)]
    assert all("GitHub" in message for _, _, _, message, _ in found)


def test_a_heading_has_the_slug_that_github_gives_it() -> None:
    assert parse("# 가\n\n# _층_은\n", "f").sections[1].anchor == "_층_은"


@given(st.text(alphabet="*_~ab(). ", max_size=40))
def test_without_such_letters_nothing_is_read_otherwise(text: str) -> None:
    text = f"a{text}b"
    assert parser().renderInline(text) == github_parser().renderInline(text)
