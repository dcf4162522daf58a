"""Answers, and what the notes cover, as HTML."""

from collections.abc import Iterator
from html import escape

import nh3

from assistant.answer import Answer, FoundPassage
from assistant.links import section_url
from assistant.messages import message
from assistant.outline import first_line, outline
from index.contents import Notes
from index.language import Language
from index.notes import Document, Section
from ui.markup import render, render_quote

_READER = "/notes/{document}#{anchor}"
_CARDS = 12
_FOLDED_FROM = 8

_LABELS: dict[str, dict[Language, str]] = {
    "promise": {
        "ko": "노트에 적힌 문장으로만 답합니다. 지어내지 않습니다.",
        "en": "Answers only with sentences written in the notes. Nothing is made up.",
    },
    "open": {"ko": "노트에서 보기", "en": "Open in the notes"},
    "more": {"ko": "앞뒤 내용 더 보기", "en": "Show all of it"},
    "also": {"ko": "함께 보기", "en": "See also"},
    "closest": {"ko": "가장 가까운 섹션", "en": "The closest section"},
    "several": {"ko": "노트 {count}편", "en": "{count} notes"},
    "searched": {"ko": "‘{query}’로 찾은 결과예요.", "en": "Showing results for “{query}”."},
    "in_ko": {
        "ko": "노트가 한국어로 쓰여 있어 그대로 보여 드려요.",
        "en": "The notes are in Korean, and quoted as written.",
    },
    "in_en": {
        "ko": "노트가 영어로 쓰여 있어 그대로 보여 드려요.",
        "en": "The notes are in English, and quoted as written.",
    },
}


def answer_card(answer: Answer, labels_language: Language, asked: str) -> str:
    """Return an answer as HTML: the words that answer, what stands around them, and where.

    asked: the question as it was typed.
    """
    if not answer.passages:
        return _card(_not_covered(answer, labels_language, asked))
    first, *others = answer.passages
    parts = [
        *_remarks(answer, first, labels_language, asked),
        *_quote(first, labels_language),
        _place(first, labels_language),
    ]
    if others:
        lines = "".join(_also(passage) for passage in others[:2])
        heading = _label("also", labels_language)
        parts.append(f'<h3 class="note-also">{heading}</h3><ul class="note-also">{lines}</ul>')
    return _card("".join(parts))


def notice_card(text: str) -> str:
    """Return a sentence for a person as HTML, in the place of an answer."""
    return _card(f'<p class="note-message">{escape(text)}</p>')


def welcome(notes: Notes, language: Language) -> str:
    """Return what the notes cover as HTML: their title, the promise, and their sections."""
    cards = "".join(_topic(document, section) for document, section in outline(notes, _CARDS))
    return (
        f'<div class="note-welcome" lang="{language}"><h1>{escape(title(notes, language))}</h1>'
        f'<p class="note-promise">{_label("promise", language)}</p>'
        f'<ul class="note-topics">{cards}</ul></div>'
    )


def topics(notes: Notes) -> list[str]:
    """Return the titles of the sections that `welcome` shows."""
    return [section.title for _, section in outline(notes, _CARDS)]


def title(notes: Notes, language: Language) -> str:
    """Return what the notes are called: a lone document's title, else how many they are."""
    if len(notes.documents) == 1:
        return notes.documents[0].title
    return _label("several", language).format(count=len(notes.documents))


def _card(body: str) -> str:
    return f'<div class="note-card">{body}</div>'


def _label(name: str, language: Language) -> str:
    return _LABELS[name][language]


def _remarks(answer: Answer, first: FoundPassage, language: Language, asked: str) -> Iterator[str]:
    yield _searched(answer, language, asked)
    if answer.grade == "may_answer":
        caveat = escape(answer.message or message("may_answer", language))
        yield f'<p class="note-caveat">{caveat}</p>'
    if first.document.language != language:
        yield f'<p class="note-remark">{_label(f"in_{first.document.language}", language)}</p>'


def _searched(answer: Answer, language: Language, asked: str) -> str:
    if answer.query == " ".join(asked.split()):
        return ""
    searched = _label("searched", language).format(query=answer.query)
    return f'<p class="note-remark">{escape(searched)}</p>'


def _quote(passage: FoundPassage, language: Language) -> Iterator[str]:
    # The best line leads alone; the others are marked where they stand.
    best = passage.highlights[:1]
    quote = "".join(render_quote(passage.text, h, passage.url) for h in best)
    spoken = f'lang="{passage.document.language}"'
    if quote:
        yield f'<p class="note-quote" {spoken}><mark>{quote}</mark></p>'
    if quote and _is_whole(passage):
        return
    body = render(passage.text, passage.highlights, passage.url)
    if passage.text.strip().count("\n") < _FOLDED_FROM:
        yield f'<div class="note-passage" {spoken}>{body}</div>'
    else:
        more = _label("more", language)
        yield (
            f'<details class="note-passage" {spoken}><summary lang="{language}">{more}</summary>'
            f"{body}</details>"
        )


def _is_whole(passage: FoundPassage) -> bool:
    best = passage.highlights[0]
    rest = passage.text[: best.start] + passage.text[best.end :]
    return not any(character.isalnum() for character in rest)


def _place(passage: FoundPassage, language: Language) -> str:
    path = " › ".join(passage.section.path)
    link = _link(passage.highlight_url, _label("open", language), path)
    return (
        f'<p class="note-place"><span lang="{passage.document.language}">{escape(path)}</span> '
        f"{link}</p>"
    )


def _also(passage: FoundPassage) -> str:
    link = _link(passage.highlight_url, passage.section.title)
    quotes = [render_quote(passage.text, h) for h in passage.highlights]
    words = " / ".join(quotes).replace("<br>", " / ")
    quote = nh3.clean(words, tags={"code", "em", "strong"}, attributes={})
    said = f": <q>{quote}</q>" if quote else ""
    return f'<li lang="{passage.document.language}">{link}{said}</li>'


def _not_covered(answer: Answer, language: Language, asked: str) -> str:
    text = escape(answer.message or message("not_covered", language))
    parts = [_searched(answer, language, asked), f'<p class="note-message">{text}</p>']
    if answer.closest:
        path = " › ".join(answer.closest.section.path)
        link = _link(answer.closest.highlight_url, path)
        parts.append(
            f'<p class="note-place"><span>{_label("closest", language)}:</span> {link}</p>'
        )
    return "".join(parts)


def _link(url: str, text: str, about: str = "") -> str:
    # Several links say the same; a screen reader's list of links needs to tell them apart.
    label = f' aria-label="{escape(f"{text}: {about}")}"' if about else ""
    return (
        f'<a href="{escape(url)}" target="_blank" rel="noopener noreferrer"{label}>'
        f"{escape(text)}</a>"
    )


def _topic(document: Document, section: Section) -> str:
    url = section_url(_READER, "", document, section)
    return (
        f'<li lang="{document.language}"><a href="{escape(url)}"><strong>{escape(section.title)}'
        f"</strong><span>{escape(first_line(document, section))}</span></a></li>"
    )
