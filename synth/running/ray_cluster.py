"""A Ray cluster: found and joined, or one line that says why not. Ray itself is the extra `ray`."""

from __future__ import annotations

import socket
from typing import Any

CONNECT_SECONDS = 10.0


def check_ray(address: str) -> None:
    """Raise ValueError if ray is not installed or nothing listens at `HOST:PORT`."""
    ray_module()
    host, colon, port = address.rpartition(":")
    if not (colon and port.isdigit() and "/" not in host):
        return
    try:
        socket.create_connection((host, int(port)), timeout=CONNECT_SECONDS).close()
    except OSError as error:
        raise _no_cluster(address, error) from None


def ray_module() -> Any:
    """Ray itself. Raises ValueError where it is not installed."""
    try:
        import ray
    except ImportError:
        raise ValueError("a cluster needs Ray: pip install 'duologue[ray]'") from None
    return ray


def connect(ray: Any, address: str) -> None:
    """Join the cluster at an address, as `ray.init` takes it. Raises ValueError where there is none."""
    check_ray(address)  # Ray itself tries for minutes
    try:
        ray.init(address=address, log_to_driver=False, logging_level="error")
    except (OSError, RuntimeError, ValueError) as error:
        raise _no_cluster(address, error) from None


def _no_cluster(address: str, error: Exception) -> ValueError:
    reason = str(error).strip().splitlines()[0]
    return ValueError(
        f"no Ray cluster at {address!r} ({reason}); start one with `ray start --head`, or use --ray local"
    )
