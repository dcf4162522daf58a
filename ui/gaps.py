"""What the notes fail to answer, for their authors."""

import json
from contextlib import closing
from dataclasses import asdict
from datetime import UTC, datetime

from rich.console import Console
from rich.markup import escape

from assistant.ask import Assistant
from assistant.feedback import Feedback, Gap, question_vectors
from assistant.settings import Settings
from ui.terminal import clean


def show_gaps(
    assistant: Assistant, settings: Settings, days: int, limit: int, as_json: bool
) -> None:
    """Print the groups of questions, those asked most often first."""
    means = assistant.snapshot.contents.general.vector_means
    feedback = Feedback(
        settings.data_dir,
        settings.keep_questions_days,
        lambda questions: question_vectors(assistant.encoder, means, questions),
    )
    with closing(feedback):
        gaps = feedback.gaps(limit, days, datetime.now(UTC))
    if as_json:
        print(json.dumps({"gaps": [asdict(gap) for gap in gaps]}, ensure_ascii=False, indent=2))
        return
    console = Console(highlight=False, soft_wrap=True)
    if not gaps:
        console.print(f"No question went unanswered in the last {days} days.")
    for gap in gaps:
        _show(console, gap)


def _show(console: Console, gap: Gap) -> None:
    console.print(f"[bold]{gap.count}×[/bold] {escape(clean(gap.question))}")
    told = [f"unanswered {gap.unanswered}", f"voted down {gap.voted_down}", gap.last_asked[:10]]
    if gap.nearest:
        told.append(f"closest: {escape(clean(gap.nearest.title))}")
    console.print(f"   [dim]{', '.join(told)}[/dim]")
    for comment in gap.comments:
        console.print(f"   “{escape(clean(comment))}”")
