"""Imports Gradio without parts that the chat does not use: this saves half the time, and 85 MB.

Gradio imports the SDK of MCP, and pandas imports Arrow, where they are installed. Gradio also reads
the source of each of its components again, to write type stubs for editors.
"""

import sys
import threading
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType

_UNUSED = ("mcp", "pyarrow")
_COMPONENTS = "gradio.component_meta"


class _WithoutTypes(SourceFileLoader):
    """Loader of the module that creates Gradio's components; it writes no type stubs."""

    def exec_module(self, module: ModuleType) -> None:
        super().exec_module(module)
        module.create_or_modify_pyi = lambda *_: None  # type: ignore[attr-defined]


class _Finder:
    """Import finder for the thread that loads Gradio; imports in other threads are not changed."""

    def __init__(self) -> None:
        self._thread = threading.get_ident()

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the spec of a module to change, None for all others.

        Raises ModuleNotFoundError for a module that Gradio must not import here.
        """
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
