"""REST: routes, errors, and access rules."""

from assistant.http import problems
from assistant.http.access import Mode
from assistant.http.api import create_app
from assistant.http.guard import Guard, Rules
from assistant.http.problems import Refused, problem
from assistant.http.protocol import Protocol

__all__ = ["Guard", "Mode", "Protocol", "Refused", "Rules", "create_app", "problem", "problems"]
