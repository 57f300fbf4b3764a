"""`agent serve`: one port with three wires, the browser page, health and metrics."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.metadata
import signal
import ssl
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

from ..live.runner import Runner
from . import prometheus as metrics
from .access import KEY_PROTOCOL, Access, Refusal
from .conversation import Conversation, ServerState
from .event_log import tell
from .listening import listening
from .wires.moshi import MoshiWire
from .wires.pcm import PcmWire
from .wires.realtime import RealtimeWire
from .wires.wire import ServerFacts, Wire

PAGE = Path(__file__).parent / "web"
PAGE_FILES = {
    "index.html": "text/html",
    "page.css": "text/css",
    "page.js": "text/javascript",
    "connection.js": "text/javascript",
    "sound.js": "text/javascript",
    "charts.js": "text/javascript",
    "transcript.js": "text/javascript",
    "capture-worklet.js": "text/javascript",
    "playback-worklet.js": "text/javascript",
}
PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'",
    "Permissions-Policy": "microphone=(self)",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}
RUNNER_THREAD = "agent-runner"
PROTOCOLS = ("realtime",)  # WebSocket subprotocols that are answered
HEARTBEAT_S = 20.0  # a line that answers no ping in half this time is broken
CLOSING_S = 5.0  # for all conversations to be told and closed
WIRES: Mapping[str, tuple[str, Callable[[Mapping[str, str], Mapping[str, str], ServerFacts], Wire]]] = {
    "/api/chat": ("moshi", MoshiWire.connect),
    "/v1/realtime": ("realtime", RealtimeWire.connect),
    "/ws/pcm": ("pcm", PcmWire.connect),
}
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Server:
    """A server before it listens: `application` is the whole of it, `serving` runs it."""

    house: ServerState
    access: Access
    runner: Runner
    talking: set[asyncio.Task[None]] = field(default_factory=set)

    def application(self) -> web.Application:
        """The aiohttp application; starting it starts the runner, shutting it down ends all conversations politely."""
        app = web.Application(middlewares=[self._refuse_strangers])
        app.router.add_get("/", self._page)
        for name in PAGE_FILES:
            app.router.add_get(f"/{name}", self._page)
        app.router.add_get("/healthz", self._health)
        app.router.add_get("/metrics", self._metrics)
        for path in WIRES:
            app.router.add_get(path, self._converse)
        app.on_startup.append(self._start)
        app.on_shutdown.append(self._say_goodbye)
        app.on_cleanup.append(self._stop)
        return app

    @web.middleware
    async def _refuse_strangers(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Token, origin and address, for everything but the page and the health check."""
        if request.path not in (*WIRES, "/metrics"):
            return await handler(request)
        refusal = self.access.refuse(request.headers, request.query, request.host)
        if refusal is not None:
            return self._refused(request, refusal)
        return await handler(request)

    def _refused(self, request: web.Request, refusal: Refusal) -> web.Response:
        self.house.traffic.refused[refusal.status] += 1
        tell("request refused", path=request.path, address=request.remote, status=refusal.status)
        headers = {"WWW-Authenticate": "Bearer"} if refusal.status == 401 else {}
        return web.json_response({"error": refusal.reason}, status=refusal.status, headers=headers)

    async def _converse(self, request: web.Request) -> web.StreamResponse:
        name, connect = WIRES[request.path]
        try:
            wire = connect(request.query, request.headers, self.house.host)
        except ValueError as error:
            return self._refused(request, Refusal(400, str(error)))
        with self.access.entered(request.remote or "") as refusal:
            if refusal is not None:
                return self._refused(request, refusal)
            limits = self.house.limits
            asked = request.headers.get("Sec-WebSocket-Protocol", "")
            socket = web.WebSocketResponse(
                heartbeat=HEARTBEAT_S,
                max_msg_size=limits.message_bytes,
                compress=False,
                timeout=limits.seconds_to_close,
                protocols=PROTOCOLS if KEY_PROTOCOL in asked or "realtime" in asked else (),
            )
            if not socket.can_prepare(request):
                return self._refused(request, Refusal(426, f"{request.path} is a WebSocket"))
            if ignored := getattr(wire, "ignored", None):
                socket.headers["Duologue-Ignored"] = ", ".join(ignored)
            await socket.prepare(request)
            self.house.traffic.connections[name] += 1
            tell("connection opened", wire=name, address=request.remote)
            task = asyncio.current_task()
            assert task is not None
            self.talking.add(task)
            try:
                await Conversation(self.house, wire, name, socket).run(request.query.get("resume", ""))
            finally:
                self.talking.discard(task)
            return socket

    async def _page(self, request: web.Request) -> web.StreamResponse:
        name = request.path.lstrip("/") or "index.html"
        return web.Response(
            body=(PAGE / name).read_bytes(), content_type=PAGE_FILES[name], charset="utf-8", headers=PAGE_HEADERS
        )

    async def _health(self, request: web.Request) -> web.StreamResponse:
        alive = any(thread.name == RUNNER_THREAD for thread in threading.enumerate())
        content = {"status": "ok" if alive else "the model's thread has died", "model": self.house.host.model}
        about = vars(self.house.host.about) if self.access.token is None else {}  # who has no token need not know
        return web.json_response({**content, "about": about, "version": version()}, status=200 if alive else 503)

    async def _metrics(self, request: web.Request) -> web.StreamResponse:
        body = metrics.exposition(self.house.scheduler.metrics, self.house.traffic)
        return web.Response(body=body, headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})

    async def _start(self, app: web.Application) -> None:
        self.runner.start()

    async def _say_goodbye(self, app: web.Application) -> None:
        self.house.scheduler.admission.shut_down()
        if self.talking:
            await asyncio.wait(list(self.talking), timeout=CLOSING_S)

    async def _stop(self, app: web.Application) -> None:
        await asyncio.get_running_loop().run_in_executor(None, self.runner.stop)
        if self.house.recorder is not None:
            await asyncio.get_running_loop().run_in_executor(None, self.house.recorder.close)


def version() -> str:
    """Of the installed distribution, "0" from a bare checkout."""
    try:
        return importlib.metadata.version("duologue")
    except importlib.metadata.PackageNotFoundError:
        return "0"


@asynccontextmanager
async def serving(server: Server, host: str, port: int, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """Listen while the block runs; gives the port, of interest for port 0. An address in use raises OSError."""
    async with listening(server.application(), host, port, tls) as chosen:
        yield chosen


async def serve_until_stopped(
    server: Server, host: str, port: int, tls: ssl.SSLContext | None, ready: Callable[[int], None]
) -> None:
    """Serve until SIGTERM or Ctrl-C; `ready` is called with the port."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    with contextlib.suppress(NotImplementedError):  # Windows: Ctrl-C raises KeyboardInterrupt
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
    async with serving(server, host, port, tls) as chosen:
        ready(chosen)
        await stop.wait()
        tell("stopping")
