"""Prints an answer: in colour and bold on a terminal, as plain text into a pipe."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path

import regex
from rich.console import Console
from rich.text import Text

from assistant.answering import Answer, FoundPassage, Highlight
from index.markdown import plain
from index.reading import folder_of
from ui.html import MarkedTokens, kept

# Escape sequences and marks that turn the direction of text: notes do not steer the terminal.
_UNSAFE = regex.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_SEARCHED = {"ko": "‘{}’(으)로 찾은 결과예요.", "en": "Showing results for “{}”."}
_MENDED = {"ko": "깨진 글자를 복원한 내용이에요.", "en": "Damaged characters were mended here."}
_CLOSEST = {"ko": "가장 가까운 섹션:", "en": "Closest section:"}


def show(answer: Answer, asked: str, folders: Mapping[str, str], address: str) -> None:
    """Print the answer: for each section the answering words, then their file, line and link.

    asked: the question as it was typed. folders: the folder or file of each corpus. address: put
    before links that start with `/`.
    """
    console = Console(highlight=False, soft_wrap=True)
    if answer.query != " ".join(asked.split()):
        searched = _SEARCHED[answer.language].format(answer.query)
        console.print(Text(searched, style="dim"))
    if answer.status == "not_covered":
        console.print(Text(answer.message or ""))
        if answer.closest:
            console.print(Text(_CLOSEST[answer.language], style="dim"))
            _show(console, answer.closest, folders, address)
        return
    if answer.grade == "may_answer":
        console.print(Text(answer.message or "", style="dim"))
    for passage in answer.passages:
        if passage.rank > 1:
            console.print()
        if passage.damaged:
            console.print(Text(_MENDED[answer.language], style="dim"))
        _show(console, passage, folders, address)


def clean(text: str) -> str:
    """Return the text without control characters and marks that change its direction."""
    return _UNSAFE.sub("", text)


def _show(
    console: Console, passage: FoundPassage, folders: Mapping[str, str], address: str
) -> None:
    words = [_words(passage, span) for span in passage.highlights] or [passage.text]
    place = Path(folders[passage.document.corpus])
    file = _shown(folder_of(place) / passage.document.path)
    style = "bold" if passage.rank == 1 else ""
    console.print(Text(clean("\n".join(words)), style=style))
    where = clean(" › ".join(passage.section.path[1:] or passage.section.path))
    console.print(Text.assemble("  ", (where, "green"), "    ", (f"{file}:{passage.line}", "dim")))
    url = address + passage.url if passage.url.startswith("/") else passage.url
    console.print(Text(f"  {url}", style="cyan"))
    if passage.explanation:
        stages = {"score": passage.score, **asdict(passage.explanation)}
        shown = "  ".join(
            f"{name} {value:.3f}" for name, value in stages.items() if value is not None
        )
        console.print(Text(f"  {shown}", style="dim"))


def _words(passage: FoundPassage, span: Highlight) -> str:
    """Return the words of a span without Markdown syntax; code stays as it is."""
    text = passage.text[span.start : span.end]
    page = MarkedTokens(passage.text, [span], passage.references)
    if any(token.type in ("fence", "code_block") and page.touches(token) for token in page.tokens):
        return text
    return " ".join(" ".join(_said(page)).split()) or text


def _said(page: MarkedTokens) -> Iterator[str]:
    cells: list[str] = []
    for position, token in enumerate(page.tokens):
        if token.type == "html_block" and page.touches(token):
            yield page.html_words(token)
        elif token.type == "inline" and (ranges := page.inline_ranges(position)):
            words = plain(kept(page.pieces(token), ranges))
            if page.tokens[position - 1].type == "td_open":
                cells.append(words)
            elif page.tokens[position - 1].type != "th_open":
                yield words
        elif token.type == "tr_close" and cells:
            yield f"| {' | '.join(cells)} |"
            cells = []


def _shown(path: Path) -> str:
    """Return the path relative to the current folder if it is inside, else as it is."""
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else relative
