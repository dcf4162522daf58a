"""Socket Mode: the app calls Slack, for teams whose server has no public address."""

from collections.abc import Callable

from slack_bolt import App
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk.errors import SlackApiError, SlackClientError

from assistant.slack.web_api import Slack
from index.errors import SettingsError


def connect(bolt: App, slack: Slack, app_token: str) -> Callable[[], None]:
    """Connect to Slack, and return a function that closes the connection.

    Raises SettingsError where Slack refuses the app's token or cannot be reached.
    """
    handler = SocketModeHandler(bolt, app_token, logger=slack.logger, web_client=slack.web)
    try:
        handler.client.connect()
    except SlackApiError as error:
        handler.client.close()
        raise SettingsError(
            f"Slack refuses NOTES_SLACK_APP_TOKEN: {error.response.get('error')}. Make an "
            "app-level token with the scope connections:write, and switch Socket Mode on."
        ) from error
    except (OSError, SlackClientError) as error:
        handler.client.close()
        raise SettingsError(f"Slack cannot be reached at {slack.api_url}: {error}.") from error
    return handler.client.close
