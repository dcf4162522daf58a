"""MCP: the notes as tools for assistants that are language models."""

from assistant.mcp.endpoint import Endpoint

__all__ = ["Endpoint"]
