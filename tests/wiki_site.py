"""A wiki at another origin, with a policy as strict as it goes, and what its pages are told."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, Locator, Page, expect

_WATCH = """
window.broken = undefined;
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) =>
    window.violations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
"""


@dataclass
class Wiki:
    """What a wiki serves. service: the address of the notes.

    Below `/late/` it passes on what is asked, once `go` is set; at `/told/` it tells `answer`
    itself, as a service would that is not to be trusted.
    """

    url: str
    service: str
    pages: dict[str, str] = field(default_factory=dict)
    answer: dict[str, Any] = field(default_factory=dict)
    go: Event = field(default_factory=Event)

    def page(self, *widgets: str, lang: str = "en", text: str = "") -> str:
        """Return the address of a page with these elements."""
        path = f"/{len(self.pages)}"
        self.pages[path] = (
            f'<!doctype html><html lang="{lang}"><meta charset="utf-8"><title>Wiki</title>'
            f'<meta name="viewport" content="width=device-width"><h1>Wiki</h1>{text}'
            f'<main>{"".join(widgets)}<a href="#end">A link of the page</a></main>'
            f'<script src="{self.service}/widget.js" defer></script>'
        )
        return self.url + path

    def widget(self, attributes: str = "", endpoint: str = "") -> str:
        """Return an element as a page has it."""
        place = endpoint or self.service
        return f'<notes-assistant endpoint="{place}" {attributes}></notes-assistant>'


class Reading:
    """A visit to a page of the wiki, with what went wrong on it."""

    def __init__(self, browser: Browser, url: str, **options: Any) -> None:
        self.context = browser.new_context(**{"locale": "en-US", **options})
        self.context.add_init_script(_WATCH)
        self.page: Page = self.context.new_page()
        self.errors: list[str] = []
        self.context.on("console", lambda m: self.errors.append(m.text))
        self.context.on("weberror", lambda e: self.errors.append(str(e.error)))
        self.page.goto(url)

    def widget(self, number: int = 0) -> Locator:
        """Return one of the page's elements."""
        return self.page.locator("notes-assistant").nth(number)

    def ask(self, question: str, number: int = 0) -> Locator:
        """Ask, and return the card of the answer, which stands above those before."""
        widget = self.widget(number)
        before = widget.locator("article").count()
        box = widget.locator("textarea")
        box.fill(question)
        box.press("Enter")
        expect(widget.locator("article")).to_have_count(before + 1)
        card = widget.locator("article").first
        expect(card.locator(".lead, .said").first).to_be_visible(timeout=20_000)
        return card

    def faults(self) -> list[str]:
        """Return what axe finds that is serious."""
        found = Axe().run(self.page).response["violations"]
        grave = [each for each in found if each["impact"] in ("serious", "critical")]
        return [f"{each['id']}: {each['nodes'][0]['html'][:200]}" for each in grave]

    def leave(self) -> None:
        """Close the page, on which nothing may have gone wrong."""
        broken, violations = self.page.evaluate("[window.broken, window.violations]")
        self.context.close()
        wrong = [*([broken] if broken is not None else []), *violations, *self.errors]
        assert not wrong, "\n".join(map(str, wrong))


@contextmanager
def wiki(service: str, port: int) -> Iterator[Wiki]:
    """Serve a wiki there until the block ends: by a name that makes it another site."""
    strict = (
        f"default-src 'none'; script-src {service}; connect-src {service} 'self'; "
        "style-src 'none'; base-uri 'none'; form-action 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )
    served = Wiki(f"http://wiki.localhost:{port}", service)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            page = served.pages.get(self.path)
            own = page and "Content-Security-Policy" in page
            headers = {} if own else {"Content-Security-Policy": strict}
            self._send(200 if page else 404, "text/html; charset=utf-8", page or "", headers)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path.startswith("/told/"):
                self._send(200, "application/json", json.dumps(served.answer), {})
                return
            served.go.wait(30)
            notes = HTTPConnection(service.removeprefix("http://"), timeout=30)
            headers = {"Content-Type": "application/json"}
            notes.request("POST", self.path.removeprefix("/late"), body, headers)
            answer = notes.getresponse()
            self._send(answer.status, "application/json", answer.read().decode(), {})

        def _send(self, status: int, kind: str, text: str, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in ({"Content-Type": kind} | headers).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield served
        served.go.set()
        server.shutdown()
