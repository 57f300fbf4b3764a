"""One writer to a corpus: an exclusive lock that the kernel drops when its holder dies."""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path

# A POSIX lock does not keep its own process out and goes when any handle of the file is closed: note what is held.
_held: set[tuple[int, int]] = set()


class FileLock:
    """Exclusive lock on a file. Forked workers do not inherit it, so it ends with the process that took it."""

    def __init__(self, path: Path, guarded: Path) -> None:
        """`guarded` is what the lock stands for, named in the error."""
        self.path = path
        self.guarded = guarded
        self._handle: int | None = None

    def acquire(self) -> None:
        """Take the lock at once, or raise ValueError saying who holds it."""
        assert self._handle is None, "already locked"
        handle: int | None = None
        while handle is None:
            if self._key_on_disk() in _held:
                raise ValueError(f"{self.guarded} is already open for writing in this process: close it first")
            handle = self._try_lock()
        os.ftruncate(handle, 0)
        os.write(handle, f"pid {os.getpid()}\n".encode())
        self._handle = handle
        _held.add(_key(os.fstat(handle)))

    def release(self) -> None:
        """Drop the lock and remove its file, and its folder where nothing else is in it; without a lock, do nothing."""
        if self._handle is not None:
            self.path.unlink(missing_ok=True)
            with contextlib.suppress(OSError):
                self.path.parent.rmdir()
            _held.discard(_key(os.fstat(self._handle)))
            os.close(self._handle)
            self._handle = None

    def _try_lock(self) -> int | None:
        """A locked handle, or None when the last holder removed the file between our open and our lock."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.read(handle, 32).decode("ascii", "replace").strip()
            os.close(handle)
            raise ValueError(
                f"{self.guarded} is being written by another process ({holder or 'unknown'}): wait for it or stop it"
            ) from None
        if _key(os.fstat(handle)) == self._key_on_disk():
            return handle
        os.close(handle)
        return None

    def _key_on_disk(self) -> tuple[int, int] | None:
        with contextlib.suppress(FileNotFoundError):
            return _key(self.path.stat())
        return None


def _key(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino
