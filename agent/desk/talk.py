"""Talking to one session over a line: from a sound device, or from a file in real time or as fast as it goes."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import soundfile  # type: ignore[import-untyped]

from corpus.audio import FRAME_SAMPLES, FRAME_SECONDS, SAMPLE_RATE, Samples
from corpus.durable import replace_text

from ..live.controls import Controls
from ..live.partner import Partner
from ..live.runner import Runner
from ..live.scheduler import Scheduler
from ..live.ticket import Ticket
from ..live.voice_activity import QUIETEST, level
from .device import Device
from .line import AudioLine


@dataclass(frozen=True)
class TextPiece:
    """A piece of text when it was said or understood."""

    at: float  # seconds of the user's sound
    speaker: Literal["agent", "user"]
    text: str


class StreamClock:
    """A clock that goes with the sound: it is turned by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """Seconds."""
        return self.now


class BothSides:
    """A two-channel recording being written, channel 0 the agent, channel 1 the user; None writes nothing."""

    def __init__(self, path: Path | None) -> None:
        """Open a .wav or .flac file. What cannot be written raises ValueError."""
        self._file = None
        self._left = self._right = np.zeros(0, np.float32)
        if path is not None:
            try:
                self._file = soundfile.SoundFile(str(path), "w", SAMPLE_RATE, 2, subtype="PCM_16")
            except (soundfile.LibsndfileError, OSError, TypeError, ValueError) as error:
                raise ValueError(f"cannot write {path}, use a .wav or .flac name: {error}") from None

    def add(self, agent: Samples, user: Samples) -> None:
        """Append float32 of both; they may come unevenly."""
        if self._file is None:
            return
        self._left, self._right = np.concatenate([self._left, agent]), np.concatenate([self._right, user])
        count = min(len(self._left), len(self._right))
        self._file.write(np.clip(np.stack([self._left[:count], self._right[:count]], axis=1), -1, 1))
        self._left, self._right = self._left[count:], self._right[count:]

    def close(self) -> None:
        """Finish the file."""
        if self._file is not None:
            self._file.close()


class DeskTalk:
    """One conversation over one line; `serve` is to be called often, and never computes."""

    def __init__(self, line: AudioLine, ticket: Ticket, record: BothSides) -> None:
        assert ticket.session is not None
        self.line, self.session, self.record = line, ticket.session, record
        self.pieces: list[TextPiece] = []
        self.levels = (QUIETEST, QUIETEST)  # dBFS of agent and user, of the newest sound
        self.frame_ms = 0.0  # of the newest frame
        self.notice = ""  # what the user should know of the devices

    def tell(self, notice: str) -> None:
        """Show a line until the next one."""
        self.notice = notice

    def serve(self) -> None:
        """Take what the device heard to the session, and the session's answers to the device."""
        heard, played = self.line.receive()
        self.record.add(played, heard)
        if len(heard):
            self.levels = (level(played) if len(played) else QUIETEST, level(heard))
            self.session.push(heard)
        for out in self.session.pull():
            self.line.play(out.audio)
            self.frame_ms = out.ms.total
            at = round(self.session.counters.frames_out * FRAME_SECONDS, 2)
            if out.text:
                self.pieces.append(TextPiece(at, "agent", out.text))
            if out.user_text:
                self.pieces.append(TextPiece(at, "user", out.user_text))

    @property
    def answered(self) -> bool:
        """Whether every frame so far was answered or dropped."""
        counters = self.session.counters
        return counters.frames_in == counters.frames_out + counters.dropped_silent + counters.dropped_speech

    def transcript(self) -> dict[str, Any]:
        """What was said, as JSON-ready values."""
        said = {
            side: "".join(piece.text for piece in self.pieces if piece.speaker == side) for side in ("agent", "user")
        }
        pieces = [asdict(piece) for piece in self.pieces]
        frames = asdict(self.session.counters)
        return {**said, "pieces": pieces, "frames": frames, "seconds": self.session.counters.frames_out * FRAME_SECONDS}


def write_transcript(path: Path, talk: DeskTalk) -> None:
    """Write the transcript as JSON."""
    replace_text(path, json.dumps(talk.transcript(), indent=1, ensure_ascii=False) + "\n")


def talk_to_file(partner: Partner, controls: Controls, user: Samples, record: BothSides) -> DeskTalk:
    """The live loop on float32 `[n]`, as fast as it goes, nothing dropped; the answer to a frame plays in the next."""
    clock, line = StreamClock(), AudioLine(SAMPLE_RATE, cushion_s=0.0)
    scheduler = Scheduler(partner, clock, 1, idle_limit=math.inf, total_limit=math.inf)
    ticket = scheduler.admission.admit(controls)
    talk = DeskTalk(line, ticket, record)
    for block in blocks_of(user):
        clock.now += FRAME_SECONDS
        line.exchange(block)
        talk.serve()
        scheduler.tick()
        talk.serve()
    scheduler.admission.shut_down()
    scheduler.tick()
    return talk


def talk_to_file_live(
    partner: Partner, controls: Controls, user: Samples, record: BothSides, bound_ms: float
) -> DeskTalk:
    """The same in real time, with the runner's thread and the lag bound of a live conversation."""
    scheduler = endless(partner, bound_ms)
    with Runner(scheduler):
        line = AudioLine(SAMPLE_RATE)
        talk = DeskTalk(line, scheduler.admission.admit(controls), record)
        due = time.monotonic()
        for block in blocks_of(user):
            due += FRAME_SECONDS
            while (left := due - time.monotonic()) > 0:
                time.sleep(min(left, FRAME_SECONDS / 4))
                talk.serve()
            line.exchange(block)
            talk.serve()
        while not talk.answered and time.monotonic() < due + 1e-3 * bound_ms:
            time.sleep(FRAME_SECONDS / 8)
            talk.serve()
        talk.serve()
    return talk


def talk_to_device(talk: DeskTalk, device: Device, show: Callable[[DeskTalk], None], ended: Callable[[], bool]) -> None:
    """Serve a line until the session ends, its devices looked after; stop with Ctrl-C."""
    while not ended():
        device.look()
        talk.serve()
        show(talk)
        time.sleep(FRAME_SECONDS / 8)


def endless(partner: Partner, bound_ms: float) -> Scheduler:
    """A scheduler for one conversation without limits, on the wall's clock."""
    return Scheduler(partner, time.monotonic, 1, idle_limit=math.inf, total_limit=math.inf, bound_ms=bound_ms)


def blocks_of(user: Samples) -> list[Samples]:
    """Frames of 1920 samples, the last one filled up with silence."""
    padded = np.pad(user, (0, -len(user) % FRAME_SAMPLES))
    return list(padded.reshape(-1, FRAME_SAMPLES))
