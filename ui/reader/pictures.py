"""Serves pictures from the folders of the notes; no other file of the folders is served."""

import posixpath
import unicodedata
from collections.abc import Mapping
from pathlib import Path

from fastapi.responses import FileResponse, PlainTextResponse, Response

from index.reading import folder_of

# Where wikis keep what their pages show; whatever else is hidden stays so.
_ASSETS = (".attachments", ".gitbook")
# Below `/notes/`.
PLACE = "_files/"
_TYPES = {
    ".avif": "image/avif",
    ".gif": "image/gif",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".webp": "image/webp",
}
_HEADERS = {
    # An SVG is a document, and may hold scripts: opened alone it runs none and fetches nothing.
    "Content-Security-Policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
# Behind a key the pictures are not everybody's, so no cache that is shared may keep them.
_CACHING = {"Cache-Control": "private, max-age=3600"}


def is_picture(path: str) -> bool:
    """Return whether a path ends like a picture's, for example in `.png`."""
    return posixpath.splitext(path)[1].lower() in _TYPES


def find(folder: Path, path: str) -> Path | None:
    """Return the file of a picture at a path below the folder, None where none may be served."""
    if not is_picture(path) or not _is_plain(path):
        return None
    # Some file systems decompose Hangul in names.
    for form in dict.fromkeys((path, *(unicodedata.normalize(f, path) for f in ("NFC", "NFD")))):
        try:
            root = folder.resolve()
            found = (root / form).resolve(strict=True)
        except (OSError, ValueError, RuntimeError):
            continue
        # A link may lead out of the folder, or to a file of another kind.
        if found.is_relative_to(root) and found.is_file() and is_picture(found.name):
            return found if _is_plain(found.relative_to(root).as_posix()) else None
    return None


def response(places: Mapping[str, str], name: str) -> Response:
    """Return the response with the picture at `corpus/path`, or with status 404.

    places: the folder or the single file of each corpus.
    """
    for corpus, place in places.items():
        if name.startswith(f"{corpus}/"):
            found = find(folder_of(Path(place)), name.removeprefix(f"{corpus}/"))
            if found:
                kind = _TYPES[found.suffix.lower()]
                return FileResponse(found, headers=_HEADERS | _CACHING, media_type=kind)
    return PlainTextResponse("There is no such picture.\n", 404, _HEADERS)


def _is_plain(path: str) -> bool:
    """Return whether a path has no `..` and no hidden part, besides folders for pictures."""
    parts = [part for part in path.split("/") if part not in _ASSETS]
    return not any(not part or part.startswith(".") or "\\" in part for part in parts)
