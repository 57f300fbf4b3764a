"""Recordings tokenized in order, here or in several processes."""

from __future__ import annotations

import itertools
import multiprocessing
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

import torch

from corpus.worker_process import follow_parent

from .shards import TokenDialogue
from .take import Take

Work = Callable[[Take], TokenDialogue]

_work: Work | None = None  # of a worker process, made by its initialiser


def in_order(make: Callable[[], Work], recordings: Iterable[Take], workers: int) -> Generator[TokenDialogue]:
    """The tokens of recordings, in their order.

    Every process computes with one thread: its results are the same to the bit, and as many processes are quicker.

    Args:
        make: gives what tokenizes a recording; called once in every process, so it can be pickled.
        recordings: read only so far ahead as the workers need.
        workers: processes; 1 is this one.

    Raises:
        ValueError: a worker died, or what its work raised.
    """
    return _here(make, recordings) if workers == 1 else _in_processes(make, recordings, workers)


def _here(make: Callable[[], Work], recordings: Iterable[Take]) -> Generator[TokenDialogue]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield from map(make(), recordings)
    finally:
        torch.set_num_threads(threads)


def _in_processes(make: Callable[[], Work], recordings: Iterable[Take], workers: int) -> Generator[TokenDialogue]:
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_start, initargs=(make,))
    left, pending = iter(recordings), deque[Future[TokenDialogue]]()
    try:
        while True:
            ahead = itertools.islice(left, 2 * workers - len(pending))
            pending.extend(pool.submit(_one, recording) for recording in ahead)
            if not pending:
                return
            yield pending.popleft().result()
    except BrokenProcessPool:
        raise ValueError("a worker died: too little memory? run the same command with fewer --workers") from None
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _start(make: Callable[[], Work]) -> None:
    global _work
    follow_parent()
    torch.set_num_threads(1)
    _work = make()


def _one(recording: Take) -> TokenDialogue:
    assert _work is not None, "the initialiser ran"
    return _work(recording)
