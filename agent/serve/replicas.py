"""Servers as actors on a Ray cluster, wherever Ray finds room, and a haproxy configuration that is always of them.

A replica is a whole server: it loads its model on its node, listens on a free port there and keeps its own talks. One
that is lost takes these along; another is started in its place and written into the configuration.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from corpus.durable import replace_text
from synth.running.ray_cluster import connect, ray_module

from .haproxy import configuration
from .server import CLOSING_S, Server, serving

LOCAL = "local"
READY_SECONDS = 600.0  # for a replica to be placed and to load its model
MOST_LOSSES = 5  # replicas lost in a row before one has listened
Build = Callable[[], tuple[Server, Callable[[], None]]]  # a server, and what to do when it has ended


class Replica:
    """The actor."""

    def __init__(self, build: Build, host: str | None) -> None:
        """Load everything; `host` to listen on is the node's own address if None."""
        self._host = host or ray_module().util.get_node_ip_address()
        self._open = AsyncExitStack()
        self._built: tuple[Server, Callable[[], None]] | None = None
        self._trouble = ""
        try:
            self._built = build()
        except Exception as error:  # whatever it is, an actor that dies of it would not say it
            self._trouble = f"{error} (on the node {socket.gethostname()})"

    async def listen(self) -> str:
        """Host and port, once clients may come. Raises ValueError for a server that cannot begin."""
        if self._built is None:
            raise ValueError(f"a server cannot begin: {self._trouble}")
        port = await self._open.enter_async_context(serving(self._built[0], self._host, 0))
        return f"[{self._host}]:{port}" if ":" in self._host else f"{self._host}:{port}"

    async def last(self) -> None:
        """Never returns: whoever waits for it hears of the actor's end."""
        await asyncio.Event().wait()

    async def close(self) -> None:
        """Tell the clients and end."""
        await self._open.aclose()
        if self._built is not None:
            self._built[1]()


@dataclass
class Placed:
    """A replica that listens."""

    actor: Any
    address: str
    ends: Any = field(repr=False)  # reference that is ready when the actor is lost


class Replicas:
    """So many servers on a cluster."""

    def __init__(self, build: Build, count: int, address: str = "auto", gpus: float = 0.0) -> None:
        """Connect, and start all of them.

        Args:
            build: makes a server on a node; it travels there.
            count: how many.
            address: of the cluster, as `ray.init` takes it; `auto` finds a running one, `local` starts one here.
            gpus: share of a card that each takes.

        Raises:
            ValueError: ray is not installed, there is no cluster or no room in it, or a server cannot begin.
        """
        self._ray, self._build = ray_module(), build
        self._owns = not self._ray.is_initialized()
        if self._owns:
            connect(self._ray, address)
        self._host = "127.0.0.1" if address == LOCAL else None
        self._actor = self._ray.remote(Replica).options(num_cpus=1, num_gpus=gpus)
        self.placed: list[Placed] = []
        try:
            self.placed += self._started(count)
        except BaseException:
            self.stop()
            raise

    @property
    def addresses(self) -> list[str]:
        """Host and port of each."""
        return [each.address for each in self.placed]

    def mend(self, seconds: float) -> int:
        """Wait so long for one to be lost, and start others in the place of those that were; how many."""
        done, _ = self._ray.wait([each.ends for each in self.placed], num_returns=1, timeout=seconds)
        if not done:
            return 0
        done, _ = self._ray.wait([each.ends for each in self.placed], num_returns=len(self.placed), timeout=0)
        self.placed = [each for each in self.placed if each.ends not in done]
        self.placed += self._started(len(done))
        return len(done)

    def stop(self) -> None:
        """Tell all clients and end all replicas."""
        with contextlib.suppress(self._ray.exceptions.RayError):
            self._ray.get([each.actor.close.remote() for each in self.placed], timeout=2 * CLOSING_S)
        for each in self.placed:
            with contextlib.suppress(self._ray.exceptions.RayError):
                self._ray.kill(each.actor)
        self.placed = []
        if self._owns:
            self._ray.shutdown()

    def _started(self, count: int) -> list[Placed]:
        for _ in range(MOST_LOSSES):
            actors = [self._actor.remote(self._build, self._host) for _ in range(count)]
            try:
                addresses = self._ray.get([actor.listen.remote() for actor in actors], timeout=READY_SECONDS)
                return [Placed(actor, at, actor.last.remote()) for actor, at in zip(actors, addresses, strict=True)]
            except self._ray.exceptions.GetTimeoutError:
                offered = self._ray.available_resources()
                raise ValueError(f"the Ray cluster had no room for {count} servers: it offers {offered}") from None
            except self._ray.exceptions.RayTaskError as error:
                raise error.cause from None
            except self._ray.exceptions.RayError:
                for actor in actors:
                    self._ray.kill(actor)
        raise ValueError(f"{MOST_LOSSES} times in a row servers were lost before they listened: see the nodes' memory")


def serve_replicas(
    replicas: Replicas, file: Path, host: str, port: int, tell: Callable[..., None], stopping: Callable[[], bool]
) -> None:
    """Keep replicas going, and a haproxy configuration of them in `file`, until `stopping` says so."""

    def write() -> None:
        replace_text(file, configuration(host, port, replicas.addresses))
        tell("replicas", count=len(replicas.placed), addresses=" ".join(replicas.addresses), haproxy=str(file))

    write()
    while not stopping():
        began = time.monotonic()
        if replicas.mend(1.0):
            tell("replicas lost and started anew", seconds=round(time.monotonic() - began, 1))
            write()
