"""Renders answers, and the welcome with the subjects of the notes, as HTML.

The page's own words are in the HTML in both languages; its style shows the visitor's one.
"""

import re
from collections.abc import Iterator, Sequence
from html import escape
from urllib.parse import quote

import nh3

from assistant.answering import Answer, FoundPassage, caveat, first_line, outline
from assistant.links import READER, section_url
from index.language import Language
from index.markdown import Document, Section, written_out
from index.storage import Notes
from ui.html import render, render_quote
from ui.wording import LANGUAGES, in_both_languages, label

_CARDS = 12
_FRAME = re.compile(r"(?m)(?<=\n)[ \t]*(?:>[ \t]?)+")
_TAG = re.compile(r"<[^>]*>")
_FOLDED_FROM = 8
_REASONS = ("wrong", "elsewhere", "unclear")


def turn(question: str, card: str) -> str:
    """Return the HTML of one turn of the conversation: a question with its answer card."""
    asked = escape(question.strip())
    return f'<article class="note-turn"><h2 class="note-question">{asked}</h2>{card}</article>'


def answer_card(
    answer: Answer,
    asked: str,
    suggestions: Sequence[str] = (),
    contact: str = "",
    vote: bool = True,
) -> str:
    """Return an answer as HTML: the answering words, the text around them, and their place.

    asked: the question as it was typed. suggestions: questions to ask next. contact: a link to
    reach the notes' author. vote: whether to ask if the answer helped.
    """
    body = _not_covered(answer, asked, contact) if not answer.passages else _covered(answer, asked)
    tools = _tools(answer, asked, vote) if answer.passages or answer.closest else ""
    return f'<div class="note-card">{body}{tools}{_next(suggestions)}</div>'


def notice_card(texts: dict[Language, str]) -> str:
    """Return a card with a sentence in place of an answer, as HTML; texts: by language."""
    return f'<div class="note-card"><p class="note-message">{in_both_languages(texts)}</p></div>'


def welcome(notes: Notes, examples: Sequence[tuple[str, str]], root: str = "") -> str:
    """Return the welcome as HTML: the title of the notes, the promise, sections, and examples.

    examples: questions, each with the language of the visitors who see it, empty for all. root:
    the path below which a proxy shows the server.
    """
    cards = "".join(
        _topic(document, section, root, notes.is_apart(document))
        for document, section in outline(notes.documents, _CARDS)
    )
    titles = "".join(f'<span lang="{key}">{escape(title(notes, key))}</span>' for key in LANGUAGES)
    chips = "".join(_chip(text, f"only-{key}" if key else "") for text, key in examples)
    return (
        f'<div class="note-welcome"><h1>{titles}</h1>'
        f'<p class="note-promise">{label("promise")}</p>'
        f'<ul class="note-topics">{cards}</ul>'
        f'<p class="note-try">{label("try")}</p><div class="note-examples">{chips}</div></div>'
    )


def topics(notes: Notes) -> list[str]:
    """Return the titles of the sections that `welcome` shows."""
    return [section.title for _, section in outline(notes.documents, _CARDS)]


def title(notes: Notes, language: Language) -> str:
    """Return a title for the notes: that of the only document, else the number of documents."""
    if len(notes.documents) == 1:
        return notes.documents[0].title
    several = {"ko": "노트 {}편", "en": "{} notes"}
    return several[language].format(len(notes.documents))


def _covered(answer: Answer, asked: str) -> str:
    first, *others = answer.passages
    parts = [*_remarks(answer, first, asked), *_quote(first), _place(first)]
    if others:
        lines = "".join(_also(passage) for passage in others[:2])
        parts.append(
            f'<details class="note-also" open><summary>{label("also")}</summary>'
            f"<ul>{lines}</ul></details>"
        )
    return "".join(parts)


def _remarks(answer: Answer, first: FoundPassage, asked: str) -> Iterator[str]:
    yield _searched(answer, asked)
    if answer.grade == "may_answer":
        yield f'<p class="note-caveat">{_caveat(answer)}</p>'
    if first.damaged:
        yield f'<p class="note-remark note-mended">{label("mended")}</p>'
    other: Language = "en" if first.document.language == "ko" else "ko"
    # Seen by those who read the other language than the notes are in.
    yield f'<p class="note-remark note-foreign">{label("foreign", other)}</p>'


def _caveat(answer: Answer) -> str:
    return in_both_languages({key: caveat(answer.grade, key, answer.missing) for key in LANGUAGES})


def _searched(answer: Answer, asked: str) -> str:
    if answer.query == " ".join(asked.split()):
        return ""
    shown = label("searched").replace("{query}", escape(answer.query))
    return f'<p class="note-remark">{shown}</p>'


