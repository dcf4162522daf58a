"""Output of the commands: answers, evaluation reports, and a chart of them."""

from ui.terminal import evaluation_report
from ui.terminal.printed_answer import clean

__all__ = ["clean", "evaluation_report"]
