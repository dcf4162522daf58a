"""What tests of the HTTP edge share: servers from one index, requests as bytes, problems."""

import http.client
import shutil
import socket
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from running import Server

PROBLEM = "application/problem+json"
QUESTION = {"question": "What is a volume?", "limit": 1}


def copied(server: Server, folder: Path) -> Path:
    """Return a data folder with a server's index alone."""
    data_dir = folder / "data"
    shutil.copytree(server.data_dir, data_dir, ignore=shutil.ignore_patterns("feedback*", "keys*"))
    return data_dir


def client(server: Server, address: str = "127.0.0.1") -> httpx.Client:
    """Return a client that asks from an address of this machine."""
    transport = httpx.HTTPTransport(local_address=address)
    return httpx.Client(base_url=server.url, timeout=60, transport=transport)


def exactly(
    server: Server, method: str, path: str, headers: Mapping[str, str] | None = None
) -> tuple[int, dict[str, str], str]:
    """Return status, headers and text of a request whose path no library has tidied."""
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=30)
    try:
        connection.putrequest(method, path, skip_host="Host" in (headers or {}))
        for name, value in (headers or {}).items():
            connection.putheader(name, value)
        connection.endheaders()
        response = connection.getresponse()
        text = response.read().decode("utf-8", "replace")
        return response.status, {k.lower(): v for k, v in response.getheaders()}, text
    finally:
        connection.close()


def sent(server: Server, request: bytes) -> bytes:
    """Return all that a server says to these bytes until it closes the connection."""
    place = urlsplit(server.url)
    with socket.create_connection((place.hostname or "", place.port or 0), timeout=30) as opened:
        found = bytearray()
        with suppress(ConnectionError):
            opened.sendall(request)
            while part := opened.recv(65536):
                found += part
        return bytes(found)


def assert_problem(response: httpx.Response, status: int, kind: str) -> dict[str, object]:
    """Return the problem that a response is."""
    assert response.status_code == status, response.text[:300]
    assert response.headers["content-type"] == PROBLEM
    problem: dict[str, object] = response.json()
    # Below the path that a proxy shows some of the servers at.
    type_ = str(problem["type"]).removeprefix("/assistant")
    assert (type_, problem["status"]) == (f"/problems/{kind}", status)
    assert problem["detail"]
    assert "Traceback" not in response.text
    return problem
