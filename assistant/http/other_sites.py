"""Rules for pages of other sites: which may read responses, and which requests are refused."""

from collections.abc import Sequence
from urllib.parse import urlsplit

from starlette.datastructures import Headers as Fields
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp

from assistant.http.access import Headers, named_host
from assistant.http.problems import problem


def shared(app: ASGIApp, origins: Sequence[str]) -> ASGIApp:
    """Return the application with CORS for these origins; without any, it is unchanged."""
    if not origins:
        return app
    return _Sharing(
        app,
        allow_origins=origins,
        allow_methods=["GET", "POST"],
        allow_headers=[
            "Authorization",
            "Content-Type",
            "Mcp-Method",
            "Mcp-Name",
            "Mcp-Protocol-Version",
            "X-API-Key",
            "X-Request-ID",
        ],
        expose_headers=[
            "X-Request-ID",
            "RateLimit-Limit",
            "RateLimit-Remaining",
            "RateLimit-Reset",
            "Retry-After",
            "Server-Timing",
        ],
    )


def is_foreign(headers: Headers, origins: Sequence[str], hosts: Sequence[str]) -> bool:
    """Return whether a request comes from a page of another site that is not in `origins`.

    hosts: names of this server, beside the one in `Host`. Programs that are no browsers send
    neither `Origin` nor `Sec-Fetch-Site`, so their requests are never foreign.
    """
    fields = {name.lower(): value.decode("latin-1") for name, value in headers}
    origin = fields.get(b"origin")
    if origin in origins or (origin and "*" in origins):
        return False
    if site := fields.get(b"sec-fetch-site"):
        return site == "cross-site"
    # Browsers send that field to https and to this machine only.
    return origin is not None and not _ours(origin, fields.get(b"host", ""), hosts)


def _ours(origin: str, host: str, hosts: Sequence[str]) -> bool:
    try:
        name = urlsplit(origin).netloc
    except ValueError:
        return False
    # Any name may lead here with `*`, but not any page is ours.
    return name.lower() == host.lower() or named_host(name, [each for each in hosts if each != "*"])


class _Sharing(CORSMiddleware):
    def preflight_response(self, request_headers: Fields) -> Response:
        response = super().preflight_response(request_headers)
        if response.status_code < 400:
            return response
        return problem(
            "forbidden",
            "Pages of that site may not send this. An operator adds it to NOTES_CORS_ORIGINS.",
        )
