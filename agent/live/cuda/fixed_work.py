"""Work on memory that stays in place: recorded once as a CUDA graph and replayed on a card, run as it is elsewhere."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import torch

log = logging.getLogger("agent.live.cuda")
WARM_UPS = 3  # runs before a graph is recorded: what libraries make at first use cannot be recorded


class FixedWork:
    """`work` reads and writes the same tensors at every call; recording it must do no harm to them."""

    def __init__(self, work: Callable[[], None], device: torch.device, recorded: bool, pool: Any) -> None:
        """Get ready.

        Args:
            work: without arguments, result, or anything read by the host.
            device: of its tensors.
            recorded: record it, if the device is a card.
            pool: memory that graphs share which leave nothing in it, `torch.cuda.graph_pool_handle()`.
        """
        self._work = work
        self._graph: torch.cuda.CUDAGraph | None = None
        if recorded and device.type == "cuda":
            try:
                with torch.cuda.device(device):
                    self._graph = _recorded(work, pool)
            except torch.OutOfMemoryError:
                raise
            except RuntimeError as error:
                log.warning("no graph could be recorded, so every tick is launched piece by piece: %s", error)

    @property
    def recorded(self) -> bool:
        """Whether a graph does it."""
        return self._graph is not None

    def __call__(self) -> None:
        """Do the work."""
        if self._graph is None:
            self._work()
        else:
            self._graph.replay()


def _recorded(work: Callable[[], None], pool: Any) -> torch.cuda.CUDAGraph:
    aside: Any = torch.cuda.Stream()  # type: ignore[no-untyped-call]
    aside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(aside):
        for _ in range(WARM_UPS):
            work()
    torch.cuda.current_stream().wait_stream(aside)
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, pool=pool, capture_error_mode="thread_local"):
        work()
    return graph
