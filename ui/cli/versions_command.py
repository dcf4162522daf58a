"""`notes versions` and `notes rollback`: list the kept versions, and go back to one."""

from typing import Annotated

import typer

from assistant.settings import read_settings
from ui.cli.options import DataDir, say, says_errors


@says_errors
def versions(data_dir: DataDir = None) -> None:
    """List the versions of the index that are kept, the newest first."""
    from index.errors import IndexMissing
    from index.storage import store

    place = read_settings(data_dir=data_dir).data_dir
    current = store.current(place)
    found = store.versions(place)
    if not found:
        raise IndexMissing(f"{place} holds no version that can be read. Build one: notes build")
    for each in found:
        mark = "*" if each.version == current else " "
        counts = each.counts
        print(
            f"{mark} {each.version}  {each.created}  {counts['documents']:,} documents, "
            f"{counts['passages']:,} passages, {each.weights.name}"
        )


@says_errors
def rollback(
    version: Annotated[
        str, typer.Argument(help="One that `notes versions` lists; else that before this one.")
    ] = "",
    data_dir: DataDir = None,
) -> None:
    """Answer from an earlier version of the index again; running servers follow at once."""
    from assistant.milvus_connection import milvus
    from index.building import build_lock
    from index.building.index_build import follow
    from index.storage import store

    settings = read_settings(data_dir=data_dir)
    place = settings.data_dir
    with build_lock.building(place, wait=True, report=say):
        snapshot = store.roll_back(place, version)
        follow(snapshot, milvus(settings), place, say)
    say(f"Answers come from version {snapshot.version} again. The next build follows the notes.")
