"""What a long job shows while it runs, and the table of figures at its end."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from ..report.format import MEASURE_NAMES, amount, band, duration, number, printable
from ..report.stats import CorpusStats

WINDOW = 120.0  # s of wall time that the speed is measured over
PLAIN_INTERVAL = 10.0  # s between lines where no terminal can redraw
BAR_WIDTH = 60  # columns at most
VOICES_LISTED = 8


class CorpusProgress:
    """Hours done of hours asked, speed over the last minutes, time left, rejects, shards.

    On a terminal a bar redraws in place; elsewhere one plain line is printed about every ten seconds of work and one at
    the end. Use as a context manager.

    Args:
        hours: hours of recording the job shall reach.
        start_hours: hours that were there before it began; they do not count towards the speed.
        silent: print nothing.
        console: where to print; standard output if None.
        clock: seconds that only rise.
    """

    def __init__(
        self,
        hours: float,
        *,
        start_hours: float = 0.0,
        silent: bool = False,
        console: Console | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.hours = hours
        self.done = start_hours
        self.dialogues = 0
        self.shards = 0
        self.rejects = 0
        self.last_reject = ""
        self._console = console or Console()
        self._clock = clock
        self._between = _separator(self._console.encoding)
        self._readings: deque[tuple[float, float]] = deque([(clock(), start_hours)])  # (s, hours done)
        self._said_at = clock()
        self._silent = silent
        self._live: Live | None = None
        if not silent and self._console.is_terminal:
            self._live = Live(get_renderable=self._drawn, console=self._console, refresh_per_second=4, transient=True)

    def __enter__(self) -> CorpusProgress:
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._live.stop()
        if not self._silent:
            self._say()
            if self.rejects:
                self._console.print(Text(f"The last was rejected for: {printable(self.last_reject)}"), soft_wrap=True)

    def dialogue(self, seconds: float) -> None:
        """One more dialogue of this many seconds is done."""
        self.dialogues += 1
        self.done += seconds / 3600
        now = self._clock()
        self._readings.append((now, self.done))
        while len(self._readings) > 2 and self._readings[1][0] <= now - WINDOW:
            self._readings.popleft()
        self._say_in_time()

    def reject(self, reason: str) -> None:
        """One dialogue was thrown away; `reason` is told at the end if it stays the last."""
        self.rejects += 1
        self.last_reject = reason
        self._say_in_time()

    def shard(self) -> None:
        """One more shard is published."""
        self.shards += 1
        self._say_in_time()

    @property
    def speed(self) -> float | None:
        """Hours of recording per hour of wall time over the last two minutes; None before the first dialogue."""
        began, done = self._readings[0]
        elapsed = self._clock() - began
        return (self.done - done) * 3600 / elapsed if self.dialogues and elapsed > 0 else None

    @property
    def seconds_left(self) -> float | None:
        """Wall time to the hours asked for, at the present speed; None while that is unknown."""
        speed = self.speed
        return max(self.hours - self.done, 0.0) * 3600 / speed if speed else None

    def line(self) -> str:
        """All of it in one line."""
        left, speed = self.seconds_left, self.speed
        parts = [
            f"{number(self.done, 2)} of {number(self.hours, 2)} h",
            f"{number(self.dialogues)} dialogue{'' if self.dialogues == 1 else 's'}",
            f"{number(speed, 1)}x real time" if speed else "",
            f"{duration(left)} left" if left and left >= 1 else "",
            f"{number(self.shards)} shard{'' if self.shards == 1 else 's'}" if self.shards else "",
            f"{number(self.rejects)} rejected" if self.rejects else "",
        ]
        return self._between.join(part for part in parts if part)

    def _drawn(self) -> Table:
        share = min(self.done / self.hours, 1.0) if self.hours > 0 else 1.0
        width = max(min(self._console.width, BAR_WIDTH), 1)
        bar = ProgressBar(total=1.0, completed=share, width=width)
        rows = Table.grid()  # a bar alone does not end its line
        rows.add_row(bar)
        rows.add_row(Text(self.line(), no_wrap=True, overflow="ellipsis"))
        return rows

    def _say_in_time(self) -> None:
        if not self._silent and not self._live and self._clock() - self._said_at >= PLAIN_INTERVAL:
            self._say()

    def _say(self) -> None:
        self._said_at = self._clock()
        self._console.print(Text(self.line()), soft_wrap=True)


def summary_table(stats: CorpusStats, report: Path | None = None, *, speed: float | None = None) -> Table:
    """The figures of a corpus for a terminal.

    Args:
        stats: what was counted.
        report: where the report page lies, when there is one.
        speed: hours of recording per hour of wall time, when known.
    """
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value, note in _totals(stats):
        table.add_row(name, value, Text(note))
    if speed is not None:
        table.add_row("Speed", f"{number(speed, 1)}x", Text("hours of recording per hour"))
    for measure in stats.measures:
        verdict = {True: Text("in", "green"), False: Text("out", "red"), None: Text("")}[measure.inside]
        target = Text(f"target {band(measure)}, ") if measure.band and measure.value is not None else Text("")
        table.add_row(MEASURE_NAMES[measure.name], amount(measure.value, measure.unit), target + verdict)
    for name, counts in _listed(stats).items():
        if counts:
            table.add_row(name, "", Text(", ".join(counts)))
    if report is not None:
        table.add_row("Report", "", Text(str(report), "bold"))
    return table


def _totals(stats: CorpusStats) -> list[tuple[str, str, str]]:
    origin = [f"recipe {stats.recipe}" if stats.recipe else "", f"engine {stats.engine}", f"timing {stats.preset}"]
    return [
        (
            "Hours",
            number(stats.hours, 2),
            ", ".join(printable(part) for part in [*origin, f"seed {stats.seed}"] if part),
        ),
        ("Dialogues", number(stats.dialogues), ""),
        ("Turns", number(stats.turns), ""),
        ("Words", number(stats.words), ""),
    ]


def _listed(stats: CorpusStats) -> dict[str, list[str]]:
    """Counts that are told in one line each."""
    words = max(stats.words, 1)
    voices = [f"{printable(use.voice.id)} ({use.voice.kind})" for use in stats.voices[:VOICES_LISTED]]
    if len(stats.voices) > VOICES_LISTED:
        voices.append(f"and {number(len(stats.voices) - VOICES_LISTED)} more")
    return {
        "Word times": [f"{name} {number(100 * count / words, 1)} %" for name, count in stats.word_sources.items()],
        "Events": [f"{name} {number(count)}" for name, count in stats.events.items()],
        "Questions": [f"{printable(name)} {number(count)}" for name, count in stats.questions.items()],
        "Voices": voices,
    }


def _separator(encoding: str) -> str:
    """What stands between the parts of a line: a dot where the terminal can show one."""
    try:
        " · ".encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return " | "
    return " · "
