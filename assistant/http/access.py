"""Access rules as functions on plain data; the guard applies them to HTTP requests.

A rule refuses everything that it does not understand. Open paths are compared exactly, closed paths
loosely, so that no other spelling of a closed path passes for an open one.
"""

import base64
import binascii
import re
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Literal
from urllib.parse import unquote

from assistant.serving import Keys, Scope
from index.errors import SettingsError

# local: bound to loopback, no keys. keys: for holders of keys. public: open, save what is an
# admin's.
Mode = Literal["local", "keys", "public"]
# As ASGI has them: raw pairs, of which several may have one name.
Headers = Iterable[tuple[bytes, bytes]]

_HOST = re.compile(
    r"(?:\[([0-9A-Fa-f]*:[0-9A-Fa-f:.]*)\]|([A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*)\.?)(?::([0-9]{1,5}))?"
)
_TOKEN = r"([A-Za-z0-9._~+/=-]+)"  # noqa: S105
_BEARER = re.compile(rf"bearer +{_TOKEN}", re.IGNORECASE | re.ASCII)
_BASIC = re.compile(rf"basic +{_TOKEN}", re.IGNORECASE | re.ASCII)
_KEY = re.compile(_TOKEN)

_ADMIN = ("/metrics", "/api/v1/gaps")
_FEEDBACK = "/api/v1/feedback"
# What these POSTs take is a question or a vote; any other changes what others see.
_HARMLESS_POSTS = ("/api/v1/ask", "/api/v1/ask/batch", _FEEDBACK)
_READING = ("GET", "HEAD", "OPTIONS")
# Probes hold no key, a problem's page explains a refusal, and Slack signs its requests.
_OPEN = re.compile(r"/health/(live|ready)|/slack/events|/problems/[a-z0-9-]*")


def access_mode(bind_address: str, public: bool, keys: Keys) -> Mode:
    """Return the access mode of a server that listens at this address.

    Raises SettingsError where other machines could reach it, it is not public, and no key exists.
    """
    if public:
        return "public"
    if is_loopback(bind_address):
        return "local"
    if keys.any_valid():
        return "keys"
    raise SettingsError(
        f"At {bind_address} others reach the notes. Make a key for those who may ask, "
        "`notes keys create NAME`, or let anyone ask: notes serve --public"
    )


def allowed_host(host_header: str, allowed: Sequence[str]) -> bool:
    """Return whether a Host header names this server, which keeps out DNS rebinding.

    Local names are always allowed. An entry of `allowed` is a name, an address (in brackets if
    IPv6), or `*.example.com` for every name below; without a port it is for any port. `*` allows
    every name.
    """
    host = _host(host_header)
    return host is not None and (_local(host[0]) or named_host(host_header, allowed))


def named_host(host_header: str, allowed: Sequence[str]) -> bool:
    """Return whether an entry of `allowed` names this host; entries are as in allowed_host."""
    host = _host(host_header)
    return host is not None and any(_matches(host, entry) for entry in allowed)


def is_loopback(bind_address: str) -> bool:
    """Return whether a server bound to this address can be reached from this machine only."""
    address = _address(bind_address)
    if address is not None:
        return address.is_loopback
    host = _host(bind_address)
    return host is not None and ":" not in bind_address and _local(host[0])


def required_scope(method: str, path: str, mode: Mode) -> Scope | None:
    """Return the scope that a request's key must have, or None where no key is needed.

    path: as ASGI has it, percent-decoded. A widget on somebody else's page can hold no secret, so
    in mode `keys` the widget's script is closed like the chat. Preflights do not come here.
    """
    if mode == "local":
        return None
    # Decoded once more: a path encoded twice must not pass for another.
    folded = re.sub(r"[/\\]+", "/", f"/{unquote(path)}").lower()
    if _administers(method.upper(), folded):
        return "admin"
    if mode == "public" or _OPEN.fullmatch(path):
        return None
    return "feedback" if f"{folded}/".startswith(f"{_FEEDBACK}/") else "ask"


def is_preflight(method: str, headers: Headers) -> bool:
    """Return whether a request is a CORS preflight; a browser sends no key with it."""
    names = {name.lower() for name, _ in headers}
    return method.upper() == "OPTIONS" and names >= {b"origin", b"access-control-request-method"}


