"""The reader in a real browser, on notes of two corpora, some of them hostile."""

import base64
import http.client
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote, urlsplit

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from fastapi import FastAPI
from fastapi.testclient import TestClient
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect
from running import ROOT, Server
from running import server as run_server
from visiting import launched

from assistant.answering.ask import Assistant
from index.encoding.onnx_encoder import OnnxEncoder
from index.storage import store
from ui.reader.reader_routes import NotesReader, create_reader

SHOTS = ROOT / "artifacts"
SIZES = {"desktop": (1280, 800), "phone": (390, 844), "narrow": (320, 640)}
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="400" height="120" onload="window.broken=1">'
    '<script>window.broken=1;document.documentElement.setAttribute("class","broken")</script>'
    '<rect width="400" height="120" fill="#8ab4f8"/></svg>'
)
HOSTILE = """---
title: Attack <script>window.broken=1</script>
description: "\\"><script>window.broken=1</script>"
---
# <img src=x onerror="window.broken=1">Attack vectors

The attack uses <script>window.broken=1</script> and <img src=x.png onerror="window.broken=1"> and
<svg onload="window.broken=1"></svg> and <b onclick="window.broken=1">bold</b> words.

- [click](javascript:window.broken=1) and [data](data:text/html,<script>window.broken=1</script>)
- ![remote](https://elsewhere.example/track.png) <img src="https://elsewhere.example/raw.png">
- <img src="//elsewhere.example/raw.png" alt="a"> ![b](javascript:x.png) ![c](../../out.png)

## Text

A heading called text must not take the page's own ids. <iframe src="javascript:window.broken=1">

## "Quoted" & <em>tagged</em> `code`

Words about quoting.
"""
INSTALL = """---
title: Install guide
description: How the tools are installed
---
# Install guide

Read [the Docker notes](../docker.md#volumes-for-the-team) first, or see the plan:

![the plan](pics/plan.svg "Plan")

## Linux

Use apt on Linux to install the engine. ![dot](../dot.png)

```sh
apt-get install docker-ce
```

## Windows

Use the installer on Windows. [The picture alone](pics/plan.svg)
"""
TEAM = """# Docker for the team

## Volumes for the team

The team keeps its volumes on the shared server. See [how we pair](pair.md). ![team](team.png)

## Rules

Nobody deletes a volume on Friday.
"""
PAIR = "# Pairing\n\n## Why pair\n\nTwo people see more than one.\n"


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory, models_dir: Path) -> Iterator[Server]:
    """Return a server over the Docker notes, others beside them, and a corpus of a team."""
    folder = tmp_path_factory.mktemp("library")
    main, team = folder / "main", folder / "team"
    (main / "guide" / "pics").mkdir(parents=True)
    team.mkdir()
    shutil.copy(ROOT / "corpus" / "docker.md", main / "docker.md")
    (main / "attack.md").write_text(HOSTILE)
    (main / "guide" / "install.md").write_text(INSTALL)
    (main / "guide" / "pics" / "plan.svg").write_text(SVG)
    many = "".join(f"## Lesson {n}\n\nLesson {n} is about parcels.\n\n" for n in range(1, 26))
    (main / "lessons.md").write_text(f"# Lessons\n\n{many}")
    (main / "dot.png").write_bytes(PIXEL)
    (main / "그림 1.png").write_bytes(PIXEL)
    (main / ".hidden.png").write_bytes(PIXEL)
    (main / ".git").mkdir()
    (main / ".git" / "a.png").write_bytes(PIXEL)
    (folder / "secret.png").write_bytes(PIXEL)
    (main / "out.png").symlink_to(folder / "secret.png")
    (main / "disguised.png").symlink_to(main / "docker.md")
    (main / "folder.png").mkdir()
    (team / "docker.md").write_text(TEAM)
    (team / "pair.md").write_text(PAIR)
    (team / "team.png").write_bytes(PIXEL)
    with run_server(folder / "data", "--corpus", f"main={main},team={team}") as running:
        yield running


