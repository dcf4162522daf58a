"""`notes mend`: writes the repaired text of a damaged page to a file of its own."""

import difflib
import re
import sys
from bisect import bisect_right
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from assistant.settings import read_settings
from index.errors import CorpusError, SettingsError
from index.markdown import DOUBTFUL
from ui.cli.options import CacheDir, say, says_errors

if TYPE_CHECKING:
    from index.repair.repaired import Mending

LEFT = 1


@says_errors
def mend(
    file: Annotated[Path, typer.Argument(help="The damaged page.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="A new file for the mended one.")],
    cache_dir: CacheDir = None,
) -> None:
    """Mend characters that were read in a wrong encoding. Prints what changes, and the words that
    are in doubt. Exit status 0: all mended or nothing to mend, 1: some is left, 2: bad use."""
    from index.repair.piece_scores import open_reader
    from index.repair.repaired import mend as mended

    if output.exists():
        raise SettingsError(f"{output} is there already. Name a new file after -o.")
    settings = read_settings(cache_dir=cache_dir)
    text = _text(file)
    mending = mended(text, partial(open_reader, settings.cache_dir))
    if mending.text != text:
        _write(output, mending.text)
        _show(text, mending, file, output)
    elif not mending.beyond:
        say(f"{file} is not damaged: nothing is written.")
    for place in _places(mending.text, [start for start, _ in mending.blocks_beyond]):
        say(f"{file}:{place}: too many bytes were lost to mend this: it is left as it is.")
    if mending.beyond:
        raise typer.Exit(LEFT)


def _text(file: Path) -> str:
    from index.reading.decoding import Undecodable, characters

    try:
        return characters(file.read_bytes())[0]
    except OSError as error:
        raise CorpusError(f"{file} cannot be read: {error.strerror}.") from error
    except Undecodable as error:
        raise CorpusError(f"{file}:{error.line} {error.reason}. Save it as UTF-8.") from error


def _write(output: Path, text: str) -> None:
    try:
        with output.open("xb") as stream:
            stream.write(text.encode())
    except OSError as error:
        raise SettingsError(f"{output} cannot be written: {error.strerror}.") from error


def _show(text: str, mending: "Mending", file: Path, output: Path) -> None:
    from ui.terminal.printed_answer import clean

    lines = difflib.unified_diff(_lines(text), _lines(mending.text), str(file), str(output))
    # To a file it goes as it is, for `patch`; damaged text would steer a terminal.
    shown = clean if sys.stdout.isatty() else str
    for line in lines:
        print(shown(line), end="" if line.endswith("\n") else "\n\\ No newline at end of file\n")
    sys.stdout.flush()
    doubtful = [word for word in mending.mended if word.confidence < DOUBTFUL]
    places = _places(mending.text, [word.start for word in doubtful])
    for place, word in zip(places, doubtful, strict=True):
        read = mending.text[word.start : word.end]
        say(f"{output}:{place}: doubtful ({word.confidence:.2f}): {read}")
    say(f"{len(mending.mended):,} words mended, {len(doubtful):,} of them doubtful: {output}")


def _lines(text: str) -> list[str]:
    # Only these end a line: other separators may be damaged bytes.
    return [line for line in re.split(r"(?<=\n)", text) if line]


def _places(text: str, positions: list[int]) -> Iterator[str]:
    """Yield line and column of each position, both from 1."""
    starts = [0, *(at + 1 for at, character in enumerate(text) if character == "\n")]
    for position in positions:
        line = bisect_right(starts, position)
        yield f"{line}:{position - starts[line - 1] + 1}"
