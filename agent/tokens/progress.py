"""What `agent tokenize` shows: hours done, speed and time left, and a table at the end."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from corpus.audio import FRAME_RATE

from .shards import TokenManifest

LINE_SECONDS = 10.0  # between lines where no terminal can redraw


class TokenProgress:
    """A bar on a terminal, a line now and then elsewhere. Use as a context manager."""

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` gives seconds that only rise."""
        self._console, self._clock = console, clock
        self._started: tuple[float, float] | None = None  # (clock, seconds of sound done before)
        self._said = clock()
        self._bar: Progress | None = None
        if console.is_terminal:
            columns = (BarColumn(), TextColumn("{task.description}"), TimeRemainingColumn())
            self._bar = Progress(*columns, console=console, speed_estimate_period=120.0, transient=True)
            self._task = self._bar.add_task("", total=None)

    def __enter__(self) -> TokenProgress:
        if self._bar:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar:
            self._bar.stop()

    def advance(self, done: float, total: float) -> None:
        """So many seconds of sound are done, of so many."""
        now = self._clock()
        if self._started is None:
            self._started = (now, done)
        begun, before = self._started
        speed = (done - before) / max(now - begun, 1e-9)
        line = f"{done / 3600:.2f} of {total / 3600:.2f} h"
        if done > before:
            line += f"  {speed:.0f}x real time"
        if self._bar:
            self._bar.update(self._task, completed=done, total=total, description=line)
        elif now - self._said >= LINE_SECONDS:
            self._said = now
            left = timedelta(seconds=round((total - done) / speed)) if speed else "unknown"
            self._console.print(f"{line}  left {left}")


def summary(folder: Path, manifest: TokenManifest) -> Table:
    """What a folder of tokens holds, as a table."""
    text, codec = manifest.text, manifest.codec
    tokens = max(1, text.placed + text.lost)
    moved = f"{text.moved / tokens:.1%} moved, at most {text.furthest} frames" if text.moved else "none moved"
    table = Table(title=str(folder), box=None, show_header=False, title_justify="left")
    table.add_row("dialogues", f"{manifest.dialogues}, {manifest.frames / FRAME_RATE / 3600:.2f} h")
    table.add_row("codec", f"{codec.name}, {codec.codebooks} codebooks of {codec.codebook_size}")
    table.add_row("variants of the user", str(manifest.variants))
    table.add_row("vocabulary", f"{manifest.vocabulary.size} ids")
    table.add_row("words", f"{text.words} in {text.placed} tokens, {moved}, {text.lost} lost at the end")
    return table