class Visit:
    """A page with what went wrong on it: errors, and requests to other hosts."""

    def __init__(
        self,
        browser: Browser,
        server: Server,
        locale: str = "ko-KR",
        size: str = "desktop",
        *,
        scripts: bool = True,
        dark: bool = False,
    ) -> None:
        width, height = SIZES[size]
        self.context: BrowserContext = browser.new_context(
            locale=locale,
            viewport={"width": width, "height": height},
            base_url=server.url,
            java_script_enabled=scripts,
            color_scheme="dark" if dark else "light",
            has_touch=size != "desktop",
        )
        self.page: Page = self.context.new_page()
        self.errors: list[str] = []
        self.elsewhere: list[str] = []
        host = urlsplit(server.url).netloc
        self.context.on("request", lambda r: self._request(r.url, host))
        self.context.on("console", lambda m: self._console(m.type, m.text))
        self.context.on("weberror", lambda e: self.errors.append(str(e.error)))

    def _request(self, url: str, host: str) -> None:
        parts = urlsplit(url)
        if parts.scheme in ("http", "https", "ws", "wss") and parts.netloc != host:
            self.elsewhere.append(url)

    def _console(self, kind: str, text: str) -> None:
        if kind == "error":
            self.errors.append(text)

    def shot(self, name: str) -> None:
        SHOTS.mkdir(exist_ok=True)
        self.page.screenshot(path=SHOTS / f"{name}.png")

    def faults(self) -> list[str]:
        """Return what axe holds against the page."""
        found = Axe().run(self.page).response["violations"]
        return [
            f"{v['id']}: {v['nodes'][0]['html'][:200]}" for v in found if v["impact"] != "minor"
        ]

    def leave(self) -> None:
        """Close the page, which must have been clean."""
        self.context.close()
        assert self.errors == []
        assert self.elsewhere == []


Open = Callable[..., Visit]


@pytest.fixture
def visit(browser: Browser, library: Server) -> Iterator[Open]:
    visits: list[Visit] = []

    def opened(*arguments: str, scripts: bool = True, dark: bool = False) -> Visit:
        visits.append(Visit(browser, library, *arguments, scripts=scripts, dark=dark))
        return visits[-1]

    yield opened
    for each in visits:
        each.leave()


def raw(server: Server, path: str) -> tuple[int, dict[str, str], bytes]:
    """Ask for a path as it is written, which a client would tidy up."""
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=10)
    connection.putrequest("GET", path)
    connection.endheaders()
    answer = connection.getresponse()
    found = answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
    connection.close()
    return found


# --- Reading


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_a_reader_goes_from_the_list_to_a_section_and_on(
    visit: Open, size: str, scripts: bool
) -> None:
    seen = visit("ko-KR", size, scripts=scripts)
    page = seen.page
    page.goto("/notes/")
    expect(page.locator("h1")).to_have_text("모든 노트")
    expect(page.locator("main h2")).to_have_text(["main", "team"])
    seen.shot(f"reader-list-{size}")
    page.get_by_role("link", name="데이터 영속성 (Volumes)").click()
    heading = page.locator("h2#데이터-영속성-volumes")
    expect(heading).to_be_in_viewport()
    assert urlsplit(page.url).path == "/notes/docker"
    seen.shot(f"reader-section-{size}" + ("" if scripts else "-no-scripts"))
    if size == "phone":
        page.locator(".drawer summary").click()
        if scripts:
            seen.shot("reader-drawer")
        page.locator(".drawer a", has_text="Image vs Container").click()
    else:
        page.locator(".side a", has_text="Image vs Container").click()
    expect(page.locator("h2#image-vs-container")).to_be_in_viewport()
    page.get_by_role("link", name="다음 노트").click()
    expect(page).to_have_url(re.compile("/notes/guide/install$"))
    page.get_by_role("link", name="이전 노트").click()
    expect(page).to_have_title("Docker 학습 노트")


def test_labels_are_in_the_visitors_language_and_can_be_switched(visit: Open) -> None:
    seen = visit("en-US", scripts=False)
    page = seen.page
    page.goto("/notes/docker")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.locator("main")).to_have_attribute("lang", "ko")
    expect(page.get_by_role("link", name="Ask a question")).to_be_visible()
    page.get_by_role("link", name="한국어").click()
    expect(page.get_by_role("link", name="질문하기")).to_be_visible()
    assert page.url.endswith("/notes/docker")
    page.goto("/notes/search?q=volume&page=1")
    expect(page.locator("h1")).to_have_text("‘volume’ 검색 결과")
    page.get_by_role("link", name="English").click()
    expect(page.locator("h1")).to_have_text("Results for “volume”")


