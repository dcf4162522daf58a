"""Progress of a build: a bar on a terminal, else a line for every tenth of the work."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from index.building import Progress
from ui.cli.options import say

# In lines: each time as much more of it is done.
_STEP = 0.1
_WORTH = 200


@contextmanager
def shown() -> Iterator[tuple[Callable[[str], None], Progress]]:
    """Yield two functions that work together: one prints a line, one shows progress."""
    if not sys.stderr.isatty():
        yield say, _Lines()
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        ProgressColumn,
        Task,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text

    class Rate(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text(f"{task.speed:.0f}/s" if task.speed else "")

    from rich.progress import Progress as Bar

    console = Console(stderr=True)
    columns = (
        TextColumn("Encoding"),
        BarColumn(),
        MofNCompleteColumn(),
        Rate(),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=console, transient=True) as bar:
        task = bar.add_task("Encoding", total=None, visible=False)

        def advance(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total, visible=True)

        yield lambda text: console.print(text, markup=False, highlight=False), advance


class _Lines:
    def __init__(self) -> None:
        self._said = 0.0

    def __call__(self, done: int, total: int) -> None:
        share = done / total
        if total >= _WORTH and share >= self._said + _STEP:
            self._said = share
            say(f"Encoded {done:,} of {total:,} texts ({share:.0%})")
