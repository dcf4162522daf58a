"""Creates the Slack integration from the settings."""

from dataclasses import dataclass, field

from fastapi import APIRouter
from slack_bolt import App

from assistant.serving import Limits, Service
from assistant.settings import Settings
from assistant.slack.events import create_bolt, create_router
from assistant.slack.inbox import Inbox
from assistant.slack.replies import Replies
from assistant.slack.web_api import Slack, Status
from index.errors import SettingsError

# Socket Mode signs nothing, and Bolt wants a secret all the same.
_NO_SECRET = "socket-mode"  # noqa: S105


@dataclass(frozen=True)
class Connection:
    """The Slack integration: the Bolt app that takes requests, and the desk that answers them."""

    bolt: App
    desk: Replies
    signing_secret: str = field(repr=False)

    @property
    def slack(self) -> Slack:
        """Return the client of Slack's Web API."""
        return self.desk.slack

    @property
    def status(self) -> Status | None:
        """Return whether Slack accepts the token, None where Slack has not answered yet."""
        return self.slack.status

    def router(self) -> APIRouter:
        """Return the route for Slack's requests over HTTP."""
        return create_router(self.bolt, self.signing_secret)

    def close(self) -> None:
        """Finish the questions that were taken, and stop."""
        self.desk.close()


def open_slack(service: Service, settings: Settings, limits: Limits | None) -> Connection:
    """Return the Slack integration, already running; limits: used by nothing else than Slack.

    Raises SettingsError where the bot's token is missing or the inbox cannot be used.
    """
    if not settings.slack_bot_token:
        raise SettingsError(
            "NOTES_SLACK_BOT_TOKEN is missing: install the app to your workspace, and set it to "
            "the Bot User OAuth Token that Slack shows then."
        )
    slack = Slack(settings.slack_bot_token, settings.slack_api_url)
    inbox = Inbox(settings.data_dir, settings.keep_questions_days)
    desk = Replies(service, slack, inbox, limits)
    secret = settings.slack_signing_secret or _NO_SECRET
    bolt = create_bolt(desk, settings.slack_bot_token, secret)
    connection = Connection(bolt, desk, secret)
    desk.open()
    return connection
