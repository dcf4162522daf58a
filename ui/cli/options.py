"""Options that commands share, and the printing of errors."""

import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Annotated, ParamSpec

import typer

from index.errors import NotesError, is_short_of_memory

BAD_USE = 2

Parameters = ParamSpec("Parameters")
Corpus = Annotated[str | None, typer.Option(help="Folder of notes, or name=folder,name=folder.")]
DataDir = Annotated[Path | None, typer.Option(help="Where the index is kept.")]
CacheDir = Annotated[Path | None, typer.Option(help="Where exported models are kept.")]
Model = Annotated[str | None, typer.Option(help="A sentence-transformers model, name or folder.")]
RerankerName = Annotated[str | None, typer.Option(help="A cross-encoder, name or folder.")]
Engine = Annotated[str | None, typer.Option(help="What runs the default model: onnx or torch.")]
PublicUrl = Annotated[str | None, typer.Option(help="Address people reach the server by.")]
LinkTemplate = Annotated[str | None, typer.Option(help="A link to a section of the notes.")]


def says_errors(command: Callable[Parameters, None]) -> Callable[Parameters, None]:
    """Return the command with errors turned into one line on stderr and exit status 2."""

    @wraps(command)
    def run(*args: Parameters.args, **kwargs: Parameters.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except NotesError as error:
            say(f"notes: {error}")
            raise typer.Exit(BAD_USE) from None
        except (MemoryError, RuntimeError) as error:
            if not is_short_of_memory(error):
                raise
            say("notes: There is not enough memory. Give it more, then try again.")
            raise typer.Exit(BAD_USE) from None
        except ImportError as error:
            # So it is, too, where a library has no room to be loaded.
            say(
                f"notes: A library cannot be loaded: {error}. Give it more memory or install again."
            )
            raise typer.Exit(BAD_USE) from None
        except OSError as error:
            # What reads the output is gone, or has no room.
            say(f"notes: {error.strerror or error}")
            raise typer.Exit(BAD_USE) from None
        except KeyboardInterrupt:
            raise typer.Exit(130) from None

    return run


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