def test_the_contents_follow_the_scroll(visit: Open) -> None:
    page = visit("ko-KR").page
    page.goto("/notes/docker")
    current = page.locator(".side a[aria-current]")
    expect(current).to_have_text("Docker란 무엇인가?")
    page.locator("#dockerfile-build-process").evaluate("e => e.scrollIntoView()")
    expect(current).to_have_text("Dockerfile (Build Process)")
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    expect(current).to_have_text("VM vs Docker (Container)")
    page.evaluate("scrollTo(0, 0)")
    expect(current).to_have_text("Docker란 무엇인가?")


def test_notes_of_one_name_are_all_reached(visit: Open, library: Server) -> None:
    page = visit("en-US", scripts=False).page
    page.goto("/notes/")
    page.get_by_role("link", name="Docker for the team", exact=True).click()
    assert urlsplit(page.url).path == "/notes/_in/team/docker"
    expect(page.locator("h1")).to_contain_text("Docker for the team")
    expect(page.get_by_role("link", name="Docker 학습 노트 (main)")).to_be_visible()
    ask = page.get_by_role("link", name="Ask about this section: Rules")
    expect(ask).to_have_attribute("href", "/?about=docker%23rules&corpus=team")
    expect(page.get_by_role("img", name="team")).to_have_attribute(
        "src", "/notes/_files/team/team.png"
    )
    page.get_by_role("link", name="how we pair").click()
    assert urlsplit(page.url).path == "/notes/pair"
    page.goto("/notes/guide/install")
    page.get_by_role("link", name="the Docker notes").click()
    assert page.url.endswith("/notes/docker#volumes-for-the-team")
    assert httpx.get(f"{library.url}/notes/_in/main/docker").status_code == 200
    page.goto("/notes/search?q=friday")
    page.get_by_role("link", name="Rules").click()
    assert urlsplit(page.url).path == "/notes/_in/team/docker"


def test_each_section_can_be_asked_about(visit: Open) -> None:
    page = visit("ko-KR", scripts=False).page
    page.goto("/notes/docker")
    links = page.locator(".ask")
    expect(links).to_have_count(6)
    place = quote("데이터-영속성-volumes")
    expect(links.nth(4)).to_have_attribute("href", f"/?about=docker%23{place}")


def test_a_page_says_what_it_is(library: Server) -> None:
    source = httpx.get(f"{library.url}/notes/docker").text
    assert '<meta property="og:title" content="Docker 학습 노트">' in source
    assert '<meta name="description" content="컨테이너, 이미지, Dockerfile' in source
    assert "canonical" not in source
    assert httpx.get(f"{library.url}/notes/nowhere").status_code == 404


def test_a_folder_without_a_page_of_its_own_lists_its_notes(library: Server) -> None:
    with httpx.Client(base_url=library.url, follow_redirects=True) as client:
        for path in ("guide", "guide/", "_in/main/guide"):
            found = client.get(f"/notes/{path}")
            assert (found.status_code, found.url.path) == (200, "/notes/_in/main/guide/")
            assert 'href="/notes/guide/install"' in found.text
            assert "Docker for the team" not in found.text
        assert client.get("/notes/docker/").url.path == "/notes/docker"


def test_answers_lead_to_the_note_of_their_own_corpus(library: Server) -> None:
    found = httpx.get(f"{library.url}/api/v1/search", params={"q": "friday"}).json()
    assert found["hits"][0]["url"] == "/notes/_in/team/docker#rules"
    url = f"{library.url}/api/v1/documents/docker/sections"
    for corpus, path in (("main", "docker"), ("team", "_in/team/docker")):
        sections = httpx.get(url, params={"corpus": corpus}).json()["sections"]
        assert all(each["url"].startswith(f"/notes/{path}#") for each in sections)


