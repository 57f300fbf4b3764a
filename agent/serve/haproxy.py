"""A configuration for haproxy that keeps clients on their process: one port before several `agent serve`s."""

from __future__ import annotations

import re
from collections.abc import Sequence

TEMPLATE = """\
# {count} processes of agent serve behind one port. Check it with: haproxy -c -f FILE
global
    maxconn 4096
defaults
    mode http
    timeout connect 2s
    timeout client 30s
    timeout server 30s
    timeout tunnel 2h
    timeout http-request 10s
    option redispatch
    retries 2
frontend clients
    bind {address}
    default_backend talks
backend talks
    balance leastconn
    option httpchk GET /healthz
    http-check expect status 200
    # A browser is kept by its cookie. Others that come back with a resume token go where their address was last.
    cookie DUOLOGUE insert indirect nocache httponly
    stick-table type ipv6 size 100k expire 2h
    stick match src if {{ url_param(resume) -m found }}
    stick store-request src
    option forwardfor
    default-server check inter 1s fall 2 rise 1 on-marked-down shutdown-sessions
{servers}
"""


def configuration(host: str, port: int, servers: Sequence[int | str]) -> str:
    """The text of a configuration.

    Args:
        host: to listen on; "" or 0.0.0.0 for every address.
        port: to listen on.
        servers: `agent serve`s, by port on this computer or by host and port.
    """
    lines = "\n".join(map(_server, servers))
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return TEMPLATE.format(count=len(servers), address=address, servers=lines)


def _server(place: int | str) -> str:
    address = place if isinstance(place, str) else f"127.0.0.1:{place}"
    name = "talk" + re.sub(r"\W", "-", str(place))
    return f"    server {name} {address} cookie {name}"


def ports(given: str, own: int) -> list[int]:
    """Ports with commas between. Raises ValueError for anything else, for one given twice and for `own`."""
    parts = [part.strip() for part in given.split(",")]
    if not all(part.isdecimal() and 0 < int(part) < 65536 for part in parts):
        raise ValueError(f"--print-haproxy takes the ports of the processes, 9001,9002, got {given!r}")
    found = [int(part) for part in parts]
    if len(set(found)) < len(found) or own in found:
        raise ValueError(f"--print-haproxy needs ports that differ from each other and from --port {own}, got {given}")
    return found
