"""A conversation in the terminal."""

import sys
from collections.abc import Iterator

from assistant.answering import MAX_HISTORY, Assistant, Question, program_message
from index.errors import QuestionError
from index.language import language
from ui.terminal.printed_answer import show

_PROMPT = "> "
_NEW = "/new"
_HINT = f"Ask in Korean or English. {_NEW} begins a new conversation, Ctrl+D ends.\n"


def converse(assistant: Assistant, address: str) -> None:
    """Answer each line of stdin as a question that may follow up on the lines before it."""
    folders = assistant.snapshot.manifest.corpora
    asked: list[str] = []
    for question in _questions():
        if question == _NEW:
            asked.clear()
            continue
        try:
            answer = assistant.ask(Question(question, history=tuple(asked)))
        except QuestionError as error:
            print(program_message(error.reason, language(question)))
            continue
        show(answer, question, folders, address)
        print(flush=True)
        asked = [*asked, question][-MAX_HISTORY:]


def _questions() -> Iterator[str]:
    if sys.stdin.isatty():
        # Importing it is what makes arrow keys and earlier lines work.
        import readline  # noqa: F401

        print(_HINT, file=sys.stderr)
    prompt = _PROMPT if sys.stdin.isatty() else ""
    while True:
        try:
            line = input(prompt)
        except EOFError:
            return
        if line.strip():
            yield line.strip()
