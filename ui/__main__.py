"""`python -m ui` is the command `notes`."""

from ui.cli import main

main()