def _quote(passage: FoundPassage) -> Iterator[str]:
    # The best line leads alone; the others are marked where they stand.
    best = passage.highlights[:1]
    lead = "".join(render_quote(passage.text, h, passage.url, passage.references) for h in best)
    spoken = f'lang="{passage.document.language}"'
    if _TAG.sub("", lead).strip():
        yield f'<p class="note-quote" {spoken}><mark>{lead}</mark></p>'
    if lead and _is_whole(passage):
        return
    body = render(passage.text, passage.highlights, passage.url, passage.references)
    if passage.text.strip().count("\n") < _FOLDED_FROM:
        yield f'<div class="note-passage" {spoken}>{body}</div>'
    else:
        yield (
            f'<details class="note-passage" {spoken}><summary>{label("more")}</summary>'
            f"{body}</details>"
        )


def _is_whole(passage: FoundPassage) -> bool:
    best = passage.highlights[0]
    rest = passage.text[: best.start] + passage.text[best.end :]
    return not any(character.isalnum() for character in rest)


def _place(passage: FoundPassage) -> str:
    path = " › ".join(passage.section.path)
    link = _link(passage.highlight_url, label("open"), path)
    spoken = passage.document.language
    return f'<p class="note-place"><span lang="{spoken}">{escape(path)}</span> {link}</p>'


def _also(passage: FoundPassage) -> str:
    link = _link(passage.highlight_url, escape(passage.section.title))
    quotes = [
        render_quote(passage.text, h, references=passage.references) for h in passage.highlights
    ]
    words = " / ".join(quotes).replace("<br>", " / ")
    cleaned = nh3.clean(words, tags={"code", "em", "strong", "sub", "sup"}, attributes={})
    said = f": <q>{cleaned}</q>" if cleaned else ""
    return f'<li lang="{passage.document.language}">{link}{said}</li>'


def _not_covered(answer: Answer, asked: str, contact: str) -> str:
    if not answer.closest:
        return f'<p class="note-message">{escape(answer.message or "")}</p>'
    path = " › ".join(answer.closest.section.path)
    link = _link(answer.closest.highlight_url, escape(path))
    parts = [
        _searched(answer, asked),
        f'<p class="note-message">{_caveat(answer)}</p>',
        f'<p class="note-place"><span>{label("closest")}</span> {link}</p>',
    ]
    if contact:
        parts.append(f'<p class="note-contact">{_link(contact, label("contact"))}</p>')
    return "".join(parts)


def _tools(answer: Answer, asked: str, vote: bool) -> str:
    """Return the buttons below an answer as HTML; the script of the page handles them."""
    buttons = [
        _button("copy", data=_markdown(answer)) if answer.passages else "",
        _button("share", data=asked),
    ]
    if answer.corrected_from:
        exact = f'"{answer.corrected_from}"'
        buttons.append(_button("as-typed", data=answer.corrected_from, title=exact))
    if vote:
        reasons = "".join(_button("reason", data=name, text=f"reason-{name}") for name in _REASONS)
        buttons.append(
            f'<span class="note-vote" data-answer="{escape(answer.id)}">'
            f'<span class="note-asks">{label("helped")}</span>'
            f"{_button('yes')}{_button('no')}"
            f'<span class="note-reasons" hidden>{reasons}</span>'
            f'<span class="note-thanks" hidden>{label("thanks")}</span></span>'
        )
    return f'<div class="note-tools">{"".join(buttons)}</div>'


def _button(name: str, data: str = "", text: str = "", title: str = "") -> str:
    held = f' data-value="{escape(data)}"' if data else ""
    about = f' title="{escape(title)}"' if title else ""
    return f'<button type="button" data-do="{name}"{held}{about}>{label(text or name)}</button>'


def _markdown(answer: Answer) -> str:
    """Return the answer as Markdown to copy: the quoted words, then the link to their section."""
    first = answer.passages[0]
    spans = first.highlights[:1]
    words = "\n".join(first.text[h.start : h.end] for h in spans) or first.text
    # What frames the lines of a quote frames those of this one anew.
    words = _FRAME.sub("", written_out(words, first.references))
    quoted = "\n".join(f"> {line}".rstrip() for line in words.strip().splitlines())
    return f"{quoted}\n\n[{' › '.join(first.section.path)}]({quote(first.url, safe='/:#%?=&')})"


def _next(suggestions: Sequence[str]) -> str:
    if not suggestions:
        return ""
    chips = "".join(_chip(text) for text in suggestions)
    return f'<div class="note-next"><span>{label("next")}</span>{chips}</div>'


def _chip(question: str, classes: str = "") -> str:
    found = f"note-chip {classes}".strip()
    return f'<a class="{found}" href="?q={quote(question)}">{escape(question)}</a>'


def _link(url: str, text: str, about: str = "") -> str:
    # Several links say the same; a screen reader's list of links needs to tell them apart.
    where = f' <span class="note-heard">{escape(about)}</span>' if about else ""
    return f'<a href="{escape(url)}" target="_blank" rel="noopener noreferrer">{text}{where}</a>'


def _topic(document: Document, section: Section, root: str, apart: bool) -> str:
    url = section_url(READER, root, document, section, apart)
    return (
        f'<li lang="{document.language}"><a href="{escape(url)}"><strong>{escape(section.title)}'
        f"</strong><span>{escape(first_line(document, section))}</span></a></li>"
    )
