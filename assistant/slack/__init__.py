"""Answers in Slack: the same answers as elsewhere, within Slack's limits."""

from assistant.slack.connection import open_slack
from assistant.slack.socket_mode import connect

__all__ = ["connect", "open_slack"]
