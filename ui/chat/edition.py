"""The parts of the chat that depend on a version of the notes."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from assistant.answering import Assistant
from index.language import language
from index.storage import Notes
from ui.chat.cards import topics, welcome
from ui.chat.suggestions import Suggestions
from ui.wording import LANGUAGES

_EXAMPLES = 6


class ChatEdition:
    """The welcome and suggestions for one version of the notes, and the assistant over it."""

    def __init__(self, assistant: Assistant) -> None:
        """Prepare the edition, once for each version; assistant: over that version."""
        notes = assistant.snapshot.notes
        self.assistant = assistant
        self.suggestions = Suggestions(assistant)
        root = urlsplit(assistant.public_url).path
        self.welcome = welcome(notes, list(_examples(notes)), root)


def _examples(notes: Notes) -> Iterator[tuple[str, str]]:
    """Yield example questions with the language of visitors who see them, empty for all.

    They come from the front matter of the notes; without any, they are titles of sections.
    """
    offered = [text for document in notes.documents for text in document.examples]
    by_language = {key: [t for t in offered if language(t) == key] for key in LANGUAGES}
    if all(by_language.values()):
        for key, texts in by_language.items():
            yield from ((text, key) for text in texts[:_EXAMPLES])
    else:
        yield from ((text, "") for text in (offered or topics(notes))[:_EXAMPLES])