def test_links_stay_below_the_path_that_a_proxy_shows(
    library: Server, onnx_encoder: OnnxEncoder
) -> None:
    snapshot = store.load(library.data_dir)
    public = "https://notes.example.org/assistant"
    assistant = Assistant(snapshot, onnx_encoder, "/notes/{document}#{anchor}", public, 0.25)
    app = FastAPI()
    reader = NotesReader(assistant)
    app.include_router(create_reader(lambda: reader))
    client = TestClient(app, root_path="/assistant", follow_redirects=False)
    for path in ("", "docker", "_in/team/docker", "nowhere", "search?q=docker", "search?q="):
        page = client.get(f"/notes/{path}").text
        links = re.findall('(?:href|src|action)="(/[^"]*)"', page)
        assert len(links) > 3
        assert [link for link in links if not link.startswith("/assistant/")] == []
    source = client.get("/notes/_in/team/docker").text
    assert f'<link rel="canonical" href="{public}/notes/_in/team/docker">' in source
    assert 'data-root="/assistant"' in source
    moved = client.get("/notes/guide/install.md")
    assert moved.headers["location"] == "/assistant/notes/guide/install"
    moved = client.get("/notes/guide/pics/plan.svg")
    assert moved.headers["location"] == "/assistant/notes/_files/main/guide/pics/plan.svg"
    switched = client.get("/notes/search?q=a%26b&lang=ko")
    assert switched.headers["location"] == "./search?q=a%26b"
    assert "Path=/assistant/" in switched.headers["set-cookie"]


# --- The words that a link is about


LINK = "/notes/docker#데이터-영속성-volumes:~:text=" + quote("백업과 이전(migration)이 쉽다.")


def test_words_are_marked_by_the_browser_until_clicked_away(visit: Open) -> None:
    seen = visit("ko-KR")
    page = seen.page
    page.goto(LINK)
    item = page.locator("li", has_text="백업과 이전").last
    expect(item).to_be_in_viewport()
    marked = item.screenshot()
    seen.shot("reader-marked")
    page.keyboard.press("Escape")
    assert item.screenshot() != marked


@pytest.mark.parametrize(
    ("directive", "words", "away"),
    [
        (
            "text=" + quote("백업과 이전(migration)이 쉽다."),
            "백업과 이전(migration)이 쉽다.",
            "click",
        ),
        ("text=" + quote("가장 권장되는"), "가장 권장되는", "Escape"),
        (
            f"text={quote('데이터베이스(DB)나 로그')},{quote('보관해야 한다.')}",
            "데이터베이스(DB)나 로그(log)처럼 남아야 하는 데이터는 컨테이너 바깥에 따로 "
            "보관해야 한다.",
            "click",
        ),
        (f"text={quote('호스트의')}-,{quote('특정 경로')},-{quote('(예:')}", "특정 경로", "Escape"),
        (f"text={quote('쉽다.')}&text={quote('가장 권장되는')}", "가장 권장되는쉽다.", "click"),
        ("text=no%20such%20words", "", "click"),
        ("text=%E0%A4%A", "", "click"),
    ],
)
def test_words_are_marked_where_the_browser_does_not(
    library: Server, elderly: Browser, directive: str, words: str, away: str
) -> None:
    seen = Visit(elderly, library)
    page = seen.page
    page.goto(f"/notes/docker#데이터-영속성-volumes:~:{directive}")
    expect(page.locator("h2#데이터-영속성-volumes")).to_be_in_viewport()
    assert "".join(page.locator("mark").all_inner_texts()) == words
    before = page.locator("main").inner_text()
    if away == "click":
        page.mouse.click(700, 500)
    else:
        page.keyboard.press("Escape")
    expect(page.locator("mark")).to_have_count(0)
    assert page.locator("main").inner_text() == before
    assert ":~:" not in page.url
    seen.leave()


@pytest.fixture(scope="module")
def elderly(playwright: Playwright) -> Iterator[Browser]:
    """Return a browser that knows no text fragments."""
    with launched(playwright, "--disable-blink-features=TextFragmentIdentifiers") as opened:
        yield opened


# --- Copying


