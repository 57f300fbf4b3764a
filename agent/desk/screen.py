"""The terminal while talking: level meters of both sides, the transcript, lag and frame time."""

from __future__ import annotations

from types import TracebackType

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from .talk import DeskTalk, TextPiece

BAR = 30  # characters of a full meter
LOWEST = -60.0  # dBFS of an empty one
SHOWN = 40  # pieces of text looked back
STYLES = {"agent": "cyan", "user": "green"}


class Screen:
    """A view redrawn a few times a second; `with Screen() as screen: screen.show(talk)`."""

    def __init__(self, console: Console | None = None) -> None:
        self._live = Live(console=console, refresh_per_second=10, transient=False)

    def __enter__(self) -> Screen:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def show(self, talk: DeskTalk) -> None:
        """Draw the newest."""
        self._live.update(view(talk))


def view(talk: DeskTalk) -> Group:
    """What the terminal shows of a conversation."""
    meters = Table.grid(padding=(0, 1))
    for side, decibels in zip(("agent", "user"), talk.levels, strict=True):
        meters.add_row(Text(side, STYLES[side]), meter(decibels, STYLES[side]), f"{decibels:5.0f} dBFS")
    counters, session = talk.session.counters, talk.session
    dropped = counters.dropped_silent + counters.dropped_speech
    status = f"lag {session.lag_ms:3.0f} ms   delay {session.delay_ms:3.0f} ms   frame {talk.frame_ms:5.1f} ms   "
    status += f"{session.total_s:.0f} s" + (f"   {dropped} frames dropped" if dropped else "")
    told = [Text(talk.notice, "bold yellow")] if talk.notice else []
    return Group(meters, Text(status, "dim"), *told, transcript(talk.pieces))


def meter(decibels: float, style: str) -> Text:
    """A bar of a level in dBFS."""
    filled = round(BAR * min(max(1 - decibels / LOWEST, 0.0), 1.0))
    return Text("█" * filled, style).append("░" * (BAR - filled), "dim")


def transcript(pieces: list[TextPiece]) -> Text:
    """The last words of both sides, a line for every change of speaker."""
    text, speaker = Text(), ""
    for piece in pieces[-SHOWN:]:
        if piece.speaker != speaker:
            text.append(f"\n{piece.speaker}:", STYLES[piece.speaker])
            speaker = piece.speaker
        text.append(piece.text)
    return text
