"""The contents of the reader's pages: the list of notes, a note, and search results."""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from html import escape, unescape
from itertools import groupby
from urllib.parse import quote, urlencode

from assistant.answering import outline
from assistant.searching import Results, SearchHit
from index.markdown import Document
from ui.html import TocEntry, render_document
from ui.reader.document_addresses import DocumentAddresses
from ui.reader.frame import ReaderPage, Visit
from ui.reader.page_links import Leads

# Sections that the list of notes names for each, and that a search in vain does.
_SECTIONS = 12
_HEADING = re.compile(r'<(h[1-6]) id="([^"]*)">(.*?)</\1>', re.DOTALL)
_TAG = re.compile(r"<[^>]*>")


def overview(shelf: DocumentAddresses, visit: Visit, canonical: str = "") -> ReaderPage:
    """Return the page that lists the notes."""
    title = visit.label("all")
    described = ", ".join(document.title for document in shelf.documents[:_SECTIONS])
    body = f"<h1>{title}</h1>{_list(shelf, visit)}"
    return ReaderPage(unescape(title), described, visit.labels, body, canonical=canonical)


def folder(
    address: str, below: Sequence[Document], shelf: DocumentAddresses, visit: Visit
) -> ReaderPage:
    """Return the page that lists the notes of a folder."""
    title = escape(address.rstrip("/").rpartition("/")[2])
    body = f"<h1>{title}</h1>{_cards(below, shelf, visit)}"
    return ReaderPage(unescape(title), unescape(title), visit.labels, body, listed=False)


def missing(shelf: DocumentAddresses, visit: Visit) -> ReaderPage:
    """Return the page for an address that leads to no note."""
    title = visit.label("missing")
    body = f"<h1>{title}</h1><p>{visit.label('moved')}</p>{_list(shelf, visit)}"
    return ReaderPage(unescape(title), unescape(title), visit.labels, body, listed=False)


def note(
    document: Document,
    shelf: DocumentAddresses,
    leads: Leads,
    visit: Visit,
    canonical: str = "",
) -> ReaderPage:
    """Return the page of a document."""
    body, contents = render_document(
        document.source,
        partial(_lead, document, leads, visit),
        partial(_picture, document, leads, visit),
    )
    listed = _listed(document, contents)
    body = _HEADING.sub(_Tools(document, shelf, visit), body)
    if not any(entry.title == document.title for entry in contents):
        about = f'<p class="about">{escape(document.description)}</p>'
        head = f'<p class="title">{escape(document.title)}</p>'
        body = f'<div class="intro">{head}{about if document.description else ""}</div>{body}'
    mended = f'<p class="mended" lang="{visit.labels}">{visit.label("mended")}</p>'
    body = f"{mended if document.mended else ''}{body}"
    body = f"{_twins(document, shelf, visit)}{body}{_around(document, shelf, visit)}"
    description = document.description or document.title
    return ReaderPage(document.title, description, document.language, body, listed, canonical)


def _lead(document: Document, leads: Leads, visit: Visit, href: str, wiki: bool) -> str:
    found = leads.link(document, href, wiki)
    if found is None:
        return href
    return f"{visit.root}/notes/{found}" if found and not found.startswith("#") else found


def _picture(document: Document, leads: Leads, visit: Visit, src: str, wiki: bool) -> str:
    found = leads.picture(document, src, wiki)
    return found and f"{visit.root}/notes/{found}"


