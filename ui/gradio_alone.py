"""Gradio without the SDK of MCP, which it imports where there is one, for tools that it has not
here: a third of a second at every start, and 25 MB that stay."""

import sys

_LOADED = "mcp" in sys.modules
if not _LOADED:
    # What stands as None cannot be imported, and Gradio does without.
    sys.modules["mcp"] = None  # type: ignore[assignment]
try:
    import gradio
finally:
    if not _LOADED:
        del sys.modules["mcp"]

__all__ = ["gradio"]
