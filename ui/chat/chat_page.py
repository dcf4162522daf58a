"""The chat page: questions and answer cards in Gradio."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from assistant.answering import MAX_HISTORY, Answer, Assistant, Question, program_message
from index.cpus import usable_cpus
from index.errors import QuestionError, StoreAway
from index.storage import Notes
from ui.chat.cards import answer_card, notice_card, title, turn
from ui.chat.edition import ChatEdition
from ui.chat.gradio_alone import gradio as gr
from ui.wording import LANGUAGES, label, page_text

_STATIC = Path(__file__).parents[1] / "static"
_FONTS = ("system-ui", "-apple-system", "Segoe UI", "Apple SD Gothic Neo", "Noto Sans KR")
_CODE_FONTS = ("ui-monospace", "SFMono-Regular", "Consolas", "D2Coding")
# More at once than cores would only take memory.
_AT_ONCE = usable_cpus()
_KEPT = 20
# Of a question that is too long to be asked, as much is shown.
_MOST_SHOWN = 300

Ask = Callable[[Assistant, str, Sequence[str]], Answer]


def create_chat(ask: Ask, current: Callable[[], ChatEdition], contact: str = "") -> gr.Blocks:
    """Return the chat, to be mounted with `presentation()`.

    ask: a function that answers a question, given the earlier ones, oldest first. current: gives
    the edition that is served now. contact: a link to reach the notes' author.
    """
    welcomed = current().welcome

    def answered(question: str, asked: list[str]) -> Any:
        shown = _turn(current(), ask, question, asked, contact)
        asked = [*asked, question][-_KEPT:]
        return "", shown, asked, asked

    def opened(kept: list[str], request: gr.Request) -> Any:
        edition = current()
        asked: list[str] = []
        shown = []
        for question in kept[-_KEPT:] if isinstance(kept, list) else []:
            shown.append(_turn(edition, _again, str(question), asked, contact, vote=False))
            asked.append(str(question))
        given = request.query_params
        notes = edition.assistant.snapshot.notes
        about = _section(notes, given.get("about", ""), given.get("corpus", ""))
        if about:
            shown.append(
                notice_card({k: v.format(title=about) for k, v in page_text("about").items()})
            )
            asked.append(about)
        if question := request.query_params.get("q", "").strip():
            shown.append(_turn(edition, ask, question, asked, contact))
            asked.append(question)
        # The page itself was made once, of the notes as they were at the start.
        greeting = gr.skip() if edition.welcome == welcomed else edition.welcome
        return "".join(shown), asked, asked, greeting

    notes = current().assistant.snapshot.notes
    chat = gr.Blocks(title=title(notes, "ko"), analytics_enabled=False)
    with chat:
        gr.HTML(_bar(), elem_id="bar")
        greeting = gr.HTML(welcomed, elem_id="welcome")
        # The page's script adds to it, so that what is open there stays open.
        gr.HTML('<div id="log"></div><p id="heard" role="status"></p>', elem_id="conversation")
        box = _box()
        latest = gr.Textbox(visible="hidden")
        fresh = gr.Button(visible="hidden", elem_id="fresh")
        asked = gr.State([])
        # No secret: it is the visitor's own browser, and must outlive the server.
        kept = gr.BrowserState([], storage_key="notes-conversation", secret="notes")  # noqa: S106
        gr.on(
            [box.submit],
            answered,
            [box, asked],
            [box, latest, asked, kept],
            js="(_, asked) => [window.notes.typed(), asked]",
            api_name="ask",
            api_visibility="public",
            show_progress="hidden",
            concurrency_limit=_AT_ONCE,
            concurrency_id="ask",
        ).then(None, latest, js="(html) => window.notes.add(html)", api_visibility="private")
        fresh.click(lambda: ([], []), None, [asked, kept], api_visibility="private")
        chat.load(
            opened,
            kept,
            [latest, asked, kept, greeting],
            show_progress="hidden",
            api_visibility="private",
        ).then(None, latest, js="(html) => window.notes.open(html)", api_visibility="private")
    return chat


def presentation() -> dict[str, Any]:
    """Return the other arguments of `gradio.mount_gradio_app`: theme, style, script, options."""
    style = (_STATIC / "chat.css").read_text()
    script = (_STATIC / "chat.js").read_text()
    return {
        "theme": gr.themes.Base(font=_FONTS, font_mono=_CODE_FONTS),
        # As `css` Gradio would put its own container before each selector, so nothing of the page
        # around it, such as its language, could be asked for.
        "head": f"<style>{style}</style><script>{script}</script>",
        "footer_links": [],
        "run_history": False,
        "show_error": False,
        "ssr_mode": False,
    }


def _turn(
    edition: ChatEdition,
    ask: Ask,
    question: str,
    asked: Sequence[str],
    contact: str,
    vote: bool = True,
) -> str:
    try:
        answer = ask(edition.assistant, question, asked[-MAX_HISTORY:])
    except QuestionError as error:
        said = {key: program_message(error.reason, key) for key in LANGUAGES}
        return turn(question[:_MOST_SHOWN], notice_card(said))
    except StoreAway:
        return turn(question[:_MOST_SHOWN], notice_card(page_text("away")))
    suggestions = edition.suggestions.after(answer, [*asked, question])
    return turn(question, answer_card(answer, question, suggestions, contact, vote))


def _again(assistant: Assistant, question: str, asked: Sequence[str]) -> Answer:
    """Return an answer for a page that is opened again; it is neither counted nor stored."""
    return assistant.ask(Question(question, history=tuple(asked)))


def _section(notes: Notes, place: str, corpus: str) -> str:
    """Return the title of the section at `document#anchor`, empty where there is none."""
    name, _, anchor = place.partition("#")
    for document in notes.documents:
        named = document.id == name and corpus in ("", document.corpus)
        for section in document.sections if named else ():
            if section.anchor == anchor:
                return section.title
    return ""


def _box() -> gr.Textbox:
    return gr.Textbox(
        elem_id="box",
        label="질문 / Question",
        show_label=False,
        container=False,
        placeholder=" ",
        submit_btn=True,
        max_lines=6,
    )


def _bar() -> str:
    return (
        f'<nav><a href="notes/">{label("read")}</a>'
        f'<button type="button" data-do="fresh" hidden>{label("fresh")}</button>'
        '<button type="button" data-language="ko" lang="ko">한국어</button>'
        '<button type="button" data-language="en" lang="en">English</button>'
        f'<button type="button" data-do="dark"><span aria-hidden="true">◐</span>'
        f'<span class="note-heard">{label("dark")}</span></button></nav>'
    )
