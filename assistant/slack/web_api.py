"""Client of Slack's Web API: posts messages, with retries, and knows the token's status."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal
from urllib.error import URLError
from urllib.parse import urlsplit

import structlog
from slack_sdk import WebClient, WebhookClient
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.http_retry.builtin_handlers import (
    ConnectionErrorRetryHandler,
    RateLimitErrorRetryHandler,
    ServerErrorRetryHandler,
)
from slack_sdk.web import SlackResponse

from assistant.slack.block_kit import Message
from assistant.slack.inbox import Ask

API_URL = "https://slack.com/api/"
Status = Literal["ok", "unauthorized"]

_LOG = structlog.get_logger()
_SECONDS = 15
_UNAUTHORIZED = frozenset(
    {
        "invalid_auth",
        "not_authed",
        "token_revoked",
        "token_expired",
        "account_inactive",
        "org_login_required",
        "team_access_not_granted",
    }
)
# These pass by themselves; what else Slack refuses it refuses again.
_PASSING = frozenset(
    {
        "ratelimited",
        "rate_limited",
        "internal_error",
        "fatal_error",
        "service_unavailable",
        "team_added_to_org",
        "request_timeout",
    }
)
_BLOCKS_REFUSED = ("invalid_blocks", "msg_blocks_too_long")
_METADATA = "notes_answer"


class Unreachable(Exception):
    """Raised when Slack cannot be reached now; a later attempt may succeed."""


class SlackRefused(Exception):
    """Raised when Slack refuses a call, and would refuse it again."""


@dataclass(frozen=True)
class Identity:
    """The app's user id and bot id in its workspace."""

    user: str
    bot: str


