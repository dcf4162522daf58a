"""The frame of every reader page: its head, its bar with the search box, its contents."""

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from urllib.parse import urlencode

from index.language import Language
from ui.html import BOX, TEXT, TocEntry

_STATIC = Path(__file__).parents[1] / "static"
_STYLE = (_STATIC / "reader.css").read_text()
_SCRIPT = (_STATIC / "reader.js").read_text()


def _hash(source: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()}'"


HEADERS = {
    "Content-Security-Policy": f"default-src 'none'; style-src {_hash(_STYLE)}; "
    f"script-src {_hash(_SCRIPT)}; connect-src 'self'; img-src 'self' data:; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'self'",
    "Referrer-Policy": "no-referrer",
    "Vary": "Accept-Language, Cookie",
    "X-Content-Type-Options": "nosniff",
}

_LABELS: dict[str, dict[Language, str]] = {
    "ask": {"ko": "질문하기", "en": "Ask a question"},
    "all": {"ko": "모든 노트", "en": "All notes"},
    "contents": {"ko": "목차", "en": "Contents"},
    "skip": {"ko": "본문으로 건너뛰기", "en": "Skip to the text"},
    "search": {"ko": "노트에서 찾기", "en": "Search the notes"},
    "find": {"ko": "찾기", "en": "Search"},
    "missing": {"ko": "이 노트를 찾을 수 없어요", "en": "There is no such note"},
    "moved": {
        "ko": "주소가 바뀌었거나 지워진 노트일 수 있어요. 지금 있는 노트는 이것들이에요.",
        "en": "It may have moved or been removed. These are the notes there are.",
    },
    "mended": {
        "ko": "깨진 글자를 복원한 노트예요. 원문과 다를 수 있어요.",
        "en": "Damaged characters of this note were mended; they may differ from the original.",
    },
    "link": {"ko": "‘{}’ 링크", "en": "Link to “{}”"},
    "ask-section": {"ko": "이 섹션에 대해 질문", "en": "Ask about this section"},
    "other": {"ko": "다른 언어", "en": "Other language"},
    "twins": {"ko": "이름이 같은 노트가 더 있어요:", "en": "Other notes have this name:"},
    "around": {"ko": "앞뒤 노트", "en": "Notes before and after"},
    "before": {"ko": "이전 노트", "en": "Previous note"},
    "after": {"ko": "다음 노트", "en": "Next note"},
    "results": {"ko": "‘{}’ 검색 결과", "en": "Results for “{}”"},
    "count": {"ko": "섹션 {}개", "en": "{} sections"},
    "count-one": {"ko": "섹션 1개", "en": "1 section"},
    "corrected": {
        "ko": "‘{}’로 찾은 결과예요.",
        "en": "Showing what was found for “{}”.",
    },
    "nothing": {
        "ko": "노트에서 ‘{}’에 대한 내용을 찾지 못했어요.",
        "en": "Nothing in the notes was found for “{}”.",
    },
    "covered": {"ko": "노트에는 이런 내용이 있어요", "en": "What the notes cover"},
    "pages": {"ko": "검색 결과 쪽", "en": "Pages of results"},
    "page-before": {"ko": "이전", "en": "Previous"},
    "page-after": {"ko": "다음", "en": "Next"},
}
_OTHER: dict[Language, tuple[Language, str]] = {"ko": ("en", "English"), "en": ("ko", "한국어")}
_LENS = (
    '<svg viewBox="0 0 20 20" width="18" height="18" aria-hidden="true" fill="none" '
    'stroke="currentColor" stroke-width="2"><circle cx="8.5" cy="8.5" r="5.5"/>'
    '<path d="m13 13 4.5 4.5"/></svg>'
)


@dataclass(frozen=True)
class ReaderPage:
    """The content of a reader page.

    language: of the text. canonical: the public address, empty if there is none. query: the search
    query, empty if there is none. listed: whether search engines may list the page.
    """

    title: str
    description: str
    language: Language
    body: str
    contents: tuple[TocEntry, ...] = ()
    canonical: str = ""
    query: str = ""
    listed: bool = True


