"""What a page shows is what is found and answered: breaks, powers, and nothing that is unseen."""

from pathlib import Path
from urllib.parse import unquote

import pytest
from quoting import about, quotes, said

from assistant.answer import FoundPassage
from assistant.slack.quote import quoted
from assistant.snippet import snippet
from index.notes import Line, Passage
from index.sections import parse
from ui.markup import render_document, render_quote


def lines(source: str) -> list[Line]:
    return [
        line
        for section in parse(source, "note").sections
        for block in section.blocks
        for line in block.lines
    ]


def slack(found: FoundPassage) -> str:
    elements = quoted(found).elements
    return "".join(part["text"] for group in elements for part in group["elements"])


def fragment(found: FoundPassage) -> str:
    return unquote(found.highlight_url.partition(":~:text=")[2])


# --- Breaks

HOURS = """# 창구
## 여는 시간
| 요일 | 시간 |
|---|---|
| 수요일 | 아침 8시<br/>저녁 7시 |
| 목요일 | <ul><li>사과</li><li>배나무</li></ul> |

## 물건
우산이 있다.<br>
장갑은 <kbd>두 켤레</kbd> 있다.<BR />**굵은<br>글씨**는 하나다. `<br>`은 태그다.

- 첫째<br>둘째

<div>왼쪽</div><div>오른쪽</div>

## 긴<br>제목
끝이다.
"""


def test_a_break_separates_words_on_every_face(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = quotes(tmp_path, HOURS)
    row = about(found, "수요일")
    assert said(row, capsys) == "| 수요일 | 아침 8시 저녁 7시 |"
    assert "아침 8시 저녁 7시" in slack(row)
    assert fragment(row) == "아침 8시"
    listed = about(found, "목요일")
    assert said(listed, capsys) == "| 목요일 | 사과 배나무 |"
    assert "사과<br>배나무" in render_quote(listed.text, listed.highlights[0])
    assert said(about(found, "<div>"), capsys) == "왼쪽 오른쪽"
    assert said(about(found, "첫째"), capsys) == "첫째 둘째"


def test_a_break_ends_a_sentence_and_separates_a_headings_words() -> None:
    assert [line.plain for line in lines(HOURS)][2:6] == [
        "우산이 있다.",
        "장갑은 두 켤레 있다.",
        "굵은 글씨는 하나다.",
        "<br>은 태그다.",
    ]
    heading = parse(HOURS, "note").sections[-1]
    assert (heading.title, heading.anchor) == ("긴 제목", "긴제목")


# --- Powers and indices


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("3<sup>12</sup>은 크다.", "3^12은 크다."),
        ("10<sup>-3</sup> 초", "10^-3 초"),
        ("넓이는 km<sup>2</sup>이다.", "넓이는 km²이다."),
        ("CO<sub>2</sub>와 x<sub>i</sub>", "CO₂와 x_i"),
        ("x<sup>2n</sup>, y<sup>**k**</sup>, e<sup>a+b</sup>", "x²ⁿ, y^k, e^(a+b)"),
        ("The 21<sup>st</sup> of May", "The 21st of May"),
        ("Brand<sup>®</sup> and Na<sup>+</sup>", "Brand® and Na⁺"),
        ("V<sub>max</sub> and 7<sup>", "V_max and 7"),
        ("<p>5<sup>11</sup> and m<sup>3</sup></p>", "5^11 and m³"),
    ],
)
def test_powers_keep_their_height(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], source: str, shown: str
) -> None:
    (line,) = lines(source)
    assert line.plain == shown
    (found,) = quotes(tmp_path, source)
    assert said(found, capsys) == shown
    assert slack(found) == shown
    # The page shows other characters there.
    assert "^" not in fragment(found)
    assert "<sup>12</sup>" in render_document("3<sup>12</sup>")[0]


def test_powers_keep_their_height_in_tables_and_titles() -> None:
    source = "## 단위 m<sup>2</sup>\n| a | b |\n|---|---|\n| 2<sup>8</sup> | 256 |\n"
    (section,) = parse(source, "note").sections
    assert (section.title, section.anchor) == ("단위 m²", "단위-m2")
    assert section.blocks[0].lines[0].plain == "2^8 / b: 256"


# --- What no page shows

VOICES = """# 돛 올리기

<Lesson href="https://example.com/l" title="돛 올리기 무료 강의"/>

<img src="sail.png" alt="돛 올리기 그림">

![돛을 올리는 손](hand.png)

줄을 당기면 돛이 <Tip text="천으로 만든다">올라간다</Tip>.
"""


def test_what_no_page_shows_is_found_and_never_the_answer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (found,) = quotes(tmp_path, VOICES)
    assert said(found, capsys) == "줄을 당기면 돛이 올라간다."
    assert slack(found) == "줄을 당기면 돛이 올라간다."
    assert fragment(found) == "줄을 당기면 돛이 올라간다."
    (line,) = lines(VOICES)
    for unseen in ("무료 강의", "돛 올리기 그림", "돛을 올리는 손", "천으로 만든다"):
        assert unseen in line.plain
        assert unseen not in line.shown
    passage = Passage(0, 0, line.start, line.end, "", (line,))
    assert "강의" not in snippet(passage, 0, {"돛"})


def test_a_section_of_a_picture_alone_is_found_without_words(tmp_path: Path) -> None:
    (found,) = quotes(tmp_path, '## 지도\n<img src="a.png" alt="부두의 지도">\n')
    assert "text=" not in found.highlight_url
    assert "<mark></mark>" not in render_quote(found.text, found.highlights[0])


def test_tabs_are_called_by_their_labels_in_the_reader_too() -> None:
    source = '<Tabs>\n<TabItem value="n" label="밧줄">\n\n매듭을 짓는다.\n\n</TabItem>\n</Tabs>\n'
    assert [line.words for line in lines(source)] == ["밧줄", "매듭을 짓는다."]
    assert "<p>밧줄</p>" in render_document(source)[0]


def test_a_link_names_no_words_beside_which_a_page_shows_others() -> None:
    source = "It starts![a](b.png) here, and four minutes[^1] later.\n\n[^1]: Measured.\n"
    first, _ = lines(source)
    assert first.words == "here, and four"
