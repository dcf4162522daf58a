"""`notes gaps`: prints questions that the notes do not answer, for their authors."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

from rich.console import Console
from rich.markup import escape

from assistant.answering import Assistant
from assistant.feedback import Gap, kept_gaps, question_vectors
from assistant.settings import Settings
from ui.terminal import clean


def show_gaps(
    assistant: Assistant, settings: Settings, days: int, limit: int, as_json: bool
) -> None:
    """Print the groups of questions, those asked most often first."""
    means = assistant.snapshot.contents.general.vector_means
    since = datetime.now(UTC) - timedelta(days=days)
    # Only a server deletes what is old: this command may not know for how long it keeps questions.
    gaps = kept_gaps(
        settings.data_dir,
        limit,
        since,
        lambda questions: question_vectors(assistant.encoder, means, questions),
    )
    if as_json:
        found = {"since": since.isoformat(), "gaps": [asdict(gap) for gap in gaps]}
        print(json.dumps(found, ensure_ascii=False, indent=2))
        return
    console = Console(highlight=False, soft_wrap=True)
    if not gaps:
        console.print(_nothing(settings, days))
    for gap in gaps:
        _show(console, gap)


def _nothing(settings: Settings, days: int) -> str:
    if not settings.keep_questions_days:
        return "No question is kept: NOTES_KEEP_QUESTIONS_DAYS is 0."
    return f"No question went unanswered or was voted down in the last {days} days."


def _show(console: Console, gap: Gap) -> None:
    console.print(f"[bold]{gap.count}×[/bold] {_plain(gap.question)}")
    told = [f"unanswered {gap.unanswered}", f"voted down {gap.voted_down}", gap.last_asked[:10]]
    if gap.nearest:
        place = f"{gap.nearest.document}#{gap.nearest.anchor}"
        told.append(f"closest: {_plain(gap.nearest.title)}, {_plain(place)}")
    console.print(f"   [dim]{', '.join(told)}[/dim]")
    _list(console, "also: ", [text for text in gap.examples if text != gap.question])
    _list(console, "said: ", gap.comments)


def _list(console: Console, kind: str, texts: Sequence[str]) -> None:
    for text in texts:
        console.print(f"   [dim]{kind}[/dim]{_plain(text)}")


def _plain(text: str) -> str:
    return escape(clean(text))
