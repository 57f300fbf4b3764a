"""Who may talk to the server, and how much: the token, the origin, limits per address and per connection, TLS."""

from __future__ import annotations

import hmac
import ipaddress
import ssl
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

TOKEN_PARAMETERS = ("token", "worker_auth_id", "auth_id")  # ours, Moshi's web client's, moshi-server's
KEY_PROTOCOL = "openai-insecure-api-key."  # the WebSocket subprotocol in which a browser sends a Realtime key


@dataclass(frozen=True)
class ConnectionLimits:
    """What one client may ask for."""

    message_bytes: int = 1 << 20  # longer messages close the connection
    messages_per_second: float = 200.0  # Moshi's web client sends 25; what is beyond is not read until it is due
    seconds_slowed: float = 5.0  # in a row, before a client that sends too much is sent away
    bytes_per_second: float = 512e3  # PCM16 as base64 JSON takes 65 kB
    burst_seconds: float = 5.0  # of either rate, after silence
    per_address: int = 8  # connections of one address, in conversation or waiting
    seconds_to_close: float = 4.0  # for a client to answer that the conversation ends

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if value <= 0:
                raise ValueError(f"{name} must be above 0, got {value}")


class RateLimit:
    """A token bucket: how long to wait before taking what came."""

    def __init__(self, per_second: float, burst_seconds: float, clock: Callable[[], float]) -> None:
        self.per_second, self.limit, self.clock = per_second, per_second * burst_seconds, clock
        self.level, self.at = self.limit, clock()

    def take(self, amount: float) -> float:
        """Take so much; seconds to wait first, 0 within the rate."""
        now = self.clock()
        self.level = min(self.limit, self.level + (now - self.at) * self.per_second) - amount
        self.at = now
        return max(0.0, -self.level / self.per_second)


@dataclass(frozen=True)
class Refusal:
    """Why a request is not served."""

    status: int  # HTTP
    reason: str


@dataclass
class Access:
    """The doorkeeper of a server."""

    token: str | None
    limits: ConnectionLimits = field(default_factory=ConnectionLimits)
    origins: tuple[str, ...] = ()  # further ones that may open WebSockets, such as https://example.org
    connections: Counter[str] = field(default_factory=Counter)  # open, by address

    def refuse(self, headers: Mapping[str, str], query: Mapping[str, str], host: str) -> Refusal | None:
        """Whether the token or the origin of a request forbids it; `host` is what the client calls this server."""
        if self.token is None and not is_loopback(urlsplit(f"//{host}").hostname or "") and not self._named(host):
            # a page whose name was made to point here (DNS rebinding) would pass for the same site
            return Refusal(403, "without a token only this computer is served, as localhost or 127.0.0.1")
        origin = headers.get("Origin")
        if origin is not None and not self._same_site(origin, host):
            return Refusal(403, f"pages of {origin[:200]} may not connect here; allow them with --origin")
        if self.token is not None and not any(self._matches(given) for given in tokens(headers, query)):
            return Refusal(401, "send the server's token as `Authorization: Bearer TOKEN` or as the parameter `token`")
        return None

    @contextmanager
    def entered(self, address: str) -> Iterator[Refusal | None]:
        """Count a connection of this address while it lasts; gives the refusal of one too many."""
        if self.connections[address] >= self.limits.per_address:
            yield Refusal(429, f"{self.limits.per_address} connections of your address are open; close one first")
            return
        self.connections[address] += 1
        try:
            yield None
        finally:
            self.connections[address] -= 1
            if not self.connections[address]:
                del self.connections[address]

    def _same_site(self, origin: str, host: str) -> bool:
        return origin in self.origins or urlsplit(origin).netloc.lower() == host.lower()

    def _named(self, host: str) -> bool:
        return any(urlsplit(origin).netloc.lower() == host.lower() for origin in self.origins)

    def _matches(self, given: str) -> bool:
        assert self.token is not None
        return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), self.token.encode())


def tokens(headers: Mapping[str, str], query: Mapping[str, str]) -> Iterator[str]:
    """Every token that a request carries."""
    scheme, _, value = headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        yield value.strip()
    yield from (query[name] for name in TOKEN_PARAMETERS if name in query)
    for protocol in headers.get("Sec-WebSocket-Protocol", "").split(","):
        if protocol.strip().startswith(KEY_PROTOCOL):
            yield protocol.strip()[len(KEY_PROTOCOL) :]


def is_loopback(host: str) -> bool:
    """Whether only this computer can reach a host name or address; names other than localhost count as reachable."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def check_listening(host: str, token: str | None, tls: Path | None) -> str | None:
    """Refuse to listen beyond this computer without a token; the warning to print if it is without TLS.

    Raises:
        ValueError: no token, or an empty one.
    """
    if token is not None and not token.strip():
        raise ValueError("--auth-token is empty; give a long random one")
    if is_loopback(host):
        return None
    if token is None:
        raise ValueError(f"{host} can be reached from other computers: give --auth-token TOKEN, or --host 127.0.0.1")
    if tls is None:
        return f"plain http on {host}: token and voices can be read on the way; give --tls DIR (key.pem, cert.pem)"
    return None


def tls_context(folder: Path) -> ssl.SSLContext:
    """Server-side TLS from `key.pem` and `cert.pem`. Raises ValueError if either is missing or they do not fit."""
    key, certificate = folder / "key.pem", folder / "cert.pem"
    for path in (key, certificate):
        if not path.is_file():
            raise ValueError(f"--tls {folder} holds no {path.name}")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key)
    except ssl.SSLError as error:
        raise ValueError(f"{certificate} and {key} are no certificate and its key: {error.reason}") from None
    return context
