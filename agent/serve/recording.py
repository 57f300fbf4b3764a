"""Conversations on disk, when asked for: two-channel FLAC and word times, in the layout that `agent tokenize` reads.

Channel 0 is the agent, channel 1 the user. Beside `NAME.flac` lies `NAME.json` with moshi-finetune's `alignments` and
what else is known; `data.jsonl` lists the conversations that ended. One that goes on lies in `NAME.pieces`, see
`recording_pieces`. Only the recorder's own thread writes.
"""

from __future__ import annotations

import datetime
import logging
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np

from corpus.audio import FRAME_SAMPLES, FRAME_SECONDS, SAMPLE_RATE, Samples
from corpus.manifest import MAIN_SPEAKER, MANIFEST, USER_SPEAKER

from .recording_pieces import PRIVATE, SUFFIX, RecordingPieces, Row, join_what_was_left

PIECE = 4 * SAMPLE_RATE  # samples written at once: a kill loses no more
log = logging.getLogger("agent.serve.recording")


class Words:
    """Pieces of text as words with times: a piece that begins with a space begins a word."""

    def __init__(self, speaker: str) -> None:
        self.speaker = speaker
        self.rows: list[Row] = []
        self.settled = 0  # rows that were handed on

    def add(self, piece: str, at: float) -> None:
        """A piece heard at this time, in seconds."""
        if not piece.strip():
            return
        end = round(at + FRAME_SECONDS, 4)
        if self.rows and not piece.startswith(" "):
            word, (start, _), _ = self.rows[-1]
            self.rows[-1] = (word + piece, (start, end), self.speaker)
        else:
            self.rows.append((piece.strip(), (round(at, 4), end), self.speaker))

    def new(self, last: bool) -> list[Row]:
        """The words since the last call; the newest may still grow and stays, unless it is the `last` call."""
        upto = max(self.settled, len(self.rows) - (not last))
        rows, self.settled = self.rows[self.settled : upto], upto
        return rows


class RecordedConversation:
    """One conversation. Calls return at once; the user's clock is the time of both channels."""

    def __init__(self, recorder: Recorder, name: str, bound_ms: float, facts: Mapping[str, object]) -> None:
        self.recorder, self.name, self.facts = recorder, name, dict(facts)
        self.slack = round(bound_ms * SAMPLE_RATE / 1e3) + FRAME_SAMPLES  # a longer delay means frames were left out
        self.channels: tuple[list[Samples], list[Samples]] = ([], [])
        self.lengths = [0, 0]  # samples taken in
        self.written = 0
        self.words = (Words(MAIN_SPEAKER), Words(USER_SPEAKER))

    def hear(self, samples: Samples) -> None:
        """Sound of the user, float32 `[T]`."""
        self._add(1, samples)

    def say(self, samples: Samples, text: str, user_text: str) -> None:
        """A frame of the agent, and the pieces of text that came with it."""
        if (late := self.lengths[1] - self.lengths[0]) > self.slack:
            self._add(0, np.zeros(late - FRAME_SAMPLES, np.float32))
        at = self.lengths[0] / SAMPLE_RATE
        self._add(0, samples)
        self.words[0].add(text, at)
        self.words[1].add(user_text, at)

    def close(self) -> None:
        """The conversation has ended."""
        for channel in (0, 1):
            self._add(channel, np.zeros(max(self.lengths) - self.lengths[channel], np.float32))
        self._flush(self.lengths[0] - self.written, last=True)
        self.recorder.submit_end(self.name)

    def _add(self, channel: int, samples: Samples) -> None:
        self.channels[channel].append(samples)
        self.lengths[channel] += len(samples)
        ready = min(self.lengths) - self.written
        if ready >= PIECE:
            self._flush(ready)

    def _flush(self, count: int, last: bool = False) -> None:
        if not count:
            return
        sides = [np.concatenate(channel) for channel in self.channels]
        self.channels = ([sides[0][count:]], [sides[1][count:]])
        facts = {} if self.written else self.facts
        self.written += count
        audio, rows = np.stack([side[:count] for side in sides], axis=1), [r for w in self.words for r in w.new(last)]
        self.recorder.submit_piece(self.name, audio, rows, facts)


class Recorder:
    """Writes the recordings of a server into one folder."""

    def __init__(self, folder: Path) -> None:
        """Join what a killed recorder left. Raises ValueError if the folder cannot be written to."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / MANIFEST).touch(PRIVATE)
            self.joined = join_what_was_left(folder)
        except OSError as error:
            raise ValueError(f"--record {folder} cannot be written to: {error.strerror}") from None
        self.folder = folder
        self._thread = ThreadPoolExecutor(1, "agent-recorder")
        self._pieces: dict[str, RecordingPieces] = {}

    def begin(self, id: str, bound_ms: float, facts: Mapping[str, object]) -> RecordedConversation:
        """A recording of the conversation `id`, named by the time in UTC."""
        now = datetime.datetime.now(datetime.timezone.utc)
        safe = "".join(letter if letter.isalnum() else "_" for letter in id)
        name = f"{now:%Y%m%dT%H%M%S}.{now.microsecond:06d}-{safe}"
        return RecordedConversation(self, name, bound_ms, {**facts, "began": now.isoformat(timespec="milliseconds")})

    def submit_piece(self, name: str, audio: Samples, rows: list[Row], facts: Mapping[str, object]) -> None:
        """Append float32 `[T, 2]` and its words to a recording; the first piece brings what is known of it."""
        self._thread.submit(self._append, name, audio, rows, facts).add_done_callback(_report)

    def submit_end(self, name: str) -> None:
        """Finish a recording."""
        self._thread.submit(self._end, name).add_done_callback(_report)

    def close(self) -> None:
        """Wait until everything is on disk."""
        self._thread.shutdown()

    def _append(self, name: str, audio: Samples, rows: list[Row], facts: Mapping[str, object]) -> None:
        if name not in self._pieces:
            self._pieces[name] = RecordingPieces(self.folder / f"{name}{SUFFIX}")
            self._pieces[name].begin(facts)
        self._pieces[name].add(audio, rows)

    def _end(self, name: str) -> None:
        if name in self._pieces:  # else nobody said a thing
            self._pieces.pop(name).join()


def _report(done: Future[None]) -> None:
    if (error := done.exception()) is not None:
        log.error("a recording could not be written: %s", error)
