"""What a page shows is what is found and answered: breaks, powers, and nothing that is unseen."""

import time
from pathlib import Path
from urllib.parse import unquote

import pytest
from quoting import about, marked, quotes, said

from assistant.answering.answer import Answer, FoundPassage
from assistant.searching.snippet import snippet
from assistant.slack.rich_text import quoted
from index.markdown.notes import Line, Passage
from index.markdown.sections import parse
from ui.chat.cards import answer_card
from ui.html.markup import render_document, render_quote


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


# --- Marks of editors

MARKS = """# 창고
> 비우기 전에는 꼭
> 두 번 센다.

열쇠는 못에 건다. ^key-1

- ==칠한== 문장과 `a==b`는 ==다르다==. ^last
- a==b 또는 c==d, 2 ^10

- [x] 문을 닫는다
- [ ] 불을 끈다

3월 4일
~ 3월 9일까지 쉰다.

넓이는 $$a^2$$ 이고 $5 와 $6 은 값이다.

용어
: 뜻이다.

^whole-block
"""


def test_marks_of_editors_are_no_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert [line.plain for line in lines(MARKS)] == [
        "비우기 전에는 꼭 두 번 센다.",
        "열쇠는 못에 건다.",
        "칠한 문장과 a==b는 다르다.",
        "a==b 또는 c==d, 2 ^10",
        "☑ 문을 닫는다",
        "☐ 불을 끈다",
        "3월 4일 ~ 3월 9일까지 쉰다.",
        "넓이는 a^2 이고 $5 와 $6 은 값이다.",
        "용어",
        "뜻이다.",
    ]
    found = quotes(tmp_path, MARKS)
    for each in found:
        assert "^key" not in marked(each)
        for shown in (said(each, capsys), slack(each), render_quote(each.text, each.highlights[0])):
            assert not any(
                mark in shown for mark in ("==칠한", "^key", "^last", "$$", "\n> ", "[x]")
            )
    assert said(about(found, "비우기"), capsys) == "비우기 전에는 꼭 두 번 센다."
    assert fragment(about(found, "문을")) == "문을 닫는다"
    shown = render_document(MARKS)[0]
    assert "☑ 문을 닫는다" in shown
    assert "==칠한" not in shown


def test_a_quote_that_is_copied_is_one_quote(tmp_path: Path) -> None:
    found = about(quotes(tmp_path, MARKS), "비우기")
    answer = Answer("i", "answered", "answers", 1, None, "ko", "q", None, "v", 1, (found,), None)
    assert "&gt; 비우기 전에는 꼭\n&gt; 두 번 센다." in answer_card(answer, "q")


SLASHES = """# 배
[TOC]

/// note | 알림
    open: True

조심한다.
///

/// warning
뛰지 않는다.
///

/// details | 더 보기
    type: tip
    open: False

- 밧줄이 있다.
///

--8<-- "parts/abbreviations.md"

--8<--
one.md
two.md
--8<--

[[_TOC_]]

/// 이것은 주석이다.

[toc] 는 차례다.
"""


def test_blocks_and_snippets_of_pymdownx_are_read() -> None:
    assert [line.plain for line in lines(SLASHES)] == [
        "알림",
        "조심한다.",
        "뛰지 않는다.",
        "더 보기",
        "밧줄이 있다.",
        "/// 이것은 주석이다.",
        "[toc] 는 차례다.",
    ]
    shown = render_document(SLASHES)[0]
    assert "<p>Warning</p>" in shown
    for raw in ("8<", "TOC", "open:", "one.md", "<pre"):
        assert raw not in shown


SIGNS = """# :rocket: 발사대

문을 닫았다 :white_check_mark: 그리고 10:30:45, std::on::x, :nosuch:.

| 부품 | 있나 |
|---|---|
| 나사 | :material-check-all: |
| 못 | :octicons-tools-16:{ .lg } :material-close:{ style="color: #EF5350" } |

:material-clock-fast:{ .lg .middle } **삼 분**이면 된다.

불을 ^^반드시 *다*^^ 끄려면 ++ctrl+alt+del++ 를 누른다. 2^^3은 a ^^ b다. i++ + ++j, C++와 C++.

[`벽`][house.Wall]과 [문의 [색]][house.Door], a[i][j.k], [창][win.dow].

[win.dow]: #창
"""