class Slack:
    """Client of Slack's Web API with one workspace's token; safe for several threads.

    A message that cannot be posted raises Unreachable or SlackRefused. A refused token is logged
    once.
    """

    def __init__(self, token: str, api_url: str = "") -> None:
        self.api_url = api_url or API_URL
        self.logger = quiet_logger()
        # An answer that Slack may have taken already is not sent again unlooked: only where no
        # connection came about.
        self._retries = [
            ConnectionErrorRetryHandler(max_retry_count=2, error_types=[URLError]),
            RateLimitErrorRetryHandler(max_retry_count=5),
            ServerErrorRetryHandler(max_retry_count=2),
        ]
        self.web = WebClient(
            token,
            base_url=self.api_url,
            timeout=_SECONDS,
            logger=self.logger,
            retry_handlers=list(self._retries),
        )
        self.status: Status | None = None
        self._known: Identity | None = None
        self._changing = threading.Lock()

    @property
    def known(self) -> Identity | None:
        """Return the app's identity, None where Slack has not told it yet."""
        return self._known

    def identify(self) -> None:
        """Ask Slack for the app's identity; the outcome is in `known`, `status` and the log."""
        try:
            found = self._call(self.web.auth_test)
        except (Unreachable, SlackRefused) as error:
            if self.status != "unauthorized":
                _LOG.warning("slack unreachable", error=str(error))
            return
        self._known = Identity(str(found.get("user_id") or ""), str(found.get("bot_id") or ""))

    def reply(self, ask: Ask, message: Message) -> None:
        """Post a message in the thread of a question."""
        self._post(
            self.web.chat_postMessage,
            message,
            channel=ask.channel,
            thread_ts=ask.thread,
            unfurl_links=False,
            unfurl_media=False,
            metadata={"event_type": _METADATA, "event_payload": {"id": ask.id}},
        )

    def whisper(self, ask: Ask, message: Message) -> None:
        """Show a message only to the person who asked."""
        if self._ours(ask.response_url) and self._respond(ask.response_url, message):
            return
        thread = {"thread_ts": ask.thread} if ask.thread else {}
        self._post(
            self.web.chat_postEphemeral, message, channel=ask.channel, user=ask.user, **thread
        )

    def replied(self, ask: Ask) -> bool:
        """Return whether the thread holds an answer to this question.

        False where the app may not read the thread.
        """
        if not ask.thread:
            return False
        try:
            found = self._call(
                self.web.conversations_replies,
                channel=ask.channel,
                ts=ask.thread,
                oldest=ask.ts,
                limit=200,
                include_all_metadata=True,
            )
        except SlackRefused:
            # Reading channels takes a scope that the app need not have.
            return False
        messages: list[dict[str, Any]] = found.get("messages") or []
        return any(_answers(each.get("metadata") or {}, ask.id) for each in messages)

    def _post(
        self, method: Callable[..., SlackResponse], message: Message, **where: object
    ) -> None:
        try:
            self._call(method, text=message.text, blocks=list(message.blocks), **where)
        except SlackRefused as error:
            if not str(error).startswith(_BLOCKS_REFUSED) or not message.blocks:
                raise
            _LOG.error("slack refused the blocks of an answer", error=str(error))
            self._call(method, text=message.text, **where)

    def _call(self, method: Callable[..., SlackResponse], **arguments: object) -> SlackResponse:
        try:
            response = method(**arguments)
        except SlackApiError as error:
            raise self._refusal(error) from error
        # A connection that broke, an answer that is no JSON, an address that is none.
        except (OSError, SlackClientError, ValueError) as error:
            raise Unreachable(f"{type(error).__name__}: {error}") from error
        self._became("ok", "")
        return response

    def _refusal(self, error: SlackApiError) -> Exception:
        response = error.response
        if not isinstance(response, SlackResponse):
            return Unreachable(str(error))
        reason = str(response.get("error") or f"status {response.status_code}")
        if reason in _UNAUTHORIZED:
            self._became("unauthorized", reason)
            return Unreachable(reason)
        if reason in _PASSING or response.status_code == 429 or response.status_code >= 500:
            return Unreachable(reason)
        return SlackRefused(reason)

    def _became(self, status: Status, reason: str) -> None:
        with self._changing:
            changed, self.status = self.status != status, status
        if changed and status == "unauthorized":
            _LOG.error(
                "slack refuses the token",
                reason=reason,
                mend="Install the app to the workspace anew, and put its Bot User OAuth Token "
                "into NOTES_SLACK_BOT_TOKEN.",
            )
        elif changed:
            _LOG.info("slack takes the token")

    def _respond(self, url: str, message: Message) -> bool:
        client = WebhookClient(
            url, _SECONDS, logger=self.logger, retry_handlers=list(self._retries)
        )
        try:
            response = client.send(
                text=message.text,
                blocks=list(message.blocks) or None,
                response_type="ephemeral",
                replace_original=False,
            )
        except (OSError, SlackClientError, ValueError) as error:
            raise Unreachable(f"{type(error).__name__}: {error}") from error
        return response.status_code == 200

    def _ours(self, url: str) -> bool:
        """Return whether a URL is on Slack's own hosts, or on the host of `api_url`."""
        here, there = urlsplit(self.api_url), urlsplit(url)
        if (here.scheme, here.netloc) == (there.scheme, there.netloc):
            return True
        slacks = (there.hostname or "").endswith((".slack.com", ".slack-gov.com"))
        return self.api_url == API_URL and there.scheme == "https" and slacks


def quiet_logger() -> logging.Logger:
    """Return the logger for Slack's libraries, for errors only: other lines hold questions."""
    logger = logging.getLogger("assistant.slack.libraries")
    logger.setLevel(logging.ERROR)
    if not any(isinstance(each, _Once) for each in logger.filters):
        logger.addFilter(_Once())
    return logger


class _Once(logging.Filter):
    """Log filter that drops repeats of the last message: a lost connection is tried for hours."""

    last = ""

    def filter(self, record: logging.LogRecord) -> bool:
        # The library puts the id of each attempt into parentheses.
        said = record.getMessage().partition("(session id")[0]
        said, self.last = self.last, said
        return said != self.last


def _answers(metadata: dict[str, Any], id_: str) -> bool:
    payload = metadata.get("event_payload") or {}
    return metadata.get("event_type") == _METADATA and payload.get("id") == id_
