"""Limits a question to a part of the notes: to named corpora and documents."""

from collections.abc import Collection, Iterable, Sequence

import numpy as np

from index.arrays import Mask
from index.errors import UnknownName
from index.storage import Notes

_NAMES = 20


def scope(notes: Notes, corpora: Sequence[str], documents: Sequence[str]) -> Mask | None:
    """Return a mask, bool (passages,), of the named corpora and documents; None means all.

    Raises UnknownName, with the names that exist, when a named corpus or document does not.
    """
    if not corpora and not documents:
        return None
    _check("corpus", "corpora", corpora, {name.corpus for name in notes.names})
    _check("document", "documents", documents, {name.id for name in notes.names})
    chosen = [
        (not corpora or name.corpus in corpora) and (not documents or name.id in documents)
        for name in notes.names
    ]
    return np.array(chosen, np.bool_)[notes.places[:, 0]]


def _check(kind: str, field: str, named: Iterable[str], known: Collection[str]) -> None:
    for name in named:
        if name not in known:
            some = ", ".join(sorted(known)[:_NAMES]) + (", …" if len(known) > _NAMES else "")
            raise UnknownName(f"There is no {kind} {name!r}. There is: {some}", field)
