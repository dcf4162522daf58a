"""What a visitor waits for in a browser: the first screen, and an answer after Enter.

python benchmarks/page.py
"""

import os
import shutil
import tempfile
from pathlib import Path

import httpx
from measure import QUESTIONS, machine, process, spread, until_answered
from playwright.sync_api import Page, sync_playwright

_VISITS = 7
_SWITCHES = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
# From the key to the next frame that shows the answer, on the page's own clock.
_ANSWERED = """(question) => new Promise((resolve) => {
    const box = document.querySelector("#box textarea");
    const before = document.querySelectorAll(".note-card").length;
    box.value = question;
    box.dispatchEvent(new Event("input", {bubbles: true}));
    requestAnimationFrame(() => {
        const begun = performance.now();
        new MutationObserver((_, watch) => {
            if (document.querySelectorAll(".note-card").length === before) return;
            watch.disconnect();
            requestAnimationFrame(() => resolve(performance.now() - begun));
        }).observe(document.getElementById("log"), {childList: true});
        box.dispatchEvent(new KeyboardEvent("keydown", {key: "Enter", bubbles: true}));
        box.dispatchEvent(new KeyboardEvent("keypress", {key: "Enter", bubbles: true}));
    });
})"""
_SHOWN = """() => performance.getEntriesByType("paint")
    .find(entry => entry.name === "first-contentful-paint").startTime"""


def main() -> None:
    """Print the table."""
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    painted: list[float] = []
    content: list[float] = []
    answered: list[float] = []
    with (
        tempfile.TemporaryDirectory() as folder,
        process(Path(folder), "onnx") as (running, url),
        httpx.Client(base_url=url, timeout=60) as client,
        sync_playwright() as playwright,
    ):
        until_answered(client, "/", running)
        browser = playwright.chromium.launch(executable_path=chromium, args=_SWITCHES)
        for _ in range(_VISITS):
            # A new context has an empty cache, as a first visit has.
            page = browser.new_context().new_page()
            page.goto(url)
            page.wait_for_selector(".note-topics li")
            content.append(float(page.evaluate("performance.now()")))
            painted.append(float(page.evaluate(_SHOWN)))
            answered += _asked(page)
            page.context.close()
        browser.close()
    print(f"{_VISITS} first visits in Chromium, {machine()}")
    print(f"  first paint                {spread(painted, 'ms', 0)}")
    print(f"  what the notes cover shown {spread(content, 'ms', 0)}")
    print(f"  answer shown after Enter   {spread(answered, 'ms', 0)}")


def _asked(page: Page) -> list[float]:
    page.wait_for_function("document.querySelector('#box textarea')?.placeholder.length > 1")
    return [float(page.evaluate(_ANSWERED, question)) for question in QUESTIONS[:4]]


if __name__ == "__main__":
    main()