@pytest.mark.parametrize("allowed", [True, False], ids=["clipboard", "no-clipboard"])
def test_links_and_code_are_copied(visit: Open, library: Server, allowed: bool) -> None:
    seen = visit("en-US")
    page = seen.page
    seen.context.grant_permissions(["clipboard-read", "clipboard-write"])
    if not allowed:
        page.add_init_script("delete Navigator.prototype.clipboard")
    page.goto("/notes/guide/install")
    page.get_by_role("button", name="Copy link: Linux").click()
    expect(page.locator("p[role=status]")).to_have_text("Copied")
    reader = seen.context.new_page()
    reader.goto("/notes/")
    assert reader.evaluate("navigator.clipboard.readText()") == (
        f"{library.url}/notes/guide/install#linux"
    )
    page.bring_to_front()
    page.get_by_role("button", name="Copy code").click()
    expect(page.locator(".code .copy")).to_have_text("Copied")
    reader.bring_to_front()
    assert reader.evaluate("navigator.clipboard.readText()") == "apt-get install docker-ce\n"


# --- Search


def test_search_without_scripts(visit: Open) -> None:
    seen = visit("en-US", scripts=False)
    page = seen.page
    page.goto("/notes/docker")
    box = page.get_by_role("searchbox", name="Search the notes")
    box.fill("parcels")
    box.press("Enter")
    expect(page.locator("h1")).to_have_text("Results for “parcels”")
    expect(page.locator("main h2")).to_have_text("Lessons main")
    expect(page.locator(".results > li")).to_have_count(10)
    expect(page.locator(".snippet mark").first).to_have_text("parcels")
    page.get_by_role("link", name="Next").click()
    expect(page.locator(".pages span")).to_have_text("2 / 3")
    page.goto("/notes/search?q=parcels&page=400")
    expect(page.locator(".pages span")).to_have_text("3 / 3")
    page.locator(".results a").first.click()
    assert urlsplit(page.url).path == "/notes/lessons"


@pytest.mark.parametrize(
    ("locale", "said", "covers"),
    [
        ("ko-KR", "노트에서 ‘zzqqxx’에 대한 내용을 찾지 못했어요.", "노트에는 이런 내용이 있어요"),
        ("en-US", "Nothing in the notes was found for “zzqqxx”.", "What the notes cover"),
    ],
)
def test_a_search_in_vain_says_so_and_what_there_is(
    visit: Open, library: Server, locale: str, said: str, covers: str
) -> None:
    seen = visit(locale, scripts=False)
    page = seen.page
    page.goto("/notes/search?q=zzqqxx")
    if page.locator(".results").count():
        page.goto(f"/notes/search?q={quote('!?')}")
        said = said.replace("zzqqxx", "!?")
    expect(page.locator("main p[role=status]")).to_have_text(said)
    expect(page.locator("h2", has_text=covers)).to_be_visible()
    seen.shot(f"reader-nothing-{locale}")
    page.locator("main li a", has_text="Install guide").click()
    assert page.url.endswith("/notes/guide/install")


def test_any_search_is_answered_with_a_page(library: Server) -> None:
    with httpx.Client(base_url=library.url) as client:
        for q in ("", "   ", "x" * 3000, "<script>window.broken=1</script>", "\x00", "한글" * 500):
            for page in ("", "0", "-1", "x", "9" * 5000):
                found = client.get("/notes/search", params={"q": q, "page": page})
                assert found.status_code in (200, 302, 400), (q, page)
                assert "window.broken=1</script>" not in found.text


