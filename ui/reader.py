"""The reader: the notes as pages, rendered here, readable without scripts."""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from pathlib import Path
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.requests import cookie_parser

from assistant.ask import Assistant
from assistant.messages import message
from assistant.search import search
from index.errors import QuestionError
from index.language import Language
from index.notes import Document
from ui import files, pages
from ui.frame import HEADERS, Page, Visit, document
from ui.shelf import Shelf

LANGUAGE_COOKIE = "notes-language"
_YEAR = 365 * 24 * 3600
_KEPT_PAGES = 64
_ON_A_PAGE = 10
_NUMBER = re.compile(r"[1-9][0-9]{0,3}")
_FILES = "_files/"
_SEARCH = "search"


def create_reader(current: Callable[[], "Reader"]) -> APIRouter:
    """Return the routes below `/notes/`: what there is, each document, pictures, and search.

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
    """Return the language for labels: that of a request's cookie, else of Accept-Language."""
    chosen = cookie_parser(headers.get("cookie", "")).get(LANGUAGE_COOKIE, "")
    spoken = chosen if chosen in ("ko", "en") else headers.get("accept-language", "")
    return "ko" if spoken.lower().startswith("ko") else "en"


class Reader:
    """Answers for an address below `/notes/`; a document's own comes before the reader's."""

    def __init__(self, assistant: Assistant) -> None:
        """Read from one version of the index; pictures are where its notes were."""
        self._assistant = assistant
        self._folders = assistant.snapshot.manifest.corpora
        self._shelf = Shelf(assistant.snapshot.notes.documents)
        self._apart = tuple(self._shelf.apart())
        # By what it was made of: the same page in another language is another. Without the reader
        # in it, so that it is freed with its version.
        rendered = partial(_rendered, self._shelf, assistant.public_url)
        self._note: Callable[[str, Visit], Page] = lru_cache(_KEPT_PAGES)(rendered)

    def response(self, request: Request, address: str) -> Response:
        """Return the page, picture or redirection at an address."""
        visit = Visit(visitors_language(request.headers), _root(request), self._apart)
        if "lang" in request.query_params:
            return _switched(request)
        if not address:
            canonical = _canonical(self._assistant.public_url, "")
            return _page(pages.overview(self._shelf, visit, canonical), visit)
        asks = address == _SEARCH and ("q" in request.query_params or not self._shelf.at(_SEARCH))
        if asks:
            return self._search(request, visit)
        if found := self._shelf.at(address):
            return _page(self._note(self._shelf.path(found), visit), visit)
        if address.startswith(_FILES):
            return files.response(self._folders, address.removeprefix(_FILES))
        return self._elsewhere(request, visit, address)

    def _elsewhere(self, request: Request, visit: Visit, address: str) -> Response:
        """Return where notes mean that lead to the file of another note, or to a picture."""
        if found := self._shelf.file(address):
            # The browser keeps the fragment.
            return _moved(request, self._shelf.path(found))
        named, path = self._shelf.corpus_of(address)
        for corpus in [named] if named else self._folders:
            if files.find(Path(self._folders[corpus]), path):
                return _moved(request, f"{_FILES}{quote(corpus, safe='')}/{quote(path)}")
        return _page(pages.missing(self._shelf, visit), visit, 404)

    def _search(self, request: Request, visit: Visit) -> Response:
        q = request.query_params.get("q", "")
        page = _number(request.query_params.get("page", ""))
        try:
            found = search(self._assistant, q, _ON_A_PAGE, (page - 1) * _ON_A_PAGE)
        except QuestionError as error:
            said = message(error.reason, visit.labels)
            status = 200 if error.reason == "empty" else 400
            shown = pages.unsearched(said, q[: 2 * _ON_A_PAGE], self._shelf, visit)
            return _page(shown, visit, status)
        if found.total and not found.hits:
            last = -(-found.total // _ON_A_PAGE)
            return RedirectResponse("?" + urlencode({"q": q, "page": last}), 302, HEADERS)
        return _page(pages.results(found, page, _ON_A_PAGE, q, self._shelf, visit), visit)


def _rendered(shelf: Shelf, public_url: str, path: str, visit: Visit) -> Page:
    shown = next(each for each in shelf.documents if shelf.path(each) == path)
    picture = partial(files.address, _folder(visit, shown), shown.path)
    return pages.note(shown, shelf, visit, picture, _canonical(public_url, path))


def _canonical(public_url: str, path: str) -> str:
    return f"{public_url}/notes/{path}" if public_url.startswith("http") else ""


def _page(page: Page, visit: Visit, status: int = 200) -> Response:
    return HTMLResponse(document(page, visit), status, HEADERS)


def _moved(request: Request, path: str) -> Response:
    return RedirectResponse(f"{_root(request)}/notes/{path}", 308)


def _switched(request: Request) -> Response:
    """Return to the same page, now in the language that the visitor chose."""
    rest = [(key, value) for key, value in request.query_params.multi_items() if key != "lang"]
    name = quote(request.path_params["address"].rpartition("/")[2])
    response = RedirectResponse(f"./{name}" + ("?" + urlencode(rest) if rest else ""), 303)
    chosen = request.query_params["lang"]
    if chosen in ("ko", "en"):
        path = f"{_root(request)}/"
        response.set_cookie(LANGUAGE_COOKIE, chosen, _YEAR, path=path, samesite="lax")
    return response


def _folder(visit: Visit, shown: Document) -> str:
    return f"{visit.root}/notes/{_FILES}{quote(shown.corpus, safe='')}/"


def _root(request: Request) -> str:
    return str(request.scope.get("root_path", "")).rstrip("/")


def _number(text: str) -> int:
    return int(text) if _NUMBER.fullmatch(text) else 1
