"""Gradio without the SDK of MCP, which it imports where there is one, for tools that it has not
here: a third of a second at every start, and 25 MB that stay."""

import sys
import threading
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType


class _WithoutSdk:
    """Finds no SDK for the thread that loads Gradio; others may load it meanwhile."""

    def __init__(self) -> None:
        self._thread = threading.get_ident()

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return None, so that others look for it. Raises ModuleNotFoundError for the SDK."""
        if name == "mcp" and threading.get_ident() == self._thread:
            raise ModuleNotFoundError("No module named 'mcp'", name=name)
        return None


_finder = _WithoutSdk()
sys.meta_path.insert(0, _finder)
try:
    import gradio
finally:
    sys.meta_path.remove(_finder)

__all__ = ["gradio"]