@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_results_come_while_typing(visit: Open, size: str) -> None:
    seen = visit("ko-KR", size)
    page = seen.page
    page.goto("/notes/docker")
    page.keyboard.press("/")
    box = page.get_by_role("combobox", name="노트에서 찾기")
    expect(box).to_be_focused()
    page.keyboard.type("볼륨")
    options = page.get_by_role("option")
    expect(options.filter(has_text="데이터 영속성 (Volumes)").first).to_be_visible()
    expect(box).to_have_attribute("aria-expanded", "true")
    expect(options.locator("mark").first).to_be_visible()
    seen.shot(f"reader-suggest-{size}")
    assert seen.faults() == []
    page.keyboard.press("ArrowDown")
    active = options.first.get_attribute("id")
    assert active
    expect(box).to_have_attribute("aria-activedescendant", active)
    page.keyboard.press("Escape")
    expect(options.first).to_be_hidden()
    expect(box).to_have_value("볼륨")
    page.keyboard.press("ArrowDown")
    expect(options.first).to_be_visible()
    page.keyboard.press("ArrowDown")
    title = options.first.locator("strong").inner_text()
    page.keyboard.press("Enter")
    expect(options.first).to_be_hidden()
    page.wait_for_url(re.compile("#"))
    expect(page.locator("main h2", has_text=title.split(" › ")[-1]).first).to_be_in_viewport()


def test_enter_without_a_choice_opens_the_page_of_results(visit: Open) -> None:
    page = visit("en-US").page
    page.goto("/notes/")
    box = page.get_by_role("combobox")
    box.fill("friday")
    expect(page.get_by_role("option").first).to_be_visible()
    box.press("Enter")
    expect(page.locator("h1")).to_have_text("Results for “friday”")
    box.fill("friday")
    box.press("ArrowDown")
    page.get_by_role("option", name="Rules").click()
    expect(page.locator("#rules")).to_be_in_viewport()
    assert urlsplit(page.url).path == "/notes/_in/team/docker"


def test_composed_hangul_is_left_alone(visit: Open) -> None:
    seen = visit("ko-KR")
    page = seen.page
    page.goto("/notes/docker")
    box = page.get_by_role("combobox")
    box.focus()
    session = seen.context.new_cdp_session(page)
    for text in ("ㅂ", "보", "볼"):
        session.send(
            "Input.imeSetComposition", {"text": text, "selectionStart": 1, "selectionEnd": 1}
        )
        page.wait_for_timeout(40)
    expect(page.get_by_role("option").first).to_be_visible()
    expect(box).to_have_value("볼")
    # An input method's own Enter ends a syllable; it is no choice and no search.
    for key in ("Enter", "ArrowDown"):
        box.evaluate(
            "(e, key) => e.dispatchEvent(new KeyboardEvent('keydown', "
            "{key, isComposing: true, keyCode: 229, bubbles: true, cancelable: true}))",
            key,
        )
    assert box.get_attribute("aria-activedescendant") is None
    session.send("Input.insertText", {"text": "볼"})
    expect(box).to_have_value("볼")
    page.keyboard.insert_text("륨")
    expect(box).to_have_value("볼륨")
    expect(page.get_by_role("option").first).to_be_visible()
    assert urlsplit(page.url).path == "/notes/docker"


# --- Pictures


def test_pictures_of_the_notes_are_shown(visit: Open) -> None:
    seen = visit("en-US")
    page = seen.page
    page.goto("/notes/guide/install")
    plan = page.get_by_role("img", name="the plan")
    expect(plan).to_have_attribute("src", "/notes/_files/main/guide/pics/plan.svg")
    expect(plan).to_have_attribute("loading", "lazy")
    for picture in page.locator("main img").all():
        picture.scroll_into_view_if_needed()
        expect(picture).to_have_js_property("complete", True)
        assert picture.evaluate("e => e.naturalWidth") > 0
    seen.shot("reader-pictures")
    assert page.evaluate("window.broken") is None
    page.get_by_role("link", name="The picture alone").click()
    assert urlsplit(page.url).path == "/notes/_files/main/guide/pics/plan.svg"
    assert page.evaluate("document.documentElement.getAttribute('class')") is None
    # What the browser says of the script that it did not run.
    seen.errors = [e for e in seen.errors if "script" not in e and "sandbox" not in e]


def test_a_picture_is_served_as_nothing_else(library: Server) -> None:
    for path, kind in [("guide/pics/plan.svg", "image/svg+xml"), ("dot.png", "image/png")]:
        status, headers, _ = raw(library, f"/notes/_files/main/{path}")
        assert status == 200
        assert headers["content-type"] == kind
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["content-security-policy"].startswith("sandbox; default-src 'none'")
        assert "max-age" in headers["cache-control"]
    assert raw(library, "/notes/_files/main/" + quote("그림 1.png"))[0] == 200