def presented_key(headers: Headers) -> str | None:
    """Return the key in a request's headers, valid or not; None where there is none.

    The key comes from `X-API-Key`, else from `Authorization`: `Bearer` with the key, or `Basic`
    with the key as password and any user, so that a browser's own prompt opens the chat. X-API-Key
    comes first, since a proxy may have set its own Authorization. Two different values in one of
    these fields count as no key.
    """
    pairs = [(name.lower(), value.strip(b" \t")) for name, value in headers]
    keys = {value for name, value in pairs if name == b"x-api-key"}
    authorizations = {value for name, value in pairs if name == b"authorization"}
    if len(keys) > 1 or len(authorizations) > 1:
        return None
    if keys:
        return _token(_KEY, keys.pop())
    value = authorizations.pop() if authorizations else b""
    return _token(_BEARER, value) or _password(value)


def client_address(peer: str, headers: Headers, trusted: Sequence[str]) -> str:
    """Return the address of the client: the peer's, or the one that trusted proxies report.

    trusted: addresses and networks of proxies. In `X-Forwarded-For`, it is the first address from
    the right that is not a proxy's; addresses further left could be written by anyone.
    """
    asking, proxies = _address(peer), _networks(trusted)
    if asking is None or not any(asking in network for network in proxies):
        return str(asking or peer)
    client = asking
    for entry in reversed(_forwarded(headers)):
        found = _forwarded_address(entry)
        if found is None:
            return str(asking)
        client = found
        if not any(client in network for network in proxies):
            break
    return str(client)


def forwarded_scheme(peer: str, headers: Headers, trusted: Sequence[str]) -> str:
    """Return `http` or `https` as a trusted proxy reports it, or "" where none does.

    The first value of `X-Forwarded-Proto` is the browser's scheme; trusted: as in client_address.
    """
    asking = _address(peer)
    if asking is None or not any(asking in network for network in _networks(trusted)):
        return ""
    values = [value for name, value in headers if name.lower() == b"x-forwarded-proto"]
    said = b",".join(values).partition(b",")[0].strip().decode("latin-1").lower()
    return said if said in ("http", "https") else ""


def limit_key(address: str) -> str:
    """Return the rate-limit key of an address: an IPv6 network of 64 bits shares one key."""
    found = _address(address)
    if isinstance(found, IPv6Address):
        return str(IPv6Network((int(found), 64), strict=False))
    return str(found or address)


def _host(text: str) -> tuple[str, str | None] | None:
    """Return the name in lower case and the port of a host, or None when the text is no host."""
    parts = _HOST.fullmatch(text)
    if parts is None or int(parts[3] or 0) > 65535:
        return None
    if parts[1] is None:
        return parts[2].lower(), parts[3]
    literal = _address(parts[1])
    return None if literal is None else (str(literal), parts[3])


def _local(name: str) -> bool:
    address = _address(name)
    if address is not None:
        return address.is_loopback
    return name == "localhost" or name.endswith(".localhost")


def _matches(host: tuple[str, str | None], entry: str) -> bool:
    if entry == "*":
        return True
    wanted = _host(entry.removeprefix("*."))
    if wanted is None or wanted[1] not in (None, host[1]):
        return False
    return host[0].endswith(f".{wanted[0]}") if entry.startswith("*.") else host[0] == wanted[0]


def _administers(method: str, path: str) -> bool:
    # No honest client sends a path with dots: it resolves them first.
    if path.startswith(_ADMIN) or not {".", ".."}.isdisjoint(path.split("/")):
        return True
    changes = method not in _READING and path.startswith("/api/")
    return changes and (method != "POST" or path.rstrip("/") not in _HARMLESS_POSTS)


def _token(pattern: re.Pattern[str], value: bytes) -> str | None:
    found = pattern.fullmatch(value.decode("latin-1"))
    return found[1] if found else None


def _password(value: bytes) -> str | None:
    encoded = _token(_BASIC, value)
    try:
        decoded = base64.b64decode(encoded or "", validate=True)
    except binascii.Error:
        return None
    return _token(_KEY, decoded.partition(b":")[2])


def _forwarded(headers: Headers) -> list[str]:
    values = [value for name, value in headers if name.lower() == b"x-forwarded-for"]
    return b",".join(values).decode("latin-1").split(",") if values else []


def _forwarded_address(entry: str) -> IPv4Address | IPv6Address | None:
    # Some proxies add the client's port, with brackets where the address has colons.
    entry = entry.strip(" \t")
    host = _host(entry)
    return _address(host[0] if host else entry)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    """Return the parsed address or None; an IPv4 address in IPv6 notation becomes IPv4."""
    try:
        found = ip_address(text)
    except ValueError:
        return None
    return found.ipv4_mapped or found if isinstance(found, IPv6Address) else found


def _networks(entries: Sequence[str]) -> list[IPv4Network | IPv6Network]:
    return [network for entry in entries if (network := _network(entry))]


def _network(entry: str) -> IPv4Network | IPv6Network | None:
    try:
        return ip_network(entry, strict=False)
    except ValueError:
        return None
