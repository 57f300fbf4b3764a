"""Conversations on disk, when asked for: two-channel FLAC and word times, in the layout that `agent tokenize` reads.

Channel 0 is the agent, channel 1 the user. Beside `NAME.flac` lies `NAME.json` with moshi-finetune's `alignments` and
what else is known; `data.jsonl` lists the conversations that ended. Only the recorder's own thread writes.
"""

from __future__ import annotations

import datetime
import json
import logging
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import soundfile  # type: ignore[import-untyped]

from corpus.audio import FRAME_SAMPLES, FRAME_SECONDS, SAMPLE_RATE, Samples, to_seconds
from corpus.durable import write_synced
from corpus.manifest import MAIN_SPEAKER, MANIFEST, USER_SPEAKER

Row = tuple[str, tuple[float, float], str]  # word, start and end in seconds, speaker
BLOCK = SAMPLE_RATE  # samples written at once
PRIVATE = 0o600  # mode of the files: what people said is nobody else's
log = logging.getLogger("agent.serve.recording")


class Words:
    """Pieces of text as words with times: a piece that begins with a space begins a word."""

    def __init__(self, speaker: str) -> None:
        self.speaker = speaker
        self.rows: list[Row] = []

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
        self._flush(self.lengths[0] - self.written)
        rows = sorted([*self.words[0].rows, *self.words[1].rows], key=lambda row: row[1])
        content = {"alignments": rows, **self.facts, "duration": to_seconds(self.written)}
        self.recorder.submit_end(self.name, content)

    def _add(self, channel: int, samples: Samples) -> None:
        self.channels[channel].append(samples)
        self.lengths[channel] += len(samples)
        ready = min(self.lengths) - self.written
        if ready >= BLOCK:
            self._flush(ready)

    def _flush(self, count: int) -> None:
        if not count:
            return
        sides = [np.concatenate(channel) for channel in self.channels]
        self.channels = ([sides[0][count:]], [sides[1][count:]])
        self.written += count
        self.recorder.submit_audio(self.name, np.stack([side[:count] for side in sides], axis=1))


class Recorder:
    """Writes the recordings of a server into one folder."""

    def __init__(self, folder: Path) -> None:
        """Raises ValueError if the folder cannot be written to."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / MANIFEST).touch(PRIVATE)
        except OSError as error:
            raise ValueError(f"--record {folder} cannot be written to: {error.strerror}") from None
        self.folder = folder
        self._thread = ThreadPoolExecutor(1, "agent-recorder")
        self._files: dict[str, soundfile.SoundFile] = {}

    def begin(self, id: str, bound_ms: float, facts: Mapping[str, object]) -> RecordedConversation:
        """A recording of the conversation `id`, named by the time in UTC."""
        now = datetime.datetime.now(datetime.timezone.utc)
        safe = "".join(letter if letter.isalnum() else "_" for letter in id)
        name = f"{now:%Y%m%dT%H%M%S}.{now.microsecond:06d}-{safe}"
        return RecordedConversation(self, name, bound_ms, {**facts, "began": now.isoformat(timespec="milliseconds")})

    def submit_audio(self, name: str, audio: Samples) -> None:
        """Append float32 `[T, 2]` to a recording."""
        self._thread.submit(self._append, name, audio).add_done_callback(_report)

    def submit_end(self, name: str, content: Mapping[str, object]) -> None:
        """Finish a recording with the content of its word file."""
        self._thread.submit(self._end, name, content).add_done_callback(_report)

    def close(self) -> None:
        """Wait until everything is on disk."""
        self._thread.shutdown()

    def _append(self, name: str, audio: Samples) -> None:
        if name not in self._files:
            path = self.folder / f"{name}.flac"
            path.touch(PRIVATE)
            self._files[name] = soundfile.SoundFile(str(path), "w", SAMPLE_RATE, 2, subtype="PCM_16", format="FLAC")
        self._files[name].write(audio)

    def _end(self, name: str, content: Mapping[str, object]) -> None:
        if name not in self._files:  # nobody said a thing
            return
        self._files.pop(name).close()
        (self.folder / f"{name}.json").touch(PRIVATE)
        write_synced(self.folder / f"{name}.json", (json.dumps(content, ensure_ascii=False) + "\n").encode())
        line = json.dumps({"path": f"{name}.flac", "duration": content["duration"]})
        with (self.folder / MANIFEST).open("a", encoding="utf-8") as manifest:
            manifest.write(line + "\n")


def _report(done: Future[None]) -> None:
    if (error := done.exception()) is not None:
        log.error("a recording could not be written: %s", error)
