"""The widget: one script with an HTML element, which pages of all other sites may load."""

import hashlib
import json
import re
from pathlib import Path

import rcssmin
import rjsmin
from fastapi import APIRouter, Request, Response

_STATIC = Path(__file__).parents[1] / "static"
_NEXT = re.compile(r"(?<=[;{}\n])(let [^;{}]*);let ")


def _script() -> str:
    style = json.dumps(rcssmin.cssmin((_STATIC / "widget.css").read_text()))
    script = str(rjsmin.jsmin((_STATIC / "widget.js").read_text()))
    for long, short in {"const ": "let ", r"\uE000": "\ue000", r"\uE001": "\ue001"}.items():
        script = script.replace(long, short)
    # Names that are given values one after another need the word once.
    while (joined := _NEXT.sub(r"\1,", script)) != script:
        script = joined
    return script.replace('"widget.css"', style)


SCRIPT = _script()
_ETAG = f'"{hashlib.sha256(SCRIPT.encode()).hexdigest()[:32]}"'
_HEADERS = {
    "Access-Control-Allow-Origin": "*",
    # Its address stays as it is: within an hour, pages have what is new.
    "Cache-Control": "public, max-age=3600",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "ETag": _ETAG,
}


def create_widget() -> APIRouter:
    """Return the route `/widget.js`, whose script defines the element `<notes-assistant>`."""
    router = APIRouter(include_in_schema=False)

    @router.api_route("/widget.js", methods=["GET", "HEAD"])
    def script(request: Request) -> Response:
        known = request.headers.get("if-none-match", "").replace("W/", "").split(",")
        if {_ETAG, "*"} & {tag.strip() for tag in known}:
            return Response(status_code=304, headers=_HEADERS)
        return Response(SCRIPT, headers=_HEADERS, media_type="text/javascript")

    return router
