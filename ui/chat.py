"""The chat: questions and answer cards in Gradio."""

from collections.abc import Callable, Iterator, Sequence
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from assistant.answer import Answer
from assistant.ask import MAX_HISTORY
from assistant.messages import message
from index.contents import Notes
from index.errors import QuestionError
from index.language import Language, language
from ui.cards import answer_card, notice_card, title, topics, welcome
from ui.reader import visitors_language

_STATIC = Path(__file__).parent / "static"
_FONTS = ("system-ui", "-apple-system", "Segoe UI", "Apple SD Gothic Neo", "Noto Sans KR")
_CODE_FONTS = ("ui-monospace", "SFMono-Regular", "Consolas", "D2Coding")
_LANGUAGES: tuple[Language, ...] = ("ko", "en")
_AT_ONCE = 16
_EXAMPLES = 6

_TRY: dict[Language, str] = {"ko": "이렇게 물어보세요", "en": "Try asking"}
_READ: dict[Language, str] = {"ko": "노트 읽기", "en": "Read the notes"}

# The page scrolls to the question, so that its answer is read from the top.
_TO_QUESTION = """() => requestAnimationFrame(() => {
    const questions = document.querySelectorAll(".note-question");
    questions[questions.length - 1]?.scrollIntoView({block: "start"});
})"""

Message = dict[str, Any]
Ask = Callable[[str, Sequence[str]], Answer]


def create_chat(ask: Ask, notes: Notes) -> gr.Blocks:
    """Return the chat, to be mounted with `presentation()`.

    ask: answers a question that may follow up on those before it, oldest first.
    """

    def answered(question: str, shown: list[Message], asked: list[str], request: gr.Request) -> Any:
        card = _reply(ask, question, asked, visitors_language(request.headers))
        messages = [_message("user", _question(question)), _message("assistant", card)]
        return "", [*shown, *messages], [*asked, question][-MAX_HISTORY:]

    chat = gr.Blocks(title=title(notes, "en"), analytics_enabled=False)
    with chat:
        gr.HTML(_bar(), elem_id="bar")
        gr.HTML("".join(welcome(notes, key) for key in _LANGUAGES), elem_id="welcome")
        conversation = _conversation()
        asked = gr.State([])
        gr.HTML(_both(_TRY), elem_id="try")
        with gr.Row(elem_id="examples"):
            chips = [
                gr.Button(text, size="sm", min_width=0, elem_classes=classes)
                for text, classes in _examples(notes)
            ]
        box = _box()
        asking = [(box.submit, box), *((chip.click, chip) for chip in chips)]
        for event, source in asking:
            event(
                answered,
                [source, conversation, asked],
                [box, conversation, asked],
                show_progress="hidden",
                concurrency_limit=_AT_ONCE,
                concurrency_id="ask",
                api_visibility="private",
            ).then(None, js=_TO_QUESTION, api_visibility="private")
        chat.load(None, js="() => window.notesReady()", api_visibility="private")
    return chat


def presentation() -> dict[str, Any]:
    """Return what `gradio.mount_gradio_app` needs besides the chat: its looks and its manners."""
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


def _examples(notes: Notes) -> Iterator[tuple[str, str]]:
    """Yield example questions with the class that shows them in one language alone.

    They are those that the notes' front matter offers; else the titles of their sections.
    """
    offered = [text for document in notes.documents for text in document.examples]
    by_language = {key: [t for t in offered if language(t) == key] for key in _LANGUAGES}
    if all(by_language.values()):
        for key, texts in by_language.items():
            yield from ((text, f"only-{key}") for text in texts[:_EXAMPLES])
    else:
        yield from ((text, "") for text in (offered or topics(notes))[:_EXAMPLES])


def _conversation() -> gr.Chatbot:
    return gr.Chatbot(
        elem_id="conversation",
        show_label=False,
        container=False,
        height=None,
        layout="panel",
        autoscroll=False,
        buttons=[],
        latex_delimiters=[],
        feedback_options=None,
        sanitize_html=True,
        allow_tags=False,
    )


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


def _reply(ask: Ask, question: str, asked: Sequence[str], labels: Language) -> str:
    try:
        answer = ask(question, asked)
    except QuestionError as error:
        return notice_card(message(error.reason, labels))
    return answer_card(answer, answer.language, question)


def _question(text: str) -> str:
    return f'<div class="note-question">{escape(text.strip())}</div>'


def _message(role: str, content: str) -> Message:
    # Gradio takes messages for Markdown, where an empty line would end the HTML.
    return {"role": role, "content": content.replace("\n", "&#10;")}


def _bar() -> str:
    buttons = (
        '<button type="button" data-language="ko" lang="ko">한국어</button>'
        '<button type="button" data-language="en" lang="en">English</button>'
    )
    return f'<nav><a href="notes/">{_both(_READ)}</a>{buttons}</nav>'


def _both(texts: dict[Language, str]) -> str:
    return "".join(f'<span lang="{key}">{escape(text)}</span>' for key, text in texts.items())
