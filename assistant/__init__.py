"""The online half of the program: search, judge and answer; serve REST, Slack and MCP."""

# First of all: it sets what numpy reads when it is loaded.
import index  # noqa: F401
