"""The command line: `notes` and its commands."""

from ui.cli.commands import main

__all__ = ["main"]
