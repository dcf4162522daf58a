"""The widget in the pages of a wiki: another origin, a strict policy, the real browser."""

import base64
import gzip
import hashlib
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx
import pytest
from playwright.sync_api import Browser, expect
from running import ROOT, Server, free_port
from running import server as run_server
from visiting import SHOTS
from wiki_site import Reading, Wiki, wiki

HOSTILE = """# <img src=x onerror="window.broken=1">Attack

The attack uses <script>window.broken=1</script> and <img src=x onerror="window.broken=1"> and
<svg onload="window.broken=1"></svg> in the notes about attack vectors.

- [click](javascript:window.broken=1) and [data](data:text/html,<script>window.broken=1</script>)
- ![picture](https://elsewhere.example/x.png) and [a page](https://elsewhere.example/)
- `<script>window.broken=1</script>` is code about the attack.

| attack | value |
| --- | --- |
| <iframe src="javascript:window.broken=1"></iframe> row | <b onclick="window.broken=1">bold</b> |
"""
VOLUMES = "컨테이너를 지우면 데이터는 어떻게 되나요?"
COMPARE = "How does Docker compare with a VM in security?"


@pytest.fixture(scope="module")
def site(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wiki]:
    """Return a wiki whose pages may ask a public server."""
    folder = tmp_path_factory.mktemp("widget") / "data"
    shutil.copytree(server.data_dir, folder, ignore=shutil.ignore_patterns("feedback*"))
    port = free_port()
    origins = ("--cors-origins", f"http://wiki.localhost:{port}")
    with (
        run_server(folder, "--public", "--rate-limit", "9999/minute", *origins) as running,
        wiki(running.url, port) as served,
    ):
        yield served


Read = Callable[..., Reading]


def plain(markdown: str) -> str:
    """Return the words of the notes here without their form."""
    return re.sub(r"[*`]", "", markdown)


@pytest.fixture
def read(browser: Browser) -> Iterator[Read]:
    """Return what visits a page; at the end nothing may have gone wrong on any."""
    visits: list[Reading] = []

    def visit(url: str, **options: Any) -> Reading:
        visits.append(Reading(browser, url, **options))
        return visits[-1]

    yield visit
    for each in visits:
        each.leave()


# --- The script


