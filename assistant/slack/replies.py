"""Answers questions from Slack in threads of its own, after Slack got its acknowledgement."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from typing import Protocol

import structlog
from anyio.from_thread import start_blocking_portal

from assistant.answering import Question, program_message
from assistant.serving import Limits, Service, TooMany
from assistant.slack.block_kit import Message, answer_message, said
from assistant.slack.inbox import Ask, Inbox, State
from assistant.slack.slack_words import Word, word
from assistant.slack.web_api import Slack, SlackRefused, Unreachable
from index.errors import FeedbackUnwritable, NotesError, QuestionError, UnknownName
from index.language import Language
from index.language import language as language_of

_THREADS = 4
_AGAIN_SECONDS = 30.0
_LOG = structlog.get_logger()


class Count(Protocol):
    """Function that counts a team's question. Raises TooMany, or LimitsUnusable."""

    def __call__(self, team: str) -> None:
        """Count one question."""


class Replies:
    """The desk that takes questions from Slack, and answers each one once."""

    def __init__(
        self,
        service: Service,
        slack: Slack,
        inbox: Inbox,
        limits: Limits | None,
        again_seconds: float = _AGAIN_SECONDS,
    ) -> None:
        """limits: count each team's questions, None for no limits; nothing else may use them.

        again_seconds: the pause before an answer that could not be posted is tried again.
        """
        self._again_seconds = again_seconds
        self._service = service
        self.slack = slack
        self._inbox = inbox
        self._stack = ExitStack()
        self._count: Count = self._counting(limits) if limits else _uncounted
        self._workers = ThreadPoolExecutor(_THREADS, thread_name_prefix="slack")
        self._closed = threading.Event()
        self._watch = threading.Thread(target=self._look_after, name="slack-watch", daemon=True)
        absolute = service.assistant.public_url.startswith("http")
        if not absolute and service.assistant.link_template.startswith("/"):
            _LOG.warning(
                "slack shows no links",
                mend="Name the address people reach the notes by in NOTES_PUBLIC_URL.",
            )

    def open(self) -> None:
        """Start to ask Slack for the app's identity, and to answer questions left unanswered."""
        self._watch.start()

    def take(self, ask: Ask) -> None:
        """Claim a question and queue it for an answer; a question claimed before is ignored."""
        state = self._inbox.claim(ask)
        if state:
            self._workers.submit(self._work, ask, state)

    def vote(self, ask: Ask, answer_id: str, helpful: bool, language: Language) -> None:
        """Queue a vote to be stored and confirmed to the person; ask: the click on a button."""
        if self._inbox.claim_click(ask.id):
            self._workers.submit(self._vote, ask, answer_id, helpful, language)

    def close(self) -> None:
        """Stop; running answers are finished, and so are waiting ones that are only in memory."""
        self._closed.set()
        if self._watch.is_alive():
            self._watch.join(1)
        self._workers.shutdown(wait=True, cancel_futures=self._inbox.keeps)
        self._stack.close()
        self._inbox.close()

    def _look_after(self) -> None:
        """Answer abandoned questions: of a process that died, or from when Slack was away."""
        while True:
            try:
                self._inbox.tidy()
                if self.slack.status != "ok" or not self.slack.known:
                    self.slack.identify()
                if self.slack.status == "ok" and not self._closed.is_set():
                    for ask, state in self._inbox.abandoned():
                        self._workers.submit(self._work, ask, state)
            except Exception as error:
                _LOG.error("unexpected", exc_info=error)
            if self._closed.wait(self._again_seconds):
                return

    def _work(self, ask: Ask, state: State) -> None:
        try:
            self._answer(ask, state)
        except Unreachable as error:
            if self.slack.status != "unauthorized":
                _LOG.warning("slack unreachable", error=str(error))
            self._inbox.release(ask)
        except SlackRefused as error:
            _LOG.error("slack refuses an answer", reason=str(error))
            self._inbox.done(ask)
        except Exception as error:
            _LOG.error("unexpected", exc_info=error)
            with suppress(Exception):
                self._inbox.release(ask)

    def _answer(self, ask: Ask, state: State) -> None:
        if state == "sending" and self.slack.replied(ask):
            self._inbox.done(ask)
            return
        reply, private = self._reply(ask)
        self._inbox.sending(ask)
        send = self.slack.whisper if private or not ask.thread else self.slack.reply
        send(ask, reply)
        self._inbox.done(ask)

    def _reply(self, ask: Ask) -> tuple[Message, bool]:
        """Return the reply, and whether only the person who asked may see it."""
        language = self._language(ask.text)
        try:
            self._count(ask.team)
            history = self._inbox.history(ask)
            answer = self._service.ask(Question(ask.text, history=history))
        except TooMany as error:
            self._service.metrics.limited.inc()
            return said(word("limited", language, error.standing.reset)), True
        except QuestionError as error:
            return said(program_message(error.reason, language)), False
        except NotesError as error:
            _LOG.error("unusable", error=str(error))
            return said(word("failed", language)), True
        return answer_message(answer), False

    def _vote(self, ask: Ask, answer_id: str, helpful: bool, language: Language) -> None:
        heard: Word = "thanks"
        try:
            self._service.feedback.vote(answer_id, helpful, None)
        except UnknownName:
            heard = "unknown"
        except FeedbackUnwritable as error:
            _LOG.error("unusable", error=str(error))
            heard = "unkept"
        try:
            self.slack.whisper(ask, said(word(heard, language)))
        except (Unreachable, SlackRefused) as error:
            _LOG.warning("slack unreachable", error=str(error))

    def _language(self, text: str) -> Language:
        if any(character.isalpha() for character in text):
            return language_of(text)
        return self._service.assistant.snapshot.notes.documents[0].language

    def _counting(self, limits: Limits) -> Count:
        # Limits count on an event loop; this one is Slack's alone.
        portal = self._stack.enter_context(start_blocking_portal())

        def count(team: str) -> None:
            portal.call(limits.questions, f"slack:{team}", 1)

        return count


def _uncounted(team: str) -> None:
    """Count nothing."""
