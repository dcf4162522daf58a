"""The reader: the notes as pages, rendered here, readable without scripts."""

import base64
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from pathlib import Path
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from index.contents import Notes
from index.corpus import SUFFIXES
from index.language import Language
from index.notes import Document
from ui.markup import TocEntry, render_document

_STYLE = (Path(__file__).parent / "static" / "reader.css").read_text()
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS = {
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; "
    "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'",
    "Referrer-Policy": "no-referrer",
    "Vary": "Accept-Language",
    "X-Content-Type-Options": "nosniff",
}
_KEPT_PAGES = 64

_LABELS: dict[str, dict[Language, str]] = {
    "ask": {"ko": "질문하기", "en": "Ask a question"},
    "all": {"ko": "모든 노트", "en": "All notes"},
    "contents": {"ko": "목차", "en": "Contents"},
    "skip": {"ko": "본문으로 건너뛰기", "en": "Skip to the text"},
    "missing": {"ko": "이 노트를 찾을 수 없어요", "en": "There is no such note"},
    "moved": {
        "ko": "주소가 바뀌었거나 지워진 노트일 수 있어요. 지금 있는 노트는 이것들이에요.",
        "en": "It may have moved or been removed. These are the notes there are.",
    },
}


@dataclass(frozen=True)
class _Page:
    """What a page shows, whatever the language of its labels."""

    title: str
    description: str
    language: Language
    body: str
    contents: tuple[TocEntry, ...] = ()


def create_reader(notes: Notes) -> APIRouter:
    """Return the routes `/notes/` and `/notes/{document}`; of equal ids the first is shown."""
    router = APIRouter(include_in_schema=False)
    documents: dict[str, Document] = {}
    for document in notes.documents:
        documents.setdefault(document.id, document)
    rendered = lru_cache(maxsize=_KEPT_PAGES)(lambda name: _document_page(documents[name]))

    @router.api_route("/notes", methods=["GET", "HEAD"])
    def slash() -> Response:
        return RedirectResponse("/notes/", 308)

    @router.api_route("/notes/", methods=["GET", "HEAD"])
    def overview(request: Request) -> Response:
        labels = visitors_language(request.headers)
        title = _label("all", labels)
        body = f"<h1>{title}</h1>{_list(documents.values())}"
        return _response(_Page(title, title, labels, body), labels)

    @router.api_route("/notes/{document_id:path}", methods=["GET", "HEAD"])
    def read(request: Request, document_id: str) -> Response:
        labels = visitors_language(request.headers)
        if document_id in documents:
            return _response(rendered(document_id), labels)
        stem = document_id
        for suffix in SUFFIXES:
            stem = stem.removesuffix(suffix)
        if stem in documents:
            # Notes link to each other's files; the browser keeps the fragment.
            return RedirectResponse(f"/notes/{quote(stem)}", 308)
        title = _label("missing", labels)
        body = f"<h1>{title}</h1><p>{_label('moved', labels)}</p>{_list(documents.values())}"
        return _response(_Page(title, title, labels, body), labels, 404)

    return router


def visitors_language(headers: Mapping[str, str]) -> Language:
    """Return the language for labels, by a request's Accept-Language header."""
    return "ko" if headers.get("accept-language", "").lower().startswith("ko") else "en"


def _label(name: str, language: Language) -> str:
    return _LABELS[name][language]


def _document_page(document: Document) -> _Page:
    body, contents = render_document(document.source)
    if not any(entry.title == document.title for entry in contents):
        about = f'<p class="about">{escape(document.description)}</p>'
        head = f'<p class="title">{escape(document.title)}</p>'
        body = f"<header>{head}{about if document.description else ''}</header>{body}"
    description = document.description or document.title
    return _Page(document.title, description, document.language, body, _listed(document, contents))


def _listed(document: Document, contents: Sequence[TocEntry]) -> tuple[TocEntry, ...]:
    """Return the contents without sections that hold nothing but links into their page."""
    empty = {
        section.anchor
        for section in document.sections
        if not any(
            other.blocks and other.path[: len(section.path)] == section.path
            for other in document.sections
        )
    }
    return tuple(entry for entry in contents if entry.anchor not in empty)


def _list(documents: Iterable[Document]) -> str:
    items = "".join(
        f'<li lang="{d.language}"><a href="/notes/{quote(d.id)}">{escape(d.title)}</a>'
        f"<p>{escape(d.description)}</p></li>"
        for d in documents
    )
    return f'<ul class="documents">{items}</ul>'


def _contents(page: _Page, labels: Language) -> str:
    if len(page.contents) < 2:
        return ""
    top = min(entry.level for entry in page.contents)
    items = "".join(
        f'<li class="level-{min(entry.level - top, 3)}">'
        f'<a href="#{escape(entry.anchor)}">{escape(entry.title)}</a></li>'
        for entry in page.contents
    )
    title = _label("contents", labels)
    links = f'<ul lang="{page.language}">{items}</ul>'
    return (
        f'<nav class="side" aria-label="{title}"><p>{title}</p>{links}</nav>'
        f'<details class="drawer"><summary>{title}</summary>{links}</details>'
    )


def _response(page: _Page, labels: Language, status: int = 200) -> Response:
    return HTMLResponse(
        f"""<!doctype html>
<html lang="{labels}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{escape(page.title)}</title>
<meta name="description" content="{escape(page.description)}">
<link rel="icon" href="data:,">
<style>{_STYLE}</style>
</head>
<body>
<a class="skip" href="#text">{_label("skip", labels)}</a>
<div class="bar"><a href="/notes/">{_label("all", labels)}</a>
<a href="/">{_label("ask", labels)}</a></div>
<div class="page">
{_contents(page, labels)}
<main id="text" lang="{page.language}">{page.body}</main>
</div>
</body>
</html>
""",
        status,
        _HEADERS,
    )
