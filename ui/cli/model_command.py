"""`notes model`: exports the default model as files, and imports them on another machine."""

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from assistant.settings import read_settings
from ui.cli.options import CacheDir, say, says_errors

model = typer.Typer(
    name="model",
    help="Export the default model, and import it elsewhere.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@model.command()
@says_errors
def export(folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new folder.")]) -> None:
    """Write the model for ONNX Runtime and, where sentence-transformers is installed, for that."""
    from index.encoding.model import model_files
    from index.encoding.model.export import export as export_to

    export_to("onnx", folder.absolute() / model_files.folder_name("onnx"))
    if find_spec("sentence_transformers"):
        export_to("torch", folder.absolute() / model_files.folder_name("torch"))
    else:
        say("The folder for sentence-transformers is left out: that is not installed here.")


@model.command(name="import")
@says_errors
def import_(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="What `export` wrote.")],
    cache_dir: CacheDir = None,
) -> None:
    """Put an exported model into the cache, once it has proved to be the right one."""
    from index.encoding.model.transfer import take_in

    settings = read_settings(cache_dir=cache_dir)
    for place in take_in(folder, settings.cache_dir):
        say(f"{place} is ready")
