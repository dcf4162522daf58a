"""`notes keys`: who may ask where others than this machine reach the notes."""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from assistant.settings import read_settings
from ui.options import DataDir, says_errors

keys = typer.Typer(
    name="keys", help="Make, list and revoke API keys.", no_args_is_help=True, rich_markup_mode=None
)


@keys.command()
@says_errors
def create(
    name: Annotated[str, typer.Argument(help="Who or what it is for.")],
    scope: Annotated[
        list[str] | None, typer.Option(help="ask, feedback or admin; several times for several.")
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Make a key. It is shown this once, and kept as a hash only."""
    from assistant.keys import Keys

    settings = read_settings(data_dir=data_dir)
    print(Keys(settings.data_dir).create(name, scope or ["ask", "feedback"]))


@keys.command(name="list")
@says_errors
def list_(data_dir: DataDir = None) -> None:
    """List all keys, the revoked ones too."""
    from assistant.keys import Keys

    settings = read_settings(data_dir=data_dir)
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("id", "name", "scopes", "created", "revoked"):
        table.add_column(column)
    for key in Keys(settings.data_dir).listed():
        revoked = f"{key.revoked:%Y-%m-%d %H:%M}" if key.revoked else ""
        scopes = ", ".join(sorted(key.scopes))
        table.add_row(key.id, key.name, scopes, f"{key.created:%Y-%m-%d %H:%M}", revoked)
    Console(soft_wrap=True).print(table)


@keys.command()
@says_errors
def revoke(
    key: Annotated[str, typer.Argument(help="Its id or name.")], data_dir: DataDir = None
) -> None:
    """Revoke a key; running servers refuse it at once."""
    from assistant.keys import Keys

    Keys(read_settings(data_dir=data_dir).data_dir).revoke(key)
