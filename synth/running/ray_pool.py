"""The local pool's work on a Ray cluster: one actor per engine, wherever Ray finds room, lost ones replaced.

Actors plan and render into a folder of their own node and send the staged files back, so nodes need no shared disk and
the corpus is written by one process, byte for byte the local pool's. Ray itself is the extra `ray`.
"""

from __future__ import annotations

import contextlib
import dataclasses
import heapq
import socket
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from corpus.manifest import WORK
from corpus.staging import adopt, load_staged, staged_contents

from ..plan import dialogue_id
from ..script.line import Line
from ..script.models.usable import UnusableError
from .ray_cluster import connect, ray_module
from .workers import CorpusJob, MadeDialogue, Worker, trouble
from .write_ahead import WriteAhead

MAX_LOSSES = 20  # actors lost in a row without one finished dialogue
READY_SECONDS = 300.0  # without any actor on its feet


@dataclasses.dataclass(frozen=True)
class Shipped:
    """A dialogue as an actor sends it: what became of it, and its staged files by name."""

    made: MadeDialogue
    files: Mapping[str, bytes]


class RayWorker:
    """The actor: a `Worker` that stages on its node and ships what it staged."""

    def __init__(self, job: CorpusJob) -> None:
        self._scratch = tempfile.TemporaryDirectory(prefix="duologue-")
        out = Path(self._scratch.name)
        (out / WORK).mkdir()
        self._worker: Worker | None = None
        self._trouble = ""
        try:
            self._worker = Worker(dataclasses.replace(job, out=out))
        except Exception as error:  # whatever it is, an actor that dies of it would not say it
            self._trouble = trouble(error)

    def ready(self) -> bool:
        """True once the engine is loaded. Raises ValueError if it cannot be."""
        if self._worker is None:
            raise ValueError(f"{self._trouble} (on the node {socket.gethostname()})")
        return True

    def make(self, number: int, lines: Sequence[Line] | None) -> Shipped:
        """Make dialogue `number` and take it off this node; `lines` are its script if it is written."""
        assert self._worker is not None, "only an actor that is ready is asked"
        made = self._worker.make(number, lines)
        return Shipped(made, {} if made.rejected else staged_contents(self._worker.job.out, made.id))


class RayPool:
    """Makes dialogues on a Ray cluster and hands them over in the order of their numbers, as `workers.Pool` does.

    An actor or node that is lost is replaced where there is room, and what it was making is made again.
    """

    def __init__(
        self,
        job: CorpusJob,
        workers: int = 0,
        scripts: WriteAhead | None = None,
        address: str = "auto",
        gpus: float = 0.0,
    ) -> None:
        """Connect and start actors.

        Args:
            job: what to make.
            workers: actors; 0 for one per CPU of the cluster.
            scripts: writes the dialogues, unless the actors do so themselves.
            address: of the cluster, as `ray.init` takes it; `auto` finds a running one, `local` starts one here.
            gpus: share of a GPU that each actor's engine takes.

        Raises:
            ValueError: ray is not installed, or there is no cluster at the address.
        """
        self.ray, self.job, self.scripts = ray_module(), job, scripts
        self._owns = not self.ray.is_initialized()
        if self._owns:
            connect(self.ray, address)
        self.workers = workers or max(1, int(self.ray.cluster_resources().get("CPU", 1)))
        self._actor = self.ray.remote(RayWorker).options(num_cpus=1, num_gpus=gpus)
        self._starting: dict[Any, Any] = {}  # ready's reference -> actor
        self._running: dict[Any, tuple[Any, int]] = {}  # make's reference -> actor, number
        self._idle: list[Any] = []
        for _ in range(self.workers):
            self._start()

    def _start(self) -> None:
        actor = self._actor.remote(self.job)
        self._starting[actor.ready.remote()] = actor

    def made(self, first: int) -> Iterator[MadeDialogue]:
        """Dialogues from number `first` on, for ever.

        Raises:
            ValueError: actors are lost again and again, or the cluster has no room for a single one.
            DiskFullError, and whatever else a worker raised.
        """
        done: dict[int, MadeDialogue] = {}
        again: list[int] = []  # numbers whose actor was lost, a heap
        number = ahead = first
        losses = 0
        while True:
            while self._idle and (again or ahead < number + 2 * self.workers):
                if again:
                    task = heapq.heappop(again)
                else:
                    task, ahead = ahead, ahead + 1
                known = self._known(task)
                if known:
                    done[task] = known
                    continue
                try:
                    lines = self.scripts.lines(task) if self.scripts else None
                except UnusableError as error:
                    done[task] = MadeDialogue(task, dialogue_id(task), 0.0, str(error))
                    continue
                free = self._idle.pop()
                self._running[free.make.remote(task, lines)] = (free, task)
            if number in done:
                yield done.pop(number)
                number += 1
                continue
            reference = self._next()
            actor, finished = self._running.pop(reference, (self._starting.pop(reference, None), None))
            try:
                shipped = self.ray.get(reference)
            except self.ray.exceptions.RayTaskError as error:
                raise error.cause from None  # what the worker raised
            except self.ray.exceptions.RayError as error:
                losses += 1
                if losses > MAX_LOSSES:
                    raise ValueError(
                        f"{losses} Ray workers were lost in a row, the last near dialogue {number}"
                    ) from error
                if finished is not None:
                    heapq.heappush(again, finished)
                self._start()
                continue
            self._idle.append(actor)
            if finished is not None:
                losses = 0
                if not shipped.made.rejected:
                    adopt(self.job.out, shipped.made.id, shipped.files)
                done[finished] = shipped.made

    def _known(self, number: int) -> MadeDialogue | None:
        """A dialogue that an earlier run staged."""
        staged = load_staged(self.job.out, dialogue_id(number))
        if staged is None:
            return None
        assert staged.record.audio is not None, "staging fills in the audio"
        return MadeDialogue(number, staged.record.id, staged.record.audio.duration)

    def _next(self) -> Any:
        """The next reference that has an outcome."""
        waiting = [*self._running, *self._starting]
        timeout = None if self._running else READY_SECONDS
        ready, _ = self.ray.wait(waiting, num_returns=1, timeout=timeout)
        if not ready:
            raise ValueError(
                f"the Ray cluster had no room for a worker in {READY_SECONDS:.0f} s: "
                f"it offers {self.ray.available_resources()}"
            )
        return ready[0]

    def stop(self) -> None:
        """End all actors at once; what was adopted stays, what they were making is dropped."""
        for actor in [*self._idle, *self._starting.values(), *(actor for actor, _ in self._running.values())]:
            with contextlib.suppress(self.ray.exceptions.RayError):
                self.ray.kill(actor)
        if self._owns:
            self.ray.shutdown()
