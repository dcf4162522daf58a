"""`notes keys`: manages the API keys for a server that other machines can reach."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from assistant.settings import read_settings
from ui.cli.options import DataDir, say, says_errors

if TYPE_CHECKING:
    from assistant.serving.api_keys import Key, Keys

_ALLOWED = {
    "ask": "asking, searching, reading",
    "feedback": "voting on answers",
    "admin": "everything, with gaps and metrics",
}
_DEFAULT = ("ask", "feedback")

keys = typer.Typer(
    name="keys", help="Make, list and revoke API keys.", no_args_is_help=True, rich_markup_mode=None
)


@keys.command()
@says_errors
def create(
    name: Annotated[str, typer.Argument(help="Who or what it is for.")],
    scope: Annotated[
        list[str] | None,
        typer.Option(
            help="; ".join(f"{scope}: {allowed}" for scope, allowed in _ALLOWED.items())
            + f". Several times for several; without: {' and '.join(_DEFAULT)}."
        ),
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Make a key. It is shown this once, and kept as a hash only."""
    scopes = scope or _DEFAULT
    key = _keys(data_dir).create(name, scopes)
    print(key, flush=True)
    say(f"Keep it now: it is not shown again. It is for {', '.join(sorted(set(scopes)))}.")


@keys.command(name="list")
@says_errors
def list_(
    as_json: Annotated[bool, typer.Option("--json", help="For scripts.")] = False,
    data_dir: DataDir = None,
) -> None:
    """List all keys, the revoked ones too."""
    found = _keys(data_dir).listed()
    if as_json:
        print(
            json.dumps({"keys": [_described(key) for key in found]}, ensure_ascii=False, indent=2)
        )
    elif found:
        _show(found)
    else:
        say("There is no key. Make one: notes keys create NAME")


@keys.command()
@says_errors
def revoke(
    key: Annotated[str, typer.Argument(help="Its id or name.")], data_dir: DataDir = None
) -> None:
    """Revoke a key; running servers refuse it at once."""
    _keys(data_dir).revoke(key)
    say(f"Revoked {key}.")


def _keys(data_dir: Path | None) -> "Keys":
    from assistant.serving.api_keys import Keys

    return Keys(read_settings(data_dir=data_dir).data_dir)


def _described(key: "Key") -> dict[str, object]:
    return {
        "id": key.id,
        "name": key.name,
        "scopes": sorted(key.scopes),
        "created": key.created.isoformat(),
        "revoked": key.revoked.isoformat() if key.revoked else None,
    }


def _show(found: "list[Key]") -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("id", "name", "scopes", "created (UTC)", "revoked (UTC)"):
        # Cut short, a name could be another's.
        table.add_column(column, no_wrap=True, overflow="ignore")
    for key in found:
        revoked = f"{key.revoked:%Y-%m-%d %H:%M}" if key.revoked else ""
        scopes = ", ".join(sorted(key.scopes))
        created = f"{key.created:%Y-%m-%d %H:%M}"
        # A name is no markup.
        table.add_row(key.id, Text(key.name), scopes, created, revoked)
    Console(soft_wrap=True, width=200).print(table)
