"""The online half: retrieve, judge, answer; REST and settings."""

# First of all: it sets what numpy reads when it is loaded.
import index  # noqa: F401
