"""Gradio without what it has no use for here: half of the time that it takes to load, and 85 MB.

It imports the SDK of MCP for tools, and pandas imports Arrow, where there are any. And it reads
the source of each of its components again, to write down their types for editors.
"""

import sys
import threading
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType

_UNUSED = ("mcp", "pyarrow")
_COMPONENTS = "gradio.component_meta"


class _WithoutTypes(SourceFileLoader):
    """Loads what makes Gradio's components, but for writing their types down."""

    def exec_module(self, module: ModuleType) -> None:
        super().exec_module(module)
        module.create_or_modify_pyi = lambda *_: None  # type: ignore[attr-defined]


class _Finder:
    """Speaks for the thread that loads Gradio alone: others may load anything meanwhile."""

    def __init__(self) -> None:
        self._thread = threading.get_ident()

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return how to load it, None where others know. Raises ModuleNotFoundError."""
        if threading.get_ident() != self._thread:
            return None
        if name in _UNUSED:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        found = PathFinder.find_spec(name, path) if name == _COMPONENTS else None
        if found and found.origin:
            found.loader = _WithoutTypes(name, found.origin)
        return found


_finder = _Finder()
sys.meta_path.insert(0, _finder)
try:
    import gradio
finally:
    sys.meta_path.remove(_finder)

__all__ = ["gradio"]
