"""Reads requests from Slack with Bolt: over HTTP at `/slack/events`, or over a WebSocket."""

import re
from collections.abc import Mapping
from typing import Any, TypeAlias

import anyio.to_thread
import structlog
from fastapi import APIRouter, Request, Response
from slack_bolt import Ack, App, BoltRequest
from slack_bolt.adapter.starlette.handler import to_starlette_response
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.error import BoltError
from slack_sdk import WebClient
from slack_sdk.signature import SignatureVerifier

from assistant.http import problem
from assistant.slack.block_kit import HELPED, NOT_HELPED, VOTES
from assistant.slack.inbox import Ask
from assistant.slack.mrkdwn import question
from assistant.slack.replies import Replies
from index.language import Language

Body: TypeAlias = Mapping[str, Any]

PATH = "/slack/events"
_LOG = structlog.get_logger()
_ANY = re.compile(".*", re.DOTALL)
_TIMESTAMP = re.compile(r"[0-9]{1,12}")
_SIGNATURE = re.compile(r"v0=[0-9a-f]{64}")
# What people write comes with these kinds of message; others are edits, deletions and notices.
_WRITTEN = (None, "file_share", "thread_broadcast")


def create_bolt(desk: Replies, token: str, signing_secret: str) -> App:
    """Return the Bolt app, which checks requests, hands them to the desk, and acknowledges."""
    slack = desk.slack

    def authorize(enterprise_id: str | None, team_id: str | None) -> AuthorizeResult:
        known = slack.known
        return AuthorizeResult(
            enterprise_id=enterprise_id,
            team_id=team_id,
            bot_token=token,
            bot_id=known.bot if known else None,
            bot_user_id=known.user if known else None,
        )

    app = App(
        name="notes",
        logger=slack.logger,
        signing_secret=signing_secret,
        client=WebClient(base_url=slack.api_url, logger=slack.logger),
        authorize=authorize,
        # A question is claimed before Slack hears that it was taken: else a crash would lose it.
        process_before_response=True,
    )

    @app.error
    def failed(error: Exception) -> None:
        _LOG.error("unexpected", exc_info=error)

    @app.event("app_mention")
    def mentioned(body: Body, ack: Ack) -> None:
        _take(desk, body)
        ack()

    @app.event("message")
    def written(body: Body, ack: Ack) -> None:
        if body["event"].get("channel_type") == "im":
            _take(desk, body)
        ack()

    @app.event(_ANY)
    def other(ack: Ack) -> None:
        ack()

    @app.command(_ANY)
    def commanded(body: Body, ack: Ack) -> None:
        desk.take(_command(body))
        ack()

    @app.action(re.compile(f"{HELPED}|{NOT_HELPED}"))
    def clicked(body: Body, ack: Ack) -> None:
        _click(desk, body)
        ack()

    @app.action(_ANY)
    def unknown(ack: Ack) -> None:
        ack()

    return app


def create_router(bolt: App, signing_secret: str) -> APIRouter:
    """Return the route that Slack sends events, commands and clicks to."""
    router = APIRouter(include_in_schema=False)
    verifier = SignatureVerifier(signing_secret)

    @router.post(PATH)
    async def events(request: Request) -> Response:
        body = await request.body()
        if not _signed(verifier, request, body):
            return problem("unauthorized", "Slack's signature is missing, wrong or too old.")
        try:
            asked = BoltRequest(body=body.decode(), headers=dict(request.headers))
            if not asked.body or not isinstance(asked.body.get("event", {}), dict):
                raise ValueError("there is nothing in it")
        except (ValueError, TypeError, AttributeError, KeyError, RecursionError, BoltError):
            return problem("invalid-json", "This is nothing that Slack sends.")
        return to_starlette_response(await anyio.to_thread.run_sync(bolt.dispatch, asked))

    return router


def _signed(verifier: SignatureVerifier, request: Request, body: bytes) -> bool:
    """Return whether Slack signed the request within the last five minutes.

    Bolt checks too, but only after it has parsed the body, and it fails on a timestamp that is no
    number.
    """
    timestamp = request.headers.get("x-slack-request-timestamp", "")
    signature = request.headers.get("x-slack-signature", "")
    if not _TIMESTAMP.fullmatch(timestamp) or not _SIGNATURE.fullmatch(signature):
        return False
    try:
        return verifier.is_valid(body, timestamp, signature)
    except UnicodeDecodeError:
        # Slack signs text; what is none is not Slack's.
        return False


def _take(desk: Replies, body: Body) -> None:
    event = body["event"]
    if _ignored(event) or not isinstance(body.get("event_id"), str):
        return
    ts, channel = str(event.get("ts", "")), str(event.get("channel", ""))
    thread = str(event.get("thread_ts") or ts)
    desk.take(
        Ask(
            id=body["event_id"],
            team=str(body.get("team_id") or ""),
            channel=channel,
            user=str(event.get("user", "")),
            text=question(str(event.get("text") or ""), _bots(desk, body)),
            thread=thread,
            ts=ts,
        )
    )


def _ignored(event: Body) -> bool:
    """Return whether to ignore an event: no person wrote it, or it edits an older message."""
    by_bot = event.get("bot_id") or event.get("bot_profile") or not event.get("user")
    return bool(by_bot or "edited" in event or event.get("subtype") not in _WRITTEN)


def _bots(desk: Replies, body: Body) -> set[str]:
    """Return the user ids of this app's bot, from the event and from Slack's `auth.test`."""
    named = body.get("authorizations") or []
    found = {str(each["user_id"]) for each in named if each.get("is_bot") and "user_id" in each}
    known = desk.slack.known
    return found | ({known.user} if known and known.user else set())


def _command(body: Body) -> Ask:
    return Ask(
        id=f"command:{body.get('trigger_id', '')}",
        team=str(body.get("team_id", "")),
        channel=str(body.get("channel_id", "")),
        user=str(body.get("user_id", "")),
        text=question(str(body.get("text", "")), {""}),
        response_url=str(body.get("response_url", "")),
    )


def _click(desk: Replies, body: Body) -> None:
    action = body["actions"][0]
    place = body.get("container") or {}
    message = body.get("message") or {}
    user = str((body.get("user") or {}).get("id", ""))
    ts = str(place.get("message_ts", ""))
    language: Language = "ko" if action.get("block_id") == f"{VOTES}ko" else "en"
    click = Ask(
        id=f"click:{user}:{ts}:{action.get('action_id')}:{action.get('action_ts', '')}",
        team=str((body.get("team") or {}).get("id", "")),
        channel=str(place.get("channel_id") or (body.get("channel") or {}).get("id", "")),
        user=user,
        text="",
        thread=str(place.get("thread_ts") or message.get("thread_ts") or ""),
        # Where only one person sees the answer, the app may not be in the channel.
        response_url=str(body.get("response_url", "")) if place.get("is_ephemeral") else "",
    )
    desk.vote(click, str(action.get("value", "")), action.get("action_id") == HELPED, language)