@dataclass(frozen=True)
class Visit:
    """The visitor of a page.

    labels: the language of the page's own words. root: the path below which a proxy shows the
    server. apart: `corpus/id` of documents with a longer address, as DocumentAddresses.apart gives.
    """

    labels: Language
    root: str
    apart: Sequence[str] = ()

    def label(self, name: str, value: object = "") -> str:
        """Return a label of the page as HTML, with the value filled in."""
        return escape(_LABELS[name][self.labels]).replace("{}", escape(str(value)))


def document(page: ReaderPage, visit: Visit) -> str:
    """Return the whole HTML document of a page."""
    return f"""<!doctype html>
<html lang="{visit.labels}" data-root="{escape(visit.root)}">
<head>
{_head(page)}
<style>{_STYLE}</style>
<script type="module">{_SCRIPT}</script>
</head>
<body>
<a class="skip" href="#{TEXT}">{visit.label("skip")}</a>
{_bar(page, visit)}
<div class="page">
{_contents(page, visit)}
<main id="{TEXT}" lang="{page.language}" tabindex="-1">{page.body}</main>
</div>
</body>
</html>
"""


def _head(page: ReaderPage) -> str:
    title, description = escape(page.title), escape(page.description)
    tags = [
        '<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="color-scheme" content="light dark">',
        f"<title>{title}</title>",
        f'<meta name="description" content="{description}">',
        '<meta property="og:type" content="article">',
        f'<meta property="og:title" content="{title}">',
        f'<meta property="og:description" content="{description}">',
        '<link rel="icon" href="data:,">',
    ]
    if page.canonical:
        address = escape(page.canonical)
        tags.append(f'<link rel="canonical" href="{address}">')
        tags.append(f'<meta property="og:url" content="{address}">')
    if not page.listed:
        tags.append('<meta name="robots" content="noindex">')
    return "\n".join(tags)


def _bar(page: ReaderPage, visit: Visit) -> str:
    other, name = _OTHER[visit.labels]
    kept = {"q": page.query} if page.query else {}
    switch = escape("?" + urlencode(kept | {"lang": other}))
    notes = f"{escape(visit.root)}/notes/"
    apart = escape(json.dumps(list(visit.apart), ensure_ascii=False))
    return f"""<header class="bar">
<a href="{notes}">{visit.label("all")}</a>
<form class="search" role="search" action="{notes}search" data-apart="{apart}">
<label class="heard" for="{BOX}">{visit.label("search")}</label>
<input id="{BOX}" type="search" name="q" value="{escape(page.query)}" maxlength="2000"
 placeholder="{visit.label("search")}" autocomplete="off" autocapitalize="none" spellcheck="false"
 enterkeyhint="search" aria-keyshortcuts="/">
<button aria-label="{visit.label("find")}">{_LENS}</button>
</form>
<a class="switch" href="{switch}" lang="{other}" hreflang="{other}" rel="nofollow">{name}</a>
<a href="{escape(visit.root)}/">{visit.label("ask")}</a>
</header>"""


def _contents(page: ReaderPage, visit: Visit) -> str:
    if len(page.contents) < 2:
        return ""
    top = min(entry.level for entry in page.contents)
    items = "".join(
        f'<li class="level-{min(entry.level - top, 3)}">'
        f'<a href="#{escape(entry.anchor)}">{escape(entry.title)}</a></li>'
        for entry in page.contents
    )
    title = visit.label("contents")
    links = f'<ul lang="{page.language}">{items}</ul>'
    return (
        f'<nav class="side" aria-label="{title}"><p aria-hidden="true">{title}</p>{links}</nav>'
        f'<details class="drawer"><summary>{title}</summary>'
        f'<nav aria-label="{title}">{links}</nav></details>'
    )