def test_any_site_may_load_the_script(site: Wiki) -> None:
    url = f"{site.service}/widget.js"
    for origin in (site.url, "https://elsewhere.example"):
        found = httpx.get(url, headers={"Origin": origin, "Sec-Fetch-Site": "cross-site"})
        assert found.status_code == 200
        assert found.headers["access-control-allow-origin"] in ("*", origin)
        assert found.headers["content-type"] == "text/javascript; charset=utf-8"
        assert found.headers["cross-origin-resource-policy"] == "cross-origin"
        assert found.headers["cache-control"] == "public, max-age=3600"
    tag = found.headers["etag"]
    for known in (tag, f'"other", W/{tag}', "*"):
        again = httpx.get(url, headers={"If-None-Match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert httpx.get(url, headers={"If-None-Match": '"other"'}).status_code == 200
    assert httpx.head(url).headers["etag"] == tag


def test_the_script_is_as_small_as_the_manual_says(site: Wiki) -> None:
    script = httpx.get(f"{site.service}/widget.js").content
    assert len(script) < 15_000
    whole, packed = len(script) / 1000, len(gzip.compress(script, 9)) / 1000
    said = f"It is {whole:.1f} kB, {packed:.1f} kB compressed"
    assert said in (ROOT / "docs" / "wiki.md").read_text()


# --- A reader asks


@pytest.mark.parametrize(
    ("lang", "question"), [("ko", VOLUMES), ("en", "What is Docker Compose for?")]
)
def test_a_reader_asks_and_reads_on(site: Wiki, read: Read, lang: str, question: str) -> None:
    seen = read(site.page(site.widget(), lang=lang))
    with seen.page.expect_response(f"{site.service}/api/v1/ask") as answered:
        card = seen.ask(question)
    first = answered.value.json()["passages"][0]
    best = first["highlights"][0]
    # Labels in the page's language, the question in its own, the answer in the notes'.
    assert card.locator("xpath=ancestor::div[@lang]").last.get_attribute("lang") == lang
    expect(card.locator("h3")).to_have_attribute("lang", lang)
    lead = card.locator(".lead")
    expect(lead).to_have_attribute("lang", "ko")
    expect(lead).to_have_text(plain(first["text"][best["start"] : best["end"]]))
    assert lead.locator("mark").count() > 0
    helped = {"ko": "도움이 됐나요?", "en": "Did this help?"}[lang]
    expect(card.get_by_role("group", name=helped)).to_be_visible()
    foreign = card.get_by_text("The notes are in Korean, and quoted as written.")
    expect(foreign).to_have_count(1 if lang == "en" else 0)
    links = card.locator("a").evaluate_all("all => all.map(a => a.href)")
    assert links
    assert all(each.startswith(f"{site.service}/notes/docker#") for each in links)
    expect(card.locator("li a")).to_have_count(2)
    place = card.get_by_role("link", name=" › ".join(first["section"]["path"]))
    with seen.page.expect_popup() as opened:
        place.click()
    opened.value.wait_for_load_state()
    assert unquote(opened.value.url).startswith(f"{site.service}/notes/docker#")


def test_labels_follow_the_element_then_the_page_then_the_browser(site: Wiki, read: Read) -> None:
    url = site.page(site.widget(), site.widget('lang="ko"'), lang="en-GB")
    seen = read(url, locale="ko-KR")
    expect(seen.widget(0).get_by_role("button", name="Send")).to_be_visible()
    expect(seen.widget(1).get_by_role("button", name="보내기")).to_be_visible()
    for lang, name in (("ko-KR", "보내기"), ("en-US", "Send")):
        unsaid = read(site.page(site.widget(), lang=""), locale=lang)
        expect(unsaid.widget().get_by_role("button", name=name)).to_be_visible()
    # What the notes do not cover is said in the question's language.
    card = seen.ask("비행기 표는 어떻게 환불하나요?")
    expect(card.locator(".said")).to_have_text("노트에 ‘비행기’, ‘환불’은 나오지 않아요.")
    expect(card.locator(".said")).to_have_attribute("lang", "ko")


@pytest.mark.parametrize(
    ("question", "said", "lead", "links"),
    [
        ("is docker free", "This may not be the exact answer.", 1, 3),
        ("best pasta recipe", "The notes do not mention ‘pasta’.", 0, 1),
        ("hello", "Hello!", 0, 0),
    ],
)
def test_each_grade_is_shown_as_such(
    site: Wiki, read: Read, question: str, said: str, lead: int, links: int
) -> None:
    card = read(site.page(site.widget())).ask(question)
    expect(card.locator(".said")).to_contain_text(said)
    expect(card.locator(".lead")).to_have_count(lead)
    expect(card.locator("a")).to_have_count(links)
    expect(card.get_by_role("group", name="Did this help?")).to_have_count(1 if links else 0)
    if not lead and links:
        expect(card.get_by_text("The closest section:")).to_be_visible()


def test_a_mended_question_may_be_asked_as_typed(site: Wiki, read: Read) -> None:
    seen = read(site.page(site.widget(), lang="ko"))
    card = seen.ask("ehzj zjsxpdlsj")
    expect(card.get_by_text("‘도커 컨테이너’로 찾은 결과예요.")).to_be_visible()
    with seen.page.expect_request(f"{site.service}/api/v1/ask") as sent:
        card.get_by_role("button", name="그대로 찾기").click()
    # Alone, too: a question that was joined with those before it is asked anew.
    assert sent.value.post_data_json == {"question": '"ehzj zjsxpdlsj"', "history": []}
    expect(seen.widget().locator("h3").first).to_have_text('"ehzj zjsxpdlsj"')


def test_a_question_may_follow_up_on_ten_before(site: Wiki, read: Read) -> None:
    seen = read(site.page(site.widget(), lang="ko"))
    asked = [f"볼륨이 뭐야{'?' * number}" for number in range(1, 12)]
    for question in asked:
        seen.ask(question)
    with seen.page.expect_request(f"{site.service}/api/v1/ask") as sent:
        card = seen.ask("그건 어디에 저장돼?")
    assert sent.value.post_data_json == {"question": "그건 어디에 저장돼?", "history": asked[1:]}
    assert (
        unquote(str(card.locator("a").first.get_attribute("href")))
        .split("#")[1]
        .startswith("데이터-영속성-volumes")
    )
    # Nothing of it is kept for another visit.
    seen.page.reload()
    with seen.page.expect_request(f"{site.service}/api/v1/ask") as sent:
        seen.ask("그건 어디에 저장돼?")
    assert sent.value.post_data_json["history"] == []


def test_votes_are_kept_and_may_change(site: Wiki, read: Read) -> None:
    seen = read(site.page(site.widget()))
    card = seen.ask(COMPARE)
    answer = f"{site.service}/api/v1/feedback"
    for name, helpful in (("👎 No", False), ("👍 Yes", True)):
        with seen.page.expect_response(answer) as kept:
            card.get_by_role("button", name=name).click()
        assert kept.value.status == 200
        assert kept.value.json()["helpful"] is helpful
        expect(card.get_by_text("Thank you.")).to_be_visible()
        pressed = card.locator('[aria-pressed="true"]')
        expect(pressed).to_have_text([name])


# --- Markdown


def test_tables_code_and_lists_are_shown_as_such(site: Wiki, read: Read) -> None:
    seen = read(site.page(site.widget(), lang="ko"))
    card = seen.ask(COMPARE)
    # The row that answers is read out: of what each value is, is said with it.
    cell = card.locator(".lead td").nth(1)
    said = cell.evaluate("cell => getComputedStyle(cell, '::before').content")
    assert said == '"VM (가상 머신): "'
    expect(card.locator(".lead td")).to_have_count(3)
    card.locator("summary").click()
    expect(card.locator("details tr")).to_have_count(5)
    row = card.locator(".lead td").first.inner_text()
    expect(card.locator("details tr", has_text=row).locator("mark")).to_have_count(3)
    card = seen.ask("docker compose down은 뭘 해?")
    card.locator("summary").click()
    expect(card.locator("details pre code")).to_contain_text("services:\n  web:\n    build: .\n")
    expect(card.locator("details li li").first).to_be_visible()


def test_marks_are_true_to_the_character(site: Wiki, read: Read) -> None:
    seen = read(site.page(site.widget(), lang="ko"))
    with seen.page.expect_response(f"{site.service}/api/v1/ask") as answered:
        card = seen.ask("레이어 캐시는 어떻게 써?")
    passage = answered.value.json()["passages"][0]
    best, *_ = passage["highlights"]
    lead = passage["text"][best["start"] : best["end"]]
    assert card.locator(".lead").text_content() == plain(lead)
    marks = card.locator("details mark").evaluate_all("all => all.map(m => m.textContent)")
    words = [passage["text"][h["start"] : h["end"]] for h in passage["highlights"]]
    in_order = sorted(words, key=passage["text"].index)
    assert "".join(marks) == plain("".join(in_order))


# --- Keyboard and input methods


def test_the_panel_is_worked_by_keyboard_alone(site: Wiki, read: Read) -> None:
    seen = read(site.page(site.widget("floating label='Ask the handbook'")))
    page = seen.page
    # The page's own shortcuts hear nothing of what is typed.
    page.evaluate("() => { heard = []; document.onkeydown = (event) => heard.push(event.key) }")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    panel = page.get_by_role("dialog", name="Ask the handbook")
    expect(panel).to_be_visible()
    expect(panel.get_by_role("textbox", name="Ask the handbook")).to_be_focused()
    page.keyboard.type("What is a / volume?")
    page.keyboard.press("Enter")
    expect(panel.locator(".lead")).to_be_visible()
    assert page.evaluate("heard") == ["Tab", "Enter"]
    for _ in range(20):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.localName") in ("notes-assistant", "body")
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(page.get_by_role("button", name="Ask the handbook")).to_be_focused()
    # What was asked is there when it opens again.
    page.keyboard.press("Enter")
    expect(panel.locator(".lead")).to_be_visible()
    panel.get_by_role("button", name="Close").press("Space")
    expect(panel).to_be_hidden()


def test_enter_that_ends_a_syllable_sends_nothing(site: Wiki, read: Read) -> None:
    seen = read(site.page(site.widget(), lang="ko"))
    box = seen.widget().locator("textarea")
    box.focus()
    session = seen.context.new_cdp_session(seen.page)
    for text in ("ㅂ", "보", "볼"):
        place = {"selectionStart": 1, "selectionEnd": 1}
        session.send("Input.imeSetComposition", {"text": text, **place})
    for said in ({"isComposing": True}, {"keyCode": 229}):
        box.evaluate(
            "(box, said) => box.dispatchEvent(new KeyboardEvent('keydown', "
            "{key: 'Enter', bubbles: true, composed: true, cancelable: true, ...said}))",
            said,
        )
    session.send("Input.insertText", {"text": "볼륨이 뭐야"})
    box.press("Shift+Enter")
    expect(box).to_have_value("볼륨이 뭐야\n")
    expect(seen.widget().locator("article")).to_have_count(0)
    box.press("Enter")
    expect(seen.widget().locator("h3")).to_have_text("볼륨이 뭐야")
    expect(box).to_have_value("")
    expect(seen.widget().locator(".lead")).to_be_visible()


# --- How it looks


@pytest.mark.parametrize("dark", ["", "page", "attribute"])
def test_axe_finds_nothing_serious(site: Wiki, read: Read, dark: str) -> None:
    theme = 'theme="dark"' if dark == "attribute" else ""
    url = site.page(site.widget(theme), site.widget(f"floating {theme}"))
    seen = read(url, color_scheme="dark" if dark == "page" else "light")
    assert seen.faults() == []
    paper = seen.widget().locator(".box").evaluate("box => getComputedStyle(box).backgroundColor")
    assert paper == ("rgb(29, 32, 37)" if dark else "rgb(255, 255, 255)")
    card = seen.ask(COMPARE)
    card.locator("summary").click()
    seen.ask("best pasta recipe")
    assert seen.faults() == []
    seen.page.screenshot(path=SHOTS / f"widget-{dark or 'light'}.png", full_page=True)
    seen.widget(1).locator(".open").click()
    seen.ask("What is Docker Compose for?", 1)
    assert seen.faults() == []
    seen.page.screenshot(path=SHOTS / f"widget-panel-{dark or 'light'}.png")


def test_it_fits_a_narrow_page(site: Wiki, read: Read) -> None:
    url = site.page(site.widget(), site.widget("floating"), lang="ko")
    seen = read(url, viewport={"width": 320, "height": 568})
    for number in (0, 1):
        if number:
            seen.widget(1).locator(".open").click()
        seen.ask(COMPARE, number).locator("summary").click()
        box = seen.widget(number).locator(".box").bounding_box()
        assert box
        assert 0 <= box["x"] <= box["x"] + box["width"] <= 320
        seen.page.screenshot(path=SHOTS / f"widget-narrow-{number}.png")
    assert seen.page.evaluate("document.documentElement.scrollWidth") <= 320
    assert 0 <= box["y"] <= box["y"] + box["height"] <= 568


def test_the_wiki_has_its_say_in_colours(site: Wiki, read: Read) -> None:
    seen = read(site.page(site.widget()))
    sheet = "notes-assistant { --notes-accent: rgb(1, 2, 3); color-scheme: dark; } * { color: red }"
    seen.page.evaluate(
        "css => { const sheet = new CSSStyleSheet(); sheet.replaceSync(css); "
        "document.adoptedStyleSheets = [sheet]; }",
        sheet,
    )
    style = "(part, name) => getComputedStyle(part)[name]"
    assert seen.widget().locator(".send").evaluate(style, "backgroundColor") == "rgb(1, 2, 3)"
    assert seen.widget().locator(".box").evaluate(style, "backgroundColor") == "rgb(29, 32, 37)"


# --- Slow, away, hostile


def test_a_slow_answer_keeps_what_is_typed_and_disturbs_no_other(site: Wiki, read: Read) -> None:
    seen = read(site.page(site.widget(endpoint=f"{site.url}/late"), site.widget(), lang="ko"))
    site.go.clear()
    first, box = seen.widget(0), seen.widget(0).locator("textarea")
    box.fill("볼륨이 뭐야?")
    box.press("Enter")
    expect(first.locator("article")).to_contain_text("찾는 중…")
    expect(first.get_by_role("status")).to_have_text("찾는 중…")
    seen.ask("도커가 뭐야?", 1)
    box.fill("그건 어디에")
    box.press("Enter")
    site.go.set()
    expect(first.locator(".lead")).to_be_visible()
    expect(first.locator("article")).to_have_count(1)
    expect(first.get_by_role("status")).to_have_text(first.locator(".lead").inner_text())
    expect(box).to_have_value("그건 어디에")
    expect(box).to_be_focused()


def test_taken_out_of_the_page_it_asks_no_more(site: Wiki, read: Read) -> None:
    seen = read(site.page(site.widget(endpoint=f"{site.url}/late/")))
    site.go.clear()
    box = seen.widget().locator("textarea")
    box.fill(COMPARE)
    box.press("Enter")
    expect(seen.widget().locator("article")).to_contain_text("Looking it up…")
    with seen.page.expect_event("requestfailed") as stopped:
        seen.page.evaluate("taken = document.querySelector('notes-assistant'); taken.remove()")
    assert stopped.value.failure == "net::ERR_ABORTED"
    site.go.set()
    # Put back, it has the question, and answers.
    seen.page.evaluate("document.querySelector('main').append(taken)")
    expect(box).to_have_value(COMPARE)
    expect(seen.widget().locator("article")).to_have_count(0)
    box.press("Enter")
    expect(seen.widget().locator(".lead")).to_be_visible()


def test_what_never_comes_is_given_up(site: Wiki, read: Read) -> None:
    seen = read(site.page(site.widget(endpoint=f"{site.url}/late")))
    site.go.clear()
    seen.page.clock.install()
    box = seen.widget().locator("textarea")
    box.fill(COMPARE)
    box.press("Enter")
    seen.page.clock.fast_forward(36_000)
    expect(seen.widget().locator(".said")).to_have_text(
        "No answer just now. Ask again in a moment."
    )
    site.go.set()
    seen.widget().get_by_role("button", name="Try again").click()
    expect(seen.widget().locator(".lead")).to_be_visible()


def test_a_service_not_to_be_trusted_executes_nothing(site: Wiki, read: Read) -> None:
    bad = "<img src=x onerror='window.broken=1'>"
    script = "javascript:window.broken=1"
    passage = {
        "text": f"{bad} [x]({script}) [y]({script.upper()}) ![z]({script}) "
        + "**a *b `c [" * 30000,
        "highlights": [{"start": 0, "end": 60}],
        "section": {"title": bad, "path": [bad]},
        "document": {"language": "ko"},
        "url": script,
        "highlight_url": script,
    }
    site.answer = {
        "id": "1", "query": bad, "message": bad, "language": "en", "corrected_from": None,
        "passages": [passage, passage], "closest": None,
    }  # fmt: skip
    seen = read(site.page(site.widget(endpoint=f"{site.url}/told")))
    card = seen.ask("שלום, מה זה?")
    expect(card.locator(".lead")).to_have_attribute("lang", "ko")
    expect(card.locator("a, img, script")).to_have_count(0)
    assert bad in card.locator(".said").inner_text()
    assert card.locator("h3").evaluate("h => getComputedStyle(h).direction") == "rtl"


def test_links_by_label_lead_where_the_notes_say(site: Wiki, read: Read) -> None:
    text = (
        "See the [pilot\nboat][boat][^late] and `[boat]`, [no one][x], 2<sup>10</sup>, ==marked==."
    )
    passage = {
        "text": text,
        "references": "[boat]: https://example.com/boat\n[pilot boat]: /no\n[^late]: At seven.",
        "highlights": [{"start": 0, "end": len(text)}],
        "section": {"title": "Ships", "path": ["Ships"]},
        "document": {"language": "en"},
        "url": f"{site.url}/ships",
        "highlight_url": f"{site.url}/ships",
    }
    site.answer = {
        "id": "1", "query": "boat", "message": None, "language": "en", "corrected_from": None,
        "passages": [passage], "closest": None,
    }  # fmt: skip
    lead = read(site.page(site.widget(endpoint=f"{site.url}/told"))).ask("boat").locator(".lead")
    expect(lead.locator("a")).to_have_attribute("href", "https://example.com/boat")
    expect(lead).to_have_text("See the pilot boat and [boat], [no one][x], 210, marked.")
    expect(lead.locator("sup")).to_have_text("10")


@pytest.fixture(scope="module")
def frail(
    models_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Wiki, Callable[[], Server]]]:
    """Return a wiki with links of its own, and what starts its server anew, with hostile notes."""
    folder = tmp_path_factory.mktemp("frail")
    (folder / "notes").mkdir()
    (folder / "notes" / "attack.md").write_text(HOSTILE)
    own, port = free_port(), free_port()
    origin = f"http://wiki.localhost:{own}"
    options = [
        *("--corpus", str(folder / "notes"), "--public", "--port", str(port)),
        *("--rate-limit", "2/minute", "--cors-origins", origin),
        *("--link-template", f"{origin}/wiki/{{document}}#{{anchor}}"),
    ]
    with ExitStack() as stack, wiki(f"http://127.0.0.1:{port}", own) as served:
        yield served, lambda: stack.enter_context(run_server(folder / "data", *options))


def test_a_server_goes_away_and_comes_back(
    frail: tuple[Wiki, Callable[[], Server]], browser: Browser
) -> None:
    site, start = frail
    running = start()
    seen = Reading(browser, site.page(site.widget(), lang="ko"))
    widget, box = seen.widget(), seen.widget().locator("textarea")
    question = "attack vectors <img src=x onerror=window.broken=1>"
    running.process.kill()
    running.process.wait()
    seen.page.clock.install()
    box.fill(question)
    box.press("Enter")
    again = widget.get_by_role("button", name="다시 시도")
    expect(again).to_be_visible()
    expect(widget.locator(".said")).to_have_text("서버에 연결할 수 없어요.")
    expect(widget.get_by_role("status")).to_have_text("서버에 연결할 수 없어요.")
    expect(box).to_have_value(question)
    running = start()
    again.click()
    card = widget.locator("article")
    expect(card.locator(".lead")).to_be_visible()
    expect(card).to_have_count(1)
    expect(box).to_have_value("")
    # Hostile notes: they are words, and links of the web only, into the wiki by its template.
    card.locator("summary").click()
    expect(card.locator("img, script, svg, iframe")).to_have_count(0)
    links = card.locator("a").evaluate_all("all => all.map(a => a.href)")
    own = [link for link in links if link.startswith(f"{site.url}/wiki/attack#")]
    assert own
    assert set(links) - set(own) <= {"https://elsewhere.example/"}
    # More than two in a minute are too many: how long to wait is said, and kept to.
    seen.ask("code about the attack")
    box.fill("attack row")
    box.press("Enter")
    expect(
        widget.get_by_role("button", name=re.compile(r"^\d\d초 뒤에 다시 시도$"))
    ).to_be_visible()
    expect(widget.locator(".failed .said").first).to_contain_text("지금은 답할 수 없어요.")
    expect(widget.locator(".failed .said").last).to_contain_text("At most 2 are allowed.")
    box.press("Enter")
    expect(widget.get_by_role("status")).to_contain_text("초 뒤에 다시 시도")
    expect(widget.locator("article")).to_have_count(3)
    seen.page.clock.fast_forward(61_000)
    expect(again).to_be_visible()
    running.process.kill()
    running.process.wait()
    start()
    box.press("Enter")
    expect(widget.locator("article .lead")).to_have_count(3)
    # What the browser itself says of refused requests is all that was said.
    assert all("Failed to load resource" in error for error in seen.errors)
    seen.errors.clear()
    seen.leave()


# --- Pages


def test_the_demonstration_runs_as_it_stands(site: Wiki, read: Read) -> None:
    page = (ROOT / "docs" / "widget-demo.html").read_text()
    site.pages["/demo"] = page.replace("http://127.0.0.1:7860", site.service)
    seen = read(f"{site.url}/demo")
    seen.ask("What is a bind mount?", 0)
    seen.ask("바인드 마운트가 뭐야?", 1)
    seen.widget(2).locator(".open").click()
    seen.ask("best pasta recipe", 2)
    assert seen.page.evaluate("getComputedStyle(document.querySelector('main')).maxWidth") != "none"


def test_a_page_may_frame_the_chat(site: Wiki, browser: Browser) -> None:
    frame = f'<iframe title="notes" src="{site.service}/" width="600" height="600"></iframe>'
    site.pages["/framed"] = f"<!-- No Content-Security-Policy here. -->{frame}"
    seen = Reading(browser, f"{site.url}/framed")
    inside = seen.page.frame_locator("iframe")
    box = inside.locator("#box textarea")
    expect(box).to_have_attribute("placeholder", "Ask the notes…", timeout=20_000)
    box.fill(VOLUMES)
    box.press("Enter")
    expect(inside.locator(".note-quote mark").first).to_be_visible(timeout=20_000)
    seen.context.close()


def test_without_the_script_what_stands_inside_is_shown(site: Wiki, browser: Browser) -> None:
    link = '<a href="https://notes.example.com/">Ask the notes</a>'
    site.pages["/bare"] = f"<notes-assistant>{link}</notes-assistant>"
    seen = Reading(browser, f"{site.url}/bare")
    expect(seen.page.get_by_role("link", name="Ask the notes")).to_be_visible()
    seen.leave()


def test_the_demonstration_allows_its_own_style_alone() -> None:
    page = (ROOT / "docs" / "widget-demo.html").read_text()
    (style,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    hashed = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{hashed}'" in page
