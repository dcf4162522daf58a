"""Routes of the reader, which shows the notes as pages below `/notes/`."""

import re
import time
from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.requests import cookie_parser

from assistant.answering import Assistant, program_message
from assistant.searching import search
from index.errors import QuestionError
from index.language import Language
from ui.reader import pictures, reader_pages
from ui.reader.document_addresses import DocumentAddresses
from ui.reader.frame import HEADERS, ReaderPage, Visit, document
from ui.reader.page_links import Leads

LANGUAGE_COOKIE = "notes-language"
_YEAR = 365 * 24 * 3600
_KEPT_PAGES = 64
_ON_A_PAGE = 10
_NUMBER = re.compile(r"[1-9][0-9]{0,3}")
# Seconds for which a page stands as it was made: pictures come and go without a build.
_FRESH = 60.0
_SEARCH = "search"


def create_reader(current: Callable[[], "NotesReader"]) -> APIRouter:
    """Return the routes below `/notes/`: the list of notes, each document, pictures, and search.

    current: gives the reader of the version that is served now.
    """
    router = APIRouter(include_in_schema=False)

    @router.api_route("/notes", methods=["GET", "HEAD"])
    def slash(request: Request) -> Response:
        return _moved(request, "")

    @router.api_route("/notes/{address:path}", methods=["GET", "HEAD"])
    def read(request: Request, address: str) -> Response:
        return current().response(request, address)

    return router


def visitors_language(headers: Mapping[str, str]) -> Language:
    """Return the language for labels, from a request's cookie, else from Accept-Language."""
    chosen = cookie_parser(headers.get("cookie", "")).get(LANGUAGE_COOKIE, "")
    spoken = chosen if chosen in ("ko", "en") else headers.get("accept-language", "")
    return "ko" if spoken.lower().startswith("ko") else "en"


class NotesReader:
    """Answers requests below `/notes/`; a document's address comes before the reader's own ones."""

    def __init__(self, assistant: Assistant) -> None:
        """assistant: of the version to show; pictures come from the folders of its notes."""
        self._assistant = assistant
        self._places = assistant.snapshot.manifest.corpora
        self._shelf = DocumentAddresses(assistant.snapshot.notes.documents)
        self._apart = tuple(self._shelf.apart())
        # By what it was made of: the same page in another language is another. Without the reader
        # in it, so that it is freed with its version.
        leads = lru_cache(1)(partial(_leads, self._shelf, self._places))
        rendered = partial(_rendered, self._shelf, leads, assistant.public_url)
        self._leads: Callable[[int], Leads] = leads
        self._note: Callable[[str, Visit, int], ReaderPage] = lru_cache(_KEPT_PAGES)(rendered)

    def response(self, request: Request, address: str) -> Response:
        """Return the response for an address: a page, a picture or a redirect."""
        visit = Visit(visitors_language(request.headers), _root(request), self._apart)
        if "lang" in request.query_params:
            return _switched(request)
        if not address:
            canonical = _canonical(self._assistant.public_url, "")
            return _page(reader_pages.overview(self._shelf, visit, canonical), visit)
        asks = address == _SEARCH and ("q" in request.query_params or not self._shelf.at(_SEARCH))
        if asks:
            return self._search(request, visit)
        if found := self._shelf.at(address):
            return _page(self._note(self._shelf.path(found), visit, _minute()), visit)
        if address.startswith(pictures.PLACE):
            return pictures.response(self._places, address.removeprefix(pictures.PLACE))
        if below := self._shelf.below(address):
            return _page(reader_pages.folder(address, below, self._shelf, visit), visit)
        return self._elsewhere(request, visit, address)

    def _elsewhere(self, request: Request, visit: Visit, address: str) -> Response:
        """Return a redirect for the path of a file or folder or a note's name, else a 404 page."""
        if found := self._leads(_minute()).at(address):
            # The browser keeps the fragment.
            return _moved(request, found)
        return _page(reader_pages.missing(self._shelf, visit), visit, 404)

    def _search(self, request: Request, visit: Visit) -> Response:
        q = request.query_params.get("q", "")
        page = _number(request.query_params.get("page", ""))
        try:
            found = search(self._assistant, q, _ON_A_PAGE, (page - 1) * _ON_A_PAGE)
        except QuestionError as error:
            said = program_message(error.reason, visit.labels)
            status = 200 if error.reason == "empty" else 400
            shown = reader_pages.unsearched(said, q[: 2 * _ON_A_PAGE], self._shelf, visit)
            return _page(shown, visit, status)
        if found.total and not found.hits:
            last = -(-found.total // _ON_A_PAGE)
            return RedirectResponse("?" + urlencode({"q": q, "page": last}), 302, HEADERS)
        return _page(reader_pages.results(found, page, _ON_A_PAGE, q, self._shelf, visit), visit)


def _minute() -> int:
    return int(time.monotonic() / _FRESH)


def _leads(shelf: DocumentAddresses, places: Mapping[str, str], _: int) -> Leads:
    return Leads(shelf, places)


def _rendered(
    shelf: DocumentAddresses,
    leads: Callable[[int], Leads],
    public_url: str,
    path: str,
    visit: Visit,
    minute: int,
) -> ReaderPage:
    shown = next(each for each in shelf.documents if shelf.path(each) == path)
    return reader_pages.note(shown, shelf, leads(minute), visit, _canonical(public_url, path))


def _canonical(public_url: str, path: str) -> str:
    return f"{public_url}/notes/{path}" if public_url.startswith("http") else ""


def _page(page: ReaderPage, visit: Visit, status: int = 200) -> Response:
    return HTMLResponse(document(page, visit), status, HEADERS)


def _moved(request: Request, path: str) -> Response:
    return RedirectResponse(f"{_root(request)}/notes/{path}", 308)


def _switched(request: Request) -> Response:
    """Return a redirect to the same page that sets the cookie of the chosen language."""
    rest = [(key, value) for key, value in request.query_params.multi_items() if key != "lang"]
    name = quote(request.path_params["address"].rpartition("/")[2])
    response = RedirectResponse(f"./{name}" + ("?" + urlencode(rest) if rest else ""), 303)
    chosen = request.query_params["lang"]
    if chosen in ("ko", "en"):
        path = f"{_root(request)}/"
        response.set_cookie(LANGUAGE_COOKIE, chosen, _YEAR, path=path, samesite="lax")
    return response


def _root(request: Request) -> str:
    return str(request.scope.get("root_path", "")).rstrip("/")


def _number(text: str) -> int:
    return int(text) if _NUMBER.fullmatch(text) else 1
