"""The program put together: notes read and built, all faces in one process, notes watched."""

from ui.app import server

__all__ = ["server"]