def test_emoji_icons_keys_and_names_of_other_pages_are_read_as_people_see_them() -> None:
    (section,) = parse(SIGNS, "").sections
    assert (section.title, section.anchor) == ("발사대", "rocket-발사대")
    assert [line.plain for line in lines(SIGNS)] == [
        "문을 닫았다 ✅ 그리고 10:30:45, std::on::x, :nosuch:.",
        "나사 / 있나: ✓",
        "못 / 있나: ✗",
        "삼 분이면 된다.",
        "불을 반드시 다 끄려면 ctrl+alt+del 를 누른다.",
        "2^^3은 a ^^ b다.",
        "i++ + ++j, C++와 C++.",
        "벽과 [문의 [색]][house.Door], a[i][j.k], 창.",
    ]
    shown = render_document(SIGNS)[0]
    assert "<code>벽</code>과" in shown
    assert "<u>반드시 <em>다</em></u>" in shown
    for raw in (":material", ".lg", "EF5350", "++ctrl", ":rocket:"):
        assert raw not in shown


SHORTCODES = """앞에 글이 있다.
{{< figure
  src="pier.png"
  caption="오래된 부두"
>}}

- 목록에도 있다.

  {{% note
    title="조심"
  %}}
  미끄럽다.
  {{% /note %}}

{{% include "/parts/rope.md" %}} {{< youtube w7Ft2ymGmfc >}} {{< since 0.3 >}}

> 인용이다.
"""


def test_shortcodes_on_several_lines_are_no_quotes_and_files_are_no_words() -> None:
    found = [(line.plain, SHORTCODES[line.start : line.end]) for line in lines(SHORTCODES)]
    assert [plain for plain, _ in found] == [
        "앞에 글이 있다.",
        "오래된 부두",
        "목록에도 있다.",
        "조심",
        "미끄럽다.",
        "0.3",
        "인용이다.",
    ]
    assert found[1][1].startswith("{{< figure")
    assert found[1][1].endswith(">}}")
    shown = render_document(SHORTCODES)[0]
    assert shown.count("<blockquote>") == 1
    for raw in ("{{", "}}", "pier.png", "rope.md", "w7Ft"):
        assert raw not in shown


MARKED = """<div class="grid" markdown>
**돛**을 올린다.
</div>

<figure markdown="span">
  ![배](boat.png)
  <figcaption markdown>우리 [지도]에 있다.</figcaption>
</figure>

<div markdown="0">
**글자**다.
</div>

[지도]: #map
"""


def test_tags_that_ask_for_markdown_hold_markdown() -> None:
    assert [line.shown for line in lines(MARKED) if line.shown] == [
        "돛을 올린다.",
        "우리 지도에 있다.",
        "**글자**다.",
    ]
    shown = render_document(MARKED)[0]
    assert "<strong>돛</strong>" in shown
    assert '<a href="#map"' in shown


COMPONENT = """<Tabs groupId="os">
  <TabItem value="a" label="바람">

    돛을 편다.

    ```sh
    hoist --main
    ```

    - 하나
      - 둘

  </TabItem>
  <TabItem value={b} label="노" onClick={() => x}>
    **노**를 젓는다.
  </TabItem>
</Tabs>

끝이다.

<Note>
    <Open>
글이다.
"""


def test_markdown_inside_an_indented_component_is_markdown() -> None:
    found = [(line.kind, line.plain) for line in lines(COMPONENT)]
    assert found == [
        ("sentence", "바람"),
        ("sentence", "돛을 편다."),
        ("code", "hoist --main"),
        ("item", "하나"),
        ("item", "둘"),
        ("sentence", "노"),
        ("sentence", "노를 젓는다."),
        ("sentence", "끝이다."),
        ("sentence", "글이다."),
    ]
    for line in lines(COMPONENT):
        assert line.words in COMPONENT[line.start : line.end].replace("**", "")
    shown = render_document(COMPONENT)[0]
    assert "<p><strong>노</strong>를 젓는다.</p>" in shown
    assert "x}" not in shown


SHAPES = [
    "<A>\n", "<A b={\n", "==a ", "^a ", "[x] ", "a<br>", "**<br>x", "<sup>", "$$a ", "/// note\n",
    "--8<--\n", "`<br>", "<A b={c=>\n", "[TOC]\n\n",
    ":a", ":a:", ":material-", "++a", "++a+", "^^a", "{{< a\n", "<p markdown>",
]  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
def test_marks_without_an_end_are_read_in_linear_time(shape: str) -> None:
    start = time.process_time()
    lines(shape * (100_000 // len(shape)))
    lines("<A>\n" * 5_000 + "</A>\n" * 5_000)
    assert time.process_time() - start < 10
