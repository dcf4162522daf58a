"""Parts of a server that REST, chat, Slack and MCP share: service, limits, keys, metrics."""

from assistant.serving.api_keys import Key, Keys, Scope
from assistant.serving.limits import Limits, TooMany
from assistant.serving.live import following, take_up
from assistant.serving.service import Service, open_service
from assistant.serving.telemetry import Metrics, set_up_logs

__all__ = [
    "Key",
    "Keys",
    "Limits",
    "Metrics",
    "Scope",
    "Service",
    "TooMany",
    "following",
    "open_service",
    "set_up_logs",
    "take_up",
]
