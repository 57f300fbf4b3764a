"""A child process that answers JSON lines with JSON lines: started, asked, timed out, ended."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import threading
import time
import weakref
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from .failure import EngineFailureError

MOST_GARBAGE = 100  # lines that are no answer, before one that is
STDERR_LINES = 30  # kept for messages
_GRACE = 5.0  # s to end by itself


class WorkerProcess:
    """One run of a worker.

    Args:
        name: of the engine, for messages.
        command: what to start, in `folder`.
        folder: its working directory.
        environment: of the process.

    Raises:
        OSError: the command cannot be started.
    """

    def __init__(self, name: str, command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> None:
        self.name = name
        self._process = subprocess.Popen(
            command,
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,  # Ctrl-C is for the parent to decide, and the whole group can be ended
        )
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._errors: deque[str] = deque(maxlen=STDERR_LINES)
        out, errors = self._process.stdout, self._process.stderr
        assert out is not None, "stdout is a pipe"
        assert errors is not None, "stderr is a pipe"
        self._readers = [
            threading.Thread(target=_read_lines, args=(out, self._lines), daemon=True),
            threading.Thread(target=_keep_lines, args=(errors, self._errors), daemon=True),
        ]
        for reader in self._readers:
            reader.start()
        self._finalizer = weakref.finalize(self, _end, self._process, self._readers)

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    def ask(self, message: Mapping[str, Any], timeout: float) -> dict[str, Any]:
        """Send a message that has an `id`, and wait for the answer with the same one.

        Raises:
            EngineFailureError: timeout, died, or garbage.
        """
        stdin = self._process.stdin
        assert stdin is not None, "stdin is a pipe"
        try:
            stdin.write(json.dumps(message, ensure_ascii=False) + "\n")
            stdin.flush()
        except (OSError, ValueError):
            raise self._died() from None
        return self.hear(timeout, message["id"])

    def hear(self, timeout: float, id: int | None = None) -> dict[str, Any]:
        """The next JSON object on stdout, with this `id` if one is given.

        Lines that are no JSON object, and answers to other requests, are passed over, up to `MOST_GARBAGE` of them.

        Raises:
            EngineFailureError: timeout, died, or garbage.
        """
        deadline, garbage = time.monotonic() + timeout, ""
        for _ in range(MOST_GARBAGE):
            try:
                line = self._lines.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise EngineFailureError(
                    "timeout", f"worker {self.name} gave no answer within {timeout:g} s{self._said()}"
                ) from None
            if line is None:
                raise self._died()
            try:
                answer = json.loads(line)
            except ValueError:
                garbage = line
                continue
            if isinstance(answer, dict) and (id is None or answer.get("id") == id):
                return answer
            garbage = line
        raise EngineFailureError(
            "garbage", f"worker {self.name} wrote {MOST_GARBAGE} lines that are no answer; the last: {garbage[:200]!r}"
        )

    def stop(self) -> None:
        """End the process and its children at once."""
        self._finalizer()

    def _died(self) -> EngineFailureError:
        try:
            status: int | str = self._process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            status = "unknown: it closed its output but runs on"
        return EngineFailureError("died", f"worker {self.name} ended with status {status}{self._said()}")

    def _said(self) -> str:
        """The last of what the worker wrote to stderr."""
        last = " | ".join(line for line in list(self._errors)[-4:] if line)
        return f"; it said: {last[-600:]}" if last else ""


def _read_lines(stream: IO[str], lines: queue.Queue[str | None]) -> None:
    with contextlib.suppress(ValueError):  # closed under the reader
        for line in stream:
            lines.put(line.strip())
    lines.put(None)


def _keep_lines(stream: IO[str], kept: deque[str]) -> None:
    with contextlib.suppress(ValueError):
        for line in stream:
            kept.append(" ".join(line.split()))


def _end(process: subprocess.Popen[str], readers: Sequence[threading.Thread]) -> None:
    if hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.wait()
    for reader in readers:
        reader.join(_GRACE)
    for stream in (process.stdin, process.stdout, process.stderr):
        assert stream is not None, "all three are pipes"
        with contextlib.suppress(OSError):  # what was not yet sent has nobody to go to
            stream.close()
