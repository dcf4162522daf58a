"""A visit to the real pages in the real browser."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, Playwright, expect
from running import ROOT, Server

SHOTS = ROOT / "artifacts"
SIZES = {"desktop": (1280, 800), "phone": (390, 844)}
_SWITCHES = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")


@contextmanager
def launched(playwright: Playwright, *switches: str) -> Iterator[Browser]:
    """Run Debian's Chromium until the block ends."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if not path:
        pytest.fail(
            "NO BROWSER: Chromium is not installed, so the chat and the reader were NOT tested. "
            "Install it (apt-get install chromium) or name one in CHROMIUM."
        )
    opened = playwright.chromium.launch(executable_path=path, args=[*_SWITCHES, *switches])
    yield opened
    opened.close()


class Visit:
    """A page with what went wrong on it: errors, and requests to other hosts."""

    def __init__(self, browser: Browser, server: Server, locale: str, size: str) -> None:
        width, height = SIZES[size]
        context = browser.new_context(
            locale=locale, viewport={"width": width, "height": height}, base_url=server.url
        )
        self.page: Page = context.new_page()
        self.errors: list[str] = []
        self.elsewhere: list[str] = []
        host = urlsplit(server.url).netloc
        context.on("request", lambda r: self._request(r.url, host))
        context.on("console", lambda m: self.errors.append(m.text) if m.type == "error" else None)
        context.on("weberror", lambda e: self.errors.append(str(e.error)))

    def _request(self, url: str, host: str) -> None:
        parts = urlsplit(url)
        if parts.scheme in ("http", "https", "ws", "wss") and parts.netloc != host:
            self.elsewhere.append(url)

    def ask(self, question: str) -> None:
        """Type the question, send it, and wait for its answer."""
        before = self.page.locator(".note-card").count()
        box = self.page.locator("#box textarea")
        box.fill(question)
        box.press("Enter")
        expect(self.page.locator(".note-card")).to_have_count(before + 1, timeout=20_000)

    def shot(self, name: str) -> None:
        SHOTS.mkdir(exist_ok=True)
        self.page.screenshot(path=SHOTS / f"{name}.png")

    def assert_clean(self) -> None:
        assert self.errors == []
        assert self.elsewhere == []
