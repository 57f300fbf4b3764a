"""Writes that survive a kill or a power cut: synced files, atomic replacement, hard links, a full disk told clearly."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import IO, BinaryIO

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_NO_LINKS = {errno.EPERM, errno.EXDEV, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS}
_CHUNK = 1 << 20  # bytes read at once when hashing


class DiskFullError(ValueError):
    """The disk, quota or file size limit was reached. Nothing half-written is left behind."""


@contextlib.contextmanager
def disk_full_told(directory: Path) -> Iterator[None]:
    """Turn a full disk into a `DiskFullError` that says what to do; other errors pass."""
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise DiskFullError(
            f"disk full while writing to {directory}: free space and run the same command again to resume"
        ) from error


def ensure_space(directory: str | Path, bytes_needed: int) -> None:
    """Raise ValueError unless the disk that holds (or will hold) `directory` has `bytes_needed` bytes free."""
    place = Path(directory).absolute()
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    if free < bytes_needed:
        raise ValueError(
            f"{directory} needs {bytes_needed / 1e9:.2f} GB and {free / 1e9:.2f} GB are free: "
            "free space, ask for fewer hours or choose another --out"
        )


def sync_directory(directory: Path) -> None:
    """Force a directory's entries to disk."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_file(file: IO[bytes] | IO[str]) -> None:
    """Force to disk what was written to an open file."""
    file.flush()
    os.fsync(file.fileno())


@contextlib.contextmanager
def synced_file(path: Path) -> Iterator[BinaryIO]:
    """A new file to write to, on disk when the block ends; on any error the half file is removed."""
    try:
        with disk_full_told(path.parent), path.open("wb") as file:
            yield file
            sync_file(file)
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def write_synced(path: Path, data: bytes) -> None:
    """Write a new file and force it to disk; on any error the half file is removed."""
    with synced_file(path) as file:
        file.write(data)


def publish(made: Path, target: Path) -> None:
    """Give a file or folder that is whole and synced its name, in place of an old file or empty folder."""
    os.replace(made, target)
    sync_directory(target.parent)


def replace_synced(path: Path, data: bytes, scratch: Path) -> None:
    """Replace a file's content at once: readers see the old bytes or the new ones. `scratch` is on the same disk."""
    temporary = scratch / f"{path.name}.tmp"
    write_synced(temporary, data)
    publish(temporary, path)


def link_or_copy(source: Path, target: Path) -> None:
    """Give a file a second name, or copy it where the file system knows no hard links."""
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        with disk_full_told(target.parent), source.open("rb") as reader, target.open("wb") as writer:
            shutil.copyfileobj(reader, writer)
            sync_file(writer)


def remove(path: Path) -> None:
    """Remove a file, link or whole directory; one that is absent is fine."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_CHUNK):
            digest.update(block)
    return digest.hexdigest()


@contextlib.contextmanager
def replacing(path: Path, shared: bool = False) -> Iterator[Path]:
    """A path to write a new version of a file at: in the file's place, whole and on the disk, once the block ends.

    On any error the half file is removed and the old version stays; one that a kill left is overwritten by the next.
    The file gets the mode of the umask, whoever writes it.

    Args:
        path: of the file; its folder is made if missing.
        shared: several processes may write it at once: each writes a file of its own, the last one's stays; those
            that killed processes left are removed.

    Raises:
        DiskFullError: there is no room.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.part" if shared else f".{path.name}.part")
    for left in path.parent.glob(f".{path.name}.*.part") if shared else ():
        if not _lives(left.name.split(".")[-2]):
            left.unlink(missing_ok=True)
    try:
        with disk_full_told(path.parent):
            partial.unlink(missing_ok=True)
            partial.touch()
            mode = partial.stat().st_mode & 0o777
            yield partial
            partial.chmod(mode)
            with partial.open("rb") as file:
                os.fsync(file.fileno())
            publish(partial, path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def _lives(process: str) -> bool:
    """Whether a process of this number runs here, whoever's it is."""
    try:
        os.kill(int(process), 0)
    except (ProcessLookupError, OverflowError, ValueError):
        return False
    except PermissionError:
        return True
    return True


def replace_text(path: Path, text: str) -> None:
    """Replace a text file at once, as `replacing` does."""
    with replacing(path) as partial:
        partial.write_text(text, encoding="utf-8")