@pytest.mark.parametrize(
    "path",
    [
        "main/docker.md",
        "main/.hidden.png",
        "main/.git/a.png",
        "main/out.png",
        "main/disguised.png",
        "main/folder.png",
        "main/../secret.png",
        "main/..%2fsecret.png",
        "main/%2e%2e/secret.png",
        "main/guide/..%2f..%2f..%2fsecret.png",
        "main/..%5csecret.png",
        "main//etc/passwd.png",
        "main/%2fetc%2fpasswd.png",
        "main/dot.png%00.md",
        "main/%00.png",
        "main/dot.png/",
        "main/" + "a" * 5000 + ".png",
        "main/",
        "main",
        "nowhere/dot.png",
        "../main/dot.png",
        "team/../main/dot.png",
        "",
    ],
)
def test_no_other_file_is_served(library: Server, path: str) -> None:
    status, headers, body = raw(library, f"/notes/_files/{path}")
    assert status == 404, headers
    assert PIXEL not in body
    assert b"root:" not in body
    if path not in ("main/docker.md", "main/", ""):
        assert raw(library, f"/notes/{path.removeprefix('main/')}")[0] == 404


# --- Harm and reach


def test_hostile_notes_do_nothing(visit: Open) -> None:
    seen = visit("en-US")
    page = seen.page
    for path in ("/notes/", "/notes/attack", "/notes/search?q=attack+%3Cscript%3E", "/notes/<b>x"):
        page.goto(path)
        expect(page.locator("h1").first).to_be_visible()
        assert page.evaluate("window.broken") is None
        assert page.locator("script, iframe").count() == 1
        schemes = page.locator("a").evaluate_all("all => all.map(a => a.protocol)")
        assert set(schemes) <= {"http:", "https:", ":", ""}
    seen.errors = [e for e in seen.errors if "404" not in e]
    page.goto("/notes/attack")
    expect(page.get_by_role("link", name="remote")).to_have_attribute(
        "href", "https://elsewhere.example/track.png"
    )
    page.get_by_role("combobox").fill("attack vectors")
    expect(page.get_by_role("option").first).to_be_visible()
    assert page.evaluate("window.broken") is None
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Skip to the text").focus()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    # `x.png` of the notes is none.
    seen.errors = [e for e in seen.errors if "404" not in e]


@pytest.mark.parametrize(
    ("size", "dark"), [("desktop", False), ("desktop", True), ("phone", True), ("narrow", False)]
)
def test_everyone_can_read_it(visit: Open, size: str, dark: bool) -> None:
    seen = visit("ko-KR", size, dark=dark)
    page = seen.page
    for path in ("/notes/", "/notes/docker", "/notes/guide/install", "/notes/search?q=docker"):
        page.goto(path)
        assert seen.faults() == [], path
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        name = path.removeprefix("/notes/").replace("/", "-").partition("?")[0] or "all"
        seen.shot(f"reader-{name}-{size}-{'dark' if dark else 'light'}")


def test_the_keyboard_alone_reaches_everything(visit: Open) -> None:
    page = visit("en-US").page
    page.goto("/notes/docker")
    names = []
    for _ in range(24):
        page.keyboard.press("Tab")
        focus = page.evaluate(
            """() => {
              const focused = document.activeElement;
              const box = focused.getBoundingClientRect();
              const top = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
              return [focused.getAttribute("aria-label") || focused.innerText || focused.name,
                      focused.contains(top) || top.contains(focused)];
            }"""
        )
        names.append(focus[0])
        assert focus[1], f"{focus[0]} is hidden"
    assert names[:4] == ["Skip to the text", "All notes", "q", "Search"]
    assert "Image vs Container" in names
    assert "Copy link: Docker란 무엇인가?" in names


def test_print_shows_the_text_alone(visit: Open) -> None:
    page = visit("ko-KR").page
    page.goto("/notes/docker")
    page.emulate_media(media="print")
    for part in (".bar", ".side", ".tools", ".copy"):
        expect(page.locator(part).first).to_be_hidden()
    expect(page.locator("h2#image-vs-container")).to_be_visible()
