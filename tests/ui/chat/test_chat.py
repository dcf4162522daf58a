"""The chat as a study companion, in a real browser: journeys, keyboard, languages, mishaps."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from gradio_client import Client
from playwright.sync_api import Browser, Page, Route, expect
from running import Server
from visiting import SIZES, Visit

QUESTION = {
    "ko-KR": "볼륨은 어디에 저장되나요?",
    "en-US": "What is the difference between an image and a container?",
}


@pytest.fixture
def visit(browser: Browser, server: Server) -> Iterator[Visit]:
    opened = open_chat(browser, server, "ko-KR", "desktop")
    yield opened
    opened.page.context.close()


def open_chat(browser: Browser, server: Server, locale: str, size: str, path: str = "/") -> Visit:
    opened = Visit(browser, server, locale, size)
    opened.page.goto(path)
    expect(opened.page.locator("#box textarea")).to_be_visible(timeout=20_000)
    hint = "노트에 물어보세요…" if locale == "ko-KR" else "Ask the notes…"
    expect(opened.page.locator("#box textarea")).to_have_attribute("placeholder", hint)
    return opened


def serious(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [
        f"{item['id']}: {node['html'][:120]}"
        for item in found
        if item["impact"] in ("serious", "critical")
        for node in item["nodes"]
    ]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("locale", QUESTION)
@pytest.mark.parametrize("dark", [False, True])
def test_axe_finds_nothing_serious(
    browser: Browser,
    server: Server,
    locale: str,
    size: str,
    dark: bool,
) -> None:
    visit = open_chat(browser, server, locale, size)
    if dark:
        visit.page.locator('[data-do="dark"]').click()
        expect(visit.page.locator("body")).to_have_class("dark")
        # Colours change over a moment.
        visit.page.wait_for_timeout(500)
    assert serious(visit.page) == []
    visit.ask(QUESTION[locale])
    visit.ask("비행기 표는 어떻게 환불하나요?")
    assert serious(visit.page) == []
    visit.shot(f"chat-{locale}-{size}-{'dark' if dark else 'light'}")
    visit.assert_clean()


class TestKeyboard:
    def test_the_box_has_focus_and_enter_sends(self, visit: Visit) -> None:
        visit.page.keyboard.type("도커가 뭐야")
        visit.page.keyboard.press("Enter")
        expect(visit.page.locator(".note-card")).to_have_count(1, timeout=20_000)

    @pytest.mark.parametrize("sent", ["Enter", "button"])
    def test_what_gradio_did_not_hear_is_asked(self, visit: Visit, sent: str) -> None:
        box = visit.page.locator("#box textarea")
        # As while the page is put together: what is typed reaches no one but the box.
        visit.page.evaluate("addEventListener('input', (e) => e.stopImmediatePropagation(), true)")
        box.fill("도커가 뭐야")
        if sent == "Enter":
            box.press("Enter")
        else:
            visit.page.locator("#box .submit-button").click()
        expect(visit.page.locator(".note-question")).to_have_text("도커가 뭐야", timeout=20_000)
        expect(box).to_have_value("")

    def test_shift_enter_makes_a_line(self, visit: Visit) -> None:
        box = visit.page.locator("#box textarea")
        box.fill("도커가")
        box.press("Shift+Enter")
        assert box.input_value() == "도커가\n"
        expect(visit.page.locator(".note-card")).to_have_count(0)

    def test_arrow_up_recalls_the_last_question(self, visit: Visit) -> None:
        visit.ask("도커가 뭐야")
        box = visit.page.locator("#box textarea")
        expect(box).to_have_value("")
        box.press("ArrowUp")
        expect(box).to_have_value("도커가 뭐야")

    @pytest.mark.parametrize("said", [{"isComposing": True}, {"keyCode": 229}])
    def test_enter_that_ends_a_syllable_sends_nothing(
        self, visit: Visit, said: dict[str, Any]
    ) -> None:
        box = visit.page.locator("#box textarea")
        box.fill("볼륨이 뭐야")
        visit.page.evaluate(
            """(said) => {
                const box = document.querySelector("#box textarea");
                box.dispatchEvent(new CompositionEvent("compositionstart", {bubbles: true}));
                box.dispatchEvent(new KeyboardEvent("keydown",
                    {key: "Enter", bubbles: true, cancelable: true, ...said}));
                box.dispatchEvent(new CompositionEvent("compositionend", {bubbles: true}));
            }""",
            said,
        )
        box.press("Enter")
        expect(visit.page.locator(".note-card")).to_have_count(1, timeout=20_000)
        visit.page.wait_for_timeout(500)
        expect(visit.page.locator(".note-card")).to_have_count(1)
        assert visit.page.locator(".note-question").inner_text() == "볼륨이 뭐야"


class TestConversation:
    def test_it_stays_when_the_page_is_loaded_again(self, visit: Visit) -> None:
        visit.ask("도커 볼륨이 뭐야")
        visit.ask("어디에 저장돼?")
        visit.page.reload()
        expect(visit.page.locator(".note-question")).to_have_text(
            ["도커 볼륨이 뭐야", "어디에 저장돼?"], timeout=20_000
        )
        visit.assert_clean()

    def test_a_new_one_begins_empty_and_stays_empty(self, visit: Visit) -> None:
        visit.ask("도커 볼륨이 뭐야")
        visit.page.locator('[data-do="fresh"]').click()
        expect(visit.page.locator(".note-turn")).to_have_count(0)
        expect(visit.page.locator(".note-topics")).to_be_visible()
        visit.page.wait_for_timeout(500)
        visit.page.reload()
        expect(visit.page.locator("#box textarea")).to_be_visible(timeout=20_000)
        visit.page.wait_for_timeout(1000)
        expect(visit.page.locator(".note-turn")).to_have_count(0)

    def test_what_is_open_stays_open_when_the_next_answer_comes(self, visit: Visit) -> None:
        visit.ask("도커 볼륨이 뭐야")
        folded = visit.page.locator("details.note-passage summary").first
        folded.click()
        visit.ask("VM이랑 차이가 뭐야")
        expect(visit.page.locator("details.note-passage").first).to_have_attribute("open", "")

    def test_two_visitors_do_not_share_one(self, browser: Browser, server: Server) -> None:
        first = open_chat(browser, server, "ko-KR", "desktop")
        second = open_chat(browser, server, "ko-KR", "desktop")
        first.ask("도커 볼륨이 뭐야")
        second.ask("VM은 뭐가 무거워?")
        expect(first.page.locator(".note-question")).to_have_text(["도커 볼륨이 뭐야"])
        expect(second.page.locator(".note-question")).to_have_text(["VM은 뭐가 무거워?"])


class TestLinks:
    def test_an_address_asks_a_question_once(self, browser: Browser, server: Server) -> None:
        visit = open_chat(browser, server, "ko-KR", "desktop", "/?q=도커가 뭐야")
        expect(visit.page.locator(".note-question")).to_have_text(["도커가 뭐야"], timeout=20_000)
        assert "q=" not in visit.page.url
        visit.page.reload()
        expect(visit.page.locator(".note-question")).to_have_text(["도커가 뭐야"], timeout=20_000)
        visit.assert_clean()

    def test_an_address_names_the_section_to_ask_about(
        self,
        browser: Browser,
        server: Server,
    ) -> None:
        path = "/?about=docker%23데이터-영속성-volumes"
        visit = open_chat(browser, server, "ko-KR", "desktop", path)
        expect(visit.page.locator(".note-message")).to_contain_text(
            "‘데이터 영속성 (Volumes)’에 대해 물어보세요.", timeout=20_000
        )
        visit.ask("백업은 쉬워?")
        place = visit.page.locator(".note-card").last.locator(".note-place").first
        expect(place).to_contain_text("데이터 영속성 (Volumes)")

    def test_copies_are_the_words_with_their_link(self, visit: Visit) -> None:
        visit.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        visit.ask("볼륨은 어디에 저장되나요?")
        visit.page.locator('[data-do="copy"]').first.click()
        expect(visit.page.locator("#heard")).to_have_text("복사했어요.")
        copied = visit.page.evaluate("navigator.clipboard.readText()")
        assert copied.startswith("> ")
        assert "](http://127.0.0.1:" in copied
        visit.page.locator('[data-do="share"]').first.click()
        visit.page.wait_for_function("navigator.clipboard.readText().then(t => t.includes('?q='))")

    def test_chips_ask_what_comes_next(self, visit: Visit) -> None:
        visit.ask("도커 볼륨이 뭐야")
        chip = visit.page.locator(".note-next a.note-chip").first
        question = chip.inner_text()
        chip.click()
        expect(visit.page.locator(".note-question").last).to_have_text(question, timeout=20_000)
        visit.assert_clean()

    def test_what_was_mended_can_be_searched_as_typed(self, visit: Visit) -> None:
        visit.ask("ehzj zjsxpdlsj")
        visit.page.locator('[data-do="as-typed"]').click()
        expect(visit.page.locator(".note-card")).to_have_count(2, timeout=20_000)
        last = visit.page.locator(".note-card").last
        expect(last).not_to_contain_text("‘도커 컨테이너’로 찾은 결과예요.")


def test_a_vote_reaches_the_notes_author(browser: Browser, server: Server) -> None:
    visit = open_chat(browser, server, "en-US", "desktop")
    visit.ask("How do volumes and bind mounts compare in speed?")
    vote = visit.page.locator(".note-vote").first
    vote.locator('[data-do="no"]').click()
    expect(vote.locator(".note-thanks")).to_be_visible()
    vote.get_by_text("Something is missing").click()
    expect(vote.locator(".note-thanks")).to_be_visible()
    visit.page.wait_for_timeout(300)
    gaps = httpx.get(f"{server.url}/api/v1/gaps", timeout=60).json()["gaps"]
    mine = next(gap for gap in gaps if "compare in speed" in json.dumps(gap["examples"]))
    assert mine["voted_down"] == 1
    assert mine["comments"] == ["Something is missing"]
    visit.assert_clean()


def test_the_switch_turns_every_label(visit: Visit) -> None:
    visit.ask("볼륨은 어디에 저장되나요?")
    card = visit.page.locator(".note-card").first
    expect(card.get_by_text("노트에서 보기")).to_be_visible()
    visit.page.locator('[data-language="en"]').click()
    expect(card.get_by_text("Open in the notes")).to_be_visible()
    expect(card.get_by_text("노트에서 보기")).to_be_hidden()
    expect(card.get_by_text("The notes are in Korean")).to_be_visible()
    expect(visit.page.locator("html")).to_have_attribute("lang", "en")


class TestMishaps:
    def test_a_server_away_keeps_the_question_and_tries_again(self, visit: Visit) -> None:
        page = visit.page
        page.route("**/queue/join*", lambda route: route.abort())
        page.locator("#box textarea").fill("볼륨이 뭐야")
        page.locator("#box textarea").press("Enter")
        expect(page.locator(".note-away")).to_contain_text("서버에 연결할 수 없어요")
        page.unroute("**/queue/join*")
        page.locator(".note-away button").click()
        expect(page.locator(".note-question")).to_have_text(["볼륨이 뭐야"], timeout=20_000)
        expect(page.locator(".note-away")).to_have_count(0)

    def test_a_slow_answer_is_announced(self, visit: Visit) -> None:
        page = visit.page
        held: list[Route] = []
        page.route("**/queue/join*", lambda route: held.append(route))
        page.locator("#box textarea").fill("볼륨이 뭐야")
        page.locator("#box textarea").press("Enter")
        expect(page.locator(".note-waiting")).to_have_text("찾는 중…")
        held[0].continue_()
        expect(page.locator(".note-card")).to_have_count(1, timeout=20_000)
        expect(page.locator(".note-waiting")).to_have_count(0)

    def test_screen_readers_hear_the_answer(self, visit: Visit) -> None:
        visit.ask("볼륨은 어디에 저장되나요?")
        quote = visit.page.locator(".note-quote").first.inner_text()
        expect(visit.page.locator("#heard[role=status]")).to_have_text(quote)


def test_twenty_learners_at_once_are_not_mixed_up(server: Server) -> None:
    def learn(number: int) -> list[bool]:
        client = Client(server.url, verbose=False)
        found = []
        for turn in range(5):
            question = f"볼륨은 어디에 저장돼? {number}-{turn}"
            found.append(question in client.predict(question, api_name="/ask")[1])
        return found

    with ThreadPoolExecutor(20) as pool:
        answered = list(pool.map(learn, range(20)))
    assert answered == [[True] * 5] * 20
