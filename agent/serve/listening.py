"""The socket of the server: who connects and then says nothing is let go."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
PATIENCE_S = 10.0  # for a request to be whole, a TLS handshake to be over, or the next request of a line to come


class HalfOpen:
    """Watches connections until their first request is whole; aiohttp itself waits for it for ever."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._silent: set[object] = set()  # connections that have sent no request yet

    @web.middleware
    async def note(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Notes that a connection has sent a request; for the application."""
        self._silent.discard(request.protocol)
        return await handler(request)

    def watched(self, make: Callable[[], asyncio.Protocol]) -> Callable[[], asyncio.Protocol]:
        """A factory of connections whose connections are watched."""
        loop = asyncio.get_running_loop()

        def made() -> asyncio.Protocol:
            connection = make()
            self._silent.add(connection)
            loop.call_later(self.seconds, self._look, connection)
            return connection

        return made

    def _look(self, connection: asyncio.Protocol) -> None:
        transport = getattr(connection, "transport", None)
        if connection in self._silent and transport is not None:
            transport.abort()
        self._silent.discard(connection)


@asynccontextmanager
async def listening(
    application: web.Application, host: str, port: int, tls: ssl.SSLContext | None, seconds: float = PATIENCE_S
) -> AsyncIterator[int]:
    """Serve an application while the block runs; gives the port, of interest for port 0.

    `seconds` are those of PATIENCE_S. An address in use raises OSError.
    """
    patience = HalfOpen(seconds)
    application.middlewares.append(patience.note)
    runner = web.AppRunner(
        application, access_log=None, handle_signals=False, shutdown_timeout=1.0, keepalive_timeout=seconds
    )
    await runner.setup()
    assert runner.server is not None
    try:
        listener = await asyncio.get_running_loop().create_server(
            patience.watched(runner.server),
            host,
            port,
            ssl=tls,
            reuse_address=True,
            ssl_handshake_timeout=None if tls is None else seconds,
        )
        try:
            yield listener.sockets[0].getsockname()[1]
        finally:
            listener.close()
    finally:
        await runner.cleanup()