def results(
    found: Results, page: int, size: int, q: str, shelf: DocumentAddresses, visit: Visit
) -> ReaderPage:
    """Return one page of search results.

    page: the number of this page, from 1. size: the number of sections on a page.
    """
    title = visit.label("results", q)
    if not found.total:
        said = f'<p role="status">{visit.label("nothing", q)}</p>'
        return _searched(title, f"<h1>{title}</h1>{said}{covered(shelf, visit)}", q, visit)
    count = visit.label("count-one" if found.total == 1 else "count", found.total)
    said = f'<p class="about" role="status">{count}</p>'
    if found.corrected_from:
        said += f'<p class="about">{visit.label("corrected", found.query)}</p>'
    groups = _hits(found.hits, shelf, visit)
    pages = _pages(page, -(-found.total // size), q, visit)
    return _searched(title, f"<h1>{title}</h1>{said}{groups}{pages}", q, visit)


def unsearched(said: str, q: str, shelf: DocumentAddresses, visit: Visit) -> ReaderPage:
    """Return the page for an empty query, or for one that cannot be searched; said: the message."""
    title = visit.label("search")
    body = f"<h1>{title}</h1><p>{escape(said)}</p>{covered(shelf, visit)}"
    return _searched(title, body, q, visit)


def covered(shelf: DocumentAddresses, visit: Visit) -> str:
    """Return links to the documents as HTML, or to the sections if there is only one document."""
    if len(shelf.documents) == 1:
        named = _sections(shelf.documents)
    else:
        named = [(document, "", document.title) for document in shelf.documents[:_SECTIONS]]
    links = "".join(
        f'<li lang="{document.language}">{_link(shelf, visit, document, anchor, title)}</li>'
        for document, anchor, title in named
    )
    return f"<h2>{visit.label('covered')}</h2><ul>{links}</ul>"


def _searched(title: str, body: str, q: str, visit: Visit) -> ReaderPage:
    name = unescape(title)
    return ReaderPage(name, name, visit.labels, body, query=q, listed=False)


class _Tools:
    """Adds to a heading a link to itself, and a link that asks about its section."""

    def __init__(self, document: Document, shelf: DocumentAddresses, visit: Visit) -> None:
        self._place = document.id
        apart = shelf.path(document) != quote(document.id)
        self._corpus = f"&amp;corpus={quote(document.corpus, safe='')}" if apart else ""
        self._visit = visit
        self._titles = {section.anchor: section.title for section in document.sections}
        self._asked = self._titles.keys() - _empty(document)

    def __call__(self, heading: re.Match[str]) -> str:
        visit, anchor = self._visit, unescape(heading[2])
        title = self._titles.get(anchor) or unescape(_TAG.sub("", heading[3])).strip()
        tools = (
            f'<a class="anchor" href="#{escape(anchor)}" data-title="{escape(title)}" '
            f'aria-label="{visit.label("link", title)}">#</a>'
        )
        if anchor in self._asked:
            about = f"{quote(self._place, safe='/')}%23{quote(anchor, safe='')}{self._corpus}"
            label = visit.label("ask-section")
            tools += (
                f'<a class="ask" href="{escape(visit.root)}/?about={about}" '
                f'aria-label="{label}: {escape(title)}">{label}</a>'
            )
        return (
            f'<div class="heading level-{heading[1]}">{heading[0]}'
            f'<span class="tools" lang="{visit.labels}">{tools}</span></div>'
        )


def _empty(document: Document) -> set[str]:
    """Return the anchors of sections without any text, as those that only list contents."""
    return {
        section.anchor
        for section in document.sections
        if not any(
            other.blocks and other.path[: len(section.path)] == section.path
            for other in document.sections
        )
    }


def _listed(document: Document, contents: Sequence[TocEntry]) -> tuple[TocEntry, ...]:
    empty = _empty(document)
    return tuple(entry for entry in contents if entry.anchor not in empty)


def _sections(documents: Sequence[Document]) -> list[tuple[Document, str, str]]:
    found = outline(documents, _SECTIONS)
    return [(document, section.anchor, section.title) for document, section in found]


def _link(
    shelf: DocumentAddresses, visit: Visit, document: Document, anchor: str, text: str
) -> str:
    place = f"#{escape(anchor)}" if anchor else ""
    return f'<a href="{_address(shelf, visit, document)}{place}">{escape(text)}</a>'


def _address(shelf: DocumentAddresses, visit: Visit, document: Document) -> str:
    return f"{escape(visit.root)}/notes/{shelf.path(document)}"


def _list(shelf: DocumentAddresses, visit: Visit) -> str:
    if len(shelf.corpora) == 1:
        return _cards(shelf.documents, shelf, visit)
    return "".join(
        f"<h2>{escape(corpus)}</h2>"
        + _cards([d for d in shelf.documents if d.corpus == corpus], shelf, visit)
        for corpus in shelf.corpora
    )


def _cards(documents: Iterable[Document], shelf: DocumentAddresses, visit: Visit) -> str:
    return f'<ul class="documents">{"".join(_card(d, shelf, visit) for d in documents)}</ul>'


def _card(document: Document, shelf: DocumentAddresses, visit: Visit) -> str:
    title = _link(shelf, visit, document, "", document.title)
    about = f"<p>{escape(document.description)}</p>" if document.description else ""
    links = "".join(
        f"<li>{_link(shelf, visit, document, anchor, title)}</li>"
        for _, anchor, title in _sections([document])
        if anchor and title != document.title
    )
    sections = f"<ul>{links}</ul>" if links else ""
    return f'<li lang="{document.language}"><strong>{title}</strong>{about}{sections}</li>'


def _twins(document: Document, shelf: DocumentAddresses, visit: Visit) -> str:
    twins = shelf.twins(document)
    if not twins:
        return ""
    links = ", ".join(
        _link(shelf, visit, each, "", f"{each.title} ({each.corpus})") for each in twins
    )
    return f'<p class="twins" lang="{visit.labels}">{visit.label("twins")} {links}</p>'


def _around(document: Document, shelf: DocumentAddresses, visit: Visit) -> str:
    links = "".join(
        f'<a class="{name}" href="{_address(shelf, visit, other)}" lang="{other.language}">'
        f'<span lang="{visit.labels}">{visit.label(name)}</span> {escape(other.title)}</a>'
        for name, other in zip(("before", "after"), shelf.around(document), strict=True)
        if other
    )
    return f'<nav class="around" aria-label="{visit.label("around")}">{links}</nav>' * bool(links)


def _hits(hits: Sequence[SearchHit], shelf: DocumentAddresses, visit: Visit) -> str:
    """Return the sections found as HTML, grouped by document."""
    order: Mapping[tuple[str, str], int] = {
        key: place
        for place, key in enumerate(dict.fromkeys((h.document.corpus, h.document.id) for h in hits))
    }
    ranked = sorted(hits, key=lambda h: order[h.document.corpus, h.document.id])
    parts = []
    for (corpus, id_), group in groupby(ranked, lambda h: (h.document.corpus, h.document.id)):
        document = shelf.named(corpus, id_)
        items = "".join(_hit(hit, document, shelf, visit) for hit in group)
        if len(shelf.documents) > 1:
            where = f" <small>{escape(corpus)}</small>" if len(shelf.corpora) > 1 else ""
            name = escape(document.title)
            parts.append(f'<h2 lang="{document.language}">{name}{where}</h2>')
        parts.append(f'<ul class="results" lang="{document.language}">{items}</ul>')
    return "".join(parts)


def _hit(hit: SearchHit, document: Document, shelf: DocumentAddresses, visit: Visit) -> str:
    place = f"#{escape(hit.section.anchor)}" if hit.section.anchor else ""
    _, mark, words = hit.highlight_url.partition(":~:")
    words = f"{'' if place else '#'}{mark}{escape(words)}" if mark else ""
    path = " › ".join(hit.section.path[1:]) or hit.section.title
    href = f"{_address(shelf, visit, document)}{place}{words}"
    return f'<li><a href="{href}">{escape(path)}</a><p class="snippet">{hit.snippet}</p></li>'


def _pages(page: int, last: int, q: str, visit: Visit) -> str:
    if last < 2:
        return ""

    def link(name: str, number: int) -> str:
        if not 1 <= number <= last:
            return ""
        href = escape("?" + urlencode({"q": q, "page": number}))
        relation = "prev" if number < page else "next"
        return f'<a href="{href}" rel="{relation}">{visit.label(name)}</a>'

    before, after = link("page-before", page - 1), link("page-after", page + 1)
    label = visit.label("pages")
    return (
        f'<nav class="pages" aria-label="{label}">{before}<span>{page} / {last}</span>{after}</nav>'
    )
