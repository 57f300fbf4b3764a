"""Ticks in a thread of their own, so that no event loop ever computes; results reach loops and blocking callers.

with Runner(scheduler) as runner:
    signal = AsyncSignal(asyncio.get_running_loop())
    ticket = scheduler.admission.admit(Controls(), signal.notify)
    ticket.session.push(pcm)                 # wakes the runner
    await signal.wait()                      # news: ticket.state, ticket.session.pull(), .pull_events()
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from types import TracebackType

from .scheduler import Scheduler

log = logging.getLogger("agent.live.runner")


class Runner:
    """Runs a scheduler's ticks until stopped."""

    def __init__(self, scheduler: Scheduler) -> None:
        self.scheduler = scheduler
        self._news = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="agent-runner", daemon=True)
        scheduler.admission.wake = self._news.set

    def start(self) -> None:
        """Begin; once only."""
        self._thread.start()

    def stop(self, timeout: float | None = 5.0) -> bool:
        """End all sessions with reason "shutdown" and wait for the thread; True if it ended in time."""
        self.scheduler.admission.shut_down()
        self._stopping = True
        self._news.set()
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def __enter__(self) -> Runner:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _run(self) -> None:
        while not self._stopping:
            self._news.clear()
            try:
                worked = self.scheduler.tick()
            except Exception:
                log.exception("a tick failed")
                worked = 0
            if not worked:
                self._news.wait(self.scheduler.patience_s)
        self.scheduler.tick()  # frees the slots
        if shut := getattr(self.scheduler.partner, "shut", None):
            shut()


class AsyncSignal:
    """Tells a coroutine of news from another thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._event = asyncio.Event()

    def notify(self) -> None:
        """There is news; from any thread, also after the loop has closed."""
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(self._event.set)

    async def wait(self) -> None:
        """Until there is news since the last call."""
        await self._event.wait()
        self._event.clear()
