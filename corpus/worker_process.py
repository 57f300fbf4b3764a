"""What every worker process does first: it leaves stopping to its parent and does not outlive it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading


def follow_parent() -> None:
    """Called in a child process: an interrupt is the parent's to handle, and its end ends the child, too."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None, "workers run in child processes"
    threading.Thread(target=_die_with, args=(parent,), daemon=True).start()


def _die_with(parent: multiprocessing.process.BaseProcess) -> None:
    parent.join()  # one killed outright cannot tell its workers to stop
    os._exit(1)
