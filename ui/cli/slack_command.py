"""`notes slack`: answers in Slack over Socket Mode, for teams without a public address."""

import signal
import threading
from collections.abc import Callable
from contextlib import closing

from assistant.answering import Assistant
from assistant.serving import Limits, following, open_service, set_up_logs
from assistant.settings import Settings
from assistant.slack import connect, open_slack
from index.errors import SettingsError
from ui.cli.options import say

# How much a workspace may ask, unless set otherwise.
_RATE = "60/minute"


def answer_slack(settings: Settings, open_assistant: Callable[[], Assistant]) -> None:
    """Answer until a signal ends it."""
    if not settings.slack_app_token or not settings.slack_bot_token:
        raise SettingsError(
            "NOTES_SLACK_APP_TOKEN (xapp-…) and NOTES_SLACK_BOT_TOKEN (xoxb-…) must both be set "
            "for Socket Mode."
        )
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    set_up_logs()
    service = open_service(open_assistant(), settings)
    rate = settings.rate_limit or _RATE
    limits = None if rate == "0" else Limits(rate, settings.redis_url)
    with (
        closing(service.feedback),
        following(service, settings.data_dir),
        closing(open_slack(service, settings, limits)) as connection,
    ):
        disconnect = connect(connection.bolt, connection.slack, settings.slack_app_token)
        try:
            say("Notes Assistant is ready: it answers in Slack.   Stop: Ctrl+C")
            ended.wait()
        finally:
            disconnect()
