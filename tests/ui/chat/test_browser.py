"""The chat and the reader in a real browser: Debian's Chromium, driven by Playwright."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, Locator, expect
from running import NOTES, ROOT, Server, environment
from running import server as run_server
from visiting import SHOTS, SIZES, Visit

from assistant.answering.messages import caveat, program_message

HOSTILE = """---
title: <script>window.broken=1</script>Hostile
---
# <img src=x onerror="window.broken=1">Attack

The attack uses <script>window.broken=1</script> and <img src=x onerror="window.broken=1"> and
<svg onload="window.broken=1"></svg> in the notes about attack vectors.

- [click](javascript:window.broken=1) and [data](data:text/html,<script>window.broken=1</script>)
- `<script>window.broken=1</script>` is code about the attack.

| attack | value |
| --- | --- |
| <iframe src="javascript:window.broken=1"></iframe> row | <b onclick="window.broken=1">bold</b> |
"""


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("locale", "question", "titles"),
    [
        (
            "ko-KR",
            "컨테이너를 지우면 데이터는 어떻게 되나요?",
            {"Image vs Container", "데이터 영속성 (Volumes)"},
        ),
        (
            "en-US",
            "What is the difference between an image and a container?",
            {"Image vs Container"},
        ),
    ],
)
def test_a_learner_asks_and_reads_on(
    browser: Browser, server: Server, locale: str, question: str, titles: set[str], size: str
) -> None:
    visit = Visit(browser, server, locale, size)
    page = visit.page
    page.goto("/")
    expect(page.locator("#box textarea")).to_be_visible(timeout=20_000)
    visit.shot(f"first-{locale}-{size}")
    visit.ask(question)
    card = page.locator(".note-card").last
    expect(card.locator(".note-quote mark")).to_be_visible()
    place = card.locator(".note-place").first.inner_text()
    title = next(title for title in titles if title in place)
    visit.shot(f"answer-{locale}-{size}")
    with page.expect_popup() as opened:
        card.locator(".note-place a").first.click()
    reader = opened.value
    reader.wait_for_load_state()
    heading = reader.locator("h2", has_text=title)
    expect(heading).to_have_count(1)
    assert urlsplit(reader.url).path == "/notes/docker"
    reader.screenshot(path=SHOTS / f"reader-{locale}-{size}.png")
    visit.assert_clean()


def test_a_link_to_a_section_lands_on_its_heading(browser: Browser, server: Server) -> None:
    visit = Visit(browser, server, "ko-KR", "desktop")
    visit.page.goto("/notes/docker#데이터-영속성-volumes")
    heading = visit.page.locator("h2#데이터-영속성-volumes")
    expect(heading).to_be_in_viewport()
    box = heading.bounding_box()
    assert box is not None
    assert 0 <= box["y"] < 200
    visit.assert_clean()


def test_every_link_in_the_contents_has_its_heading(browser: Browser, server: Server) -> None:
    visit = Visit(browser, server, "ko-KR", "desktop")
    visit.page.goto("/notes/docker")
    links = visit.page.locator('a[href^="#"]').evaluate_all("all => all.map(a => a.hash)")
    missing = visit.page.evaluate(
        "all => all.filter(h => !document.getElementById(decodeURIComponent(h.slice(1))))", links
    )
    assert len(links) > 12
    assert missing == []


@pytest.mark.parametrize(
    ("locale", "question", "said"),
    [
        ("ko-KR", "   ", "궁금한 것을 적어 주세요"),
        ("en-US", "🐳🐳", "글자"),
        ("en-US", "x" * 3000, "within 2,000 characters"),
        ("ko-KR", "가" * 3000, "2,000자"),
    ],
)
def test_what_cannot_be_asked_is_said_in_the_chat(
    browser: Browser, server: Server, locale: str, question: str, said: str
) -> None:
    visit = Visit(browser, server, locale, "desktop")
    visit.page.goto("/")
    expect(visit.page.locator("#box textarea")).to_be_visible(timeout=20_000)
    visit.ask(question)
    expect(visit.page.locator(".note-card").last).to_contain_text(said)
    visit.assert_clean()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("locale", "question", "said", "closest"),
    [
        (
            "ko-KR",
            "비행기 표는 어떻게 환불하나요?",
            "노트에 ‘비행기’, ‘환불’은 나오지 않아요.",
            "가장 가까운 섹션:",
        ),
        ("en-US", "best pasta recipe", "The notes do not mention ‘pasta’.", "The closest section:"),
    ],
)
def test_what_is_not_covered_is_said_with_the_closest_section(
    browser: Browser,
    server: Server,
    locale: str,
    question: str,
    said: str,
    closest: str,
    size: str,
) -> None:
    visit = Visit(browser, server, locale, size)
    page = visit.page
    page.goto("/")
    expect(page.locator("#box textarea")).to_be_visible(timeout=20_000)
    visit.ask(question)
    card = page.locator(".note-card").last
    expect(card.locator(".note-message")).to_have_text(said, use_inner_text=True)
    place = card.locator(".note-place")
    expect(place).to_have_count(1)
    expect(place).to_contain_text(closest)
    expect(place.locator("a")).to_have_count(1)
    expect(card.locator(".note-quote, .note-passage, mark, q, li")).to_have_count(0)
    if size == "desktop":
        box = place.bounding_box()
        assert box is not None
        assert box["height"] < 40
    visit.shot(f"not-covered-{locale}-{size}")
    with page.expect_popup() as opened:
        place.locator("a").click()
    opened.value.wait_for_load_state()
    assert urlsplit(opened.value.url).path == "/notes/docker"
    visit.assert_clean()


def test_a_corrected_question_says_what_was_searched(browser: Browser, server: Server) -> None:
    visit = Visit(browser, server, "ko-KR", "desktop")
    visit.page.goto("/")
    expect(visit.page.locator("#box textarea")).to_be_visible(timeout=20_000)
    visit.ask("ehzj zjsxpdlsj")
    card = visit.page.locator(".note-card").last
    expect(card.locator(".note-remark").first).to_have_text(
        "‘도커 컨테이너’로 찾은 결과예요.", use_inner_text=True
    )
    expect(card.locator(".note-quote mark")).to_be_visible()
    visit.shot("corrected")
    visit.assert_clean()


def test_examples_are_asked_by_a_click(browser: Browser, server: Server) -> None:
    visit = Visit(browser, server, "ko-KR", "desktop")
    visit.page.goto("/")
    chips = visit.page.locator(".note-examples .note-chip:visible")
    expect(chips.first).to_be_visible(timeout=20_000)
    chips.first.click()
    expect(visit.page.locator(".note-card")).to_have_count(1, timeout=20_000)
    expect(visit.page.locator(".note-quote")).to_be_visible()
    visit.assert_clean()


def test_swagger_needs_no_other_host(browser: Browser, server: Server) -> None:
    visit = Visit(browser, server, "en-US", "desktop")
    visit.page.goto("/docs")
    expect(visit.page.get_by_text("/api/v1/ask", exact=True)).to_be_visible()
    visit.shot("docs")
    visit.assert_clean()


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory, models_dir: Path) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "notes").mkdir()
    (folder / "notes" / "attack.md").write_text(HOSTILE)
    with run_server(folder / "data", "--corpus", str(folder / "notes")) as running:
        yield running


def test_hostile_notes_and_questions_execute_nothing(browser: Browser, hostile: Server) -> None:
    visit = Visit(browser, hostile, "en-US", "desktop")
    page = visit.page
    page.goto("/")
    expect(page.locator("#box textarea")).to_be_visible(timeout=20_000)
    for question in (
        "attack vectors <img src=x onerror=window.broken=1>",
        "<script>window.broken=1</script> code about the attack",
        "attack row [x](javascript:window.broken=1)",
    ):
        visit.ask(question)
    schemes = page.locator(".note-card a").evaluate_all("all => all.map(a => a.protocol)")
    assert set(schemes) <= {"http:"}
    assert page.evaluate("window.broken") is None
    page.goto("/notes/attack")
    expect(page.locator("main")).to_contain_text("attack")
    assert page.evaluate("window.broken") is None
    schemes = page.locator("a").evaluate_all("all => all.map(a => a.protocol)")
    assert set(schemes) <= {"http:", "https:", ":", ""}
    assert visit.elsewhere == []


# What was understood of a conversation: by question the grade, and the sections from the best on.
Understood = list[tuple[str, list[str]]]
FOUR_TURNS = (
    "볼륨이 뭐야?",
    "그건 어디에 저장돼?",
    "네트워크 설정은?",
    "비행기 표는 어떻게 환불하나요?",
)


def over_rest(server: Server) -> Understood:
    found = []
    with httpx.Client(base_url=server.url, timeout=60) as client:
        for number, question in enumerate(FOUR_TURNS):
            body = {"question": question, "history": FOUR_TURNS[:number]}
            answer = client.post("/api/v1/ask", json=body).raise_for_status().json()
            passages = answer["passages"] or [answer["closest"]]
            anchors = [passage["section"]["anchor"] for passage in passages]
            found.append((answer["grade"], anchors))
    return found


def in_the_terminal(server: Server) -> Understood:
    done = subprocess.run(
        [*NOTES, "chat"],
        input="\n".join(FOUR_TURNS) + "\n",
        env=environment(server.data_dir, {}),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    found: Understood = []
    doubtful, lost, anchors = False, False, list[str]()
    for line in done.stdout.splitlines():
        doubtful |= line == program_message("may_answer", "ko")
        lost |= line == caveat("not_covered", "ko", ("비행기", "환불"))
        if "/notes/docker#" in line:
            anchors.append(unquote(line.split("#")[1]))
        # Three sections are shown, or the closest one alone.
        if anchors and (lost or len(anchors) == 3):
            grade = "not_covered" if lost else "may_answer" if doubtful else "answers"
            found.append((grade, anchors))
            doubtful, lost, anchors = False, False, []
    assert anchors == []
    return found


def anchors_of(card: Locator) -> list[str]:
    """Return the sections that a card links to."""
    links = card.locator(".note-place a, .note-also a").evaluate_all(
        "all => all.map(link => link.getAttribute('href'))"
    )
    return [unquote(link.split("#")[1].split(":~:")[0]) for link in links]


def in_the_chat(visit: Visit) -> Understood:
    visit.page.goto("/")
    expect(visit.page.locator("#box textarea")).to_be_visible(timeout=20_000)
    found = []
    for question in FOUR_TURNS:
        visit.ask(question)
        card = visit.page.locator(".note-card").last
        doubtful = card.locator(".note-caveat").count()
        lost = card.locator(".note-message").count()
        grade = "not_covered" if lost else "may_answer" if doubtful else "answers"
        found.append((grade, anchors_of(card)))
    return found


def test_a_conversation_is_understood_alike_everywhere(browser: Browser, server: Server) -> None:
    understood = over_rest(server)
    grades = [grade for grade, _ in understood]
    assert grades == ["answers", "answers", "may_answer", "not_covered"]
    assert [len(anchors) for _, anchors in understood] == [3, 3, 3, 1]
    assert understood[1][1][0] == "데이터-영속성-volumes"
    assert in_the_terminal(server) == understood
    visit = Visit(browser, server, "ko-KR", "desktop")
    assert in_the_chat(visit) == understood
    visit.assert_clean()


def test_two_visitors_hold_conversations_of_their_own(browser: Browser, server: Server) -> None:
    topics = {
        "볼륨이 뭐야?": ("어디에 저장돼?", "데이터-영속성-volumes"),
        "What is docker compose?": ("what does its yml file hold?", "docker-compose-orchestration"),
    }
    visits = {topic: Visit(browser, server, "ko-KR", "desktop") for topic in topics}
    for visit in visits.values():
        visit.page.goto("/")
        expect(visit.page.locator("#box textarea")).to_be_visible(timeout=20_000)
    for topic, visit in visits.items():
        visit.ask(topic)
    # One question to both: what each asked before decides.
    for topic, (question, anchor) in topics.items():
        visits[topic].ask(question)
        card = visits[topic].page.locator(".note-card").last
        assert anchors_of(card)[0] == anchor
        visits[topic].ask("그건 어디에 써?")
    remarks = [visit.page.locator(".note-card").last.inner_text() for visit in visits.values()]
    assert remarks[0] != remarks[1]
    for visit in visits.values():
        expect(visit.page.locator(".note-card")).to_have_count(3)
        visit.assert_clean()
