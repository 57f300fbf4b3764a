"""Several processes that train together, forked from one interpreter that has torch loaded already."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch.distributed as dist
import torch.distributed.checkpoint
import torch.distributed.fsdp  # noqa: F401 (loaded once, before the fork)

from .places import ROOT


@contextmanager
def group(rank: int, size: int, meeting: Path) -> Iterator[bool]:
    """A gloo group of the first `size` processes; yields whether this one is in it. `meeting`: a file not there yet."""
    if rank >= size:
        yield False
        return
    dist.init_process_group("gloo", init_method=f"file://{meeting}", rank=rank, world_size=size)
    try:
        yield True
    finally:
        dist.destroy_process_group()


def fork(size: int, work: Callable[[int], None]) -> None:
    """Call `work(rank)` in so many processes; exits with the first code that is not 0."""
    made = [multiprocessing.get_context("fork").Process(target=work, args=(rank,)) for rank in range(size)]
    for process in made:
        process.start()
    for process in made:
        process.join()
    sys.exit(max(abs(process.exitcode or 0) for process in made))


def run_module(name: str, *arguments: object, timeout: float = 300) -> None:
    """Run a module of the tests as a program of one thread; its errors are the message where it fails."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    line = [sys.executable, "-m", name, *map(str, arguments)]
    done = subprocess.run(line, env=environment, timeout=timeout, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
