"""The agent: an answer to a recording, or a conversation frame by frame."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile  # type: ignore[import-untyped]

from agent.files.bundle import Bundle, load_bundle
from agent.live.batch import Batch
from agent.live.controls import Controls
from agent.live.frame_out import FrameOut
from agent.live.runtime import Runtime
from agent.offline.converse import converse
from agent.offline.users import Provoker
from corpus.audio import SAMPLE_RATE, Samples, read_mono, resample
from corpus.interleave import TimedWord
from corpus.record import AGENT_CHANNEL, USER_CHANNEL

from .words import SpokenWord

ROOM_DBFS = -65.0  # noise of the room in which the agent is listened to after the recording
MOST_STREAMS = 64  # conversations at once


@dataclass(frozen=True)
class Reply:
    """What the agent made of a recording, both sides on one clock."""

    audio: Samples  # float32 [2, T] at 24 kHz: channel 0 the agent, 1 the user
    words: tuple[SpokenWord, ...]  # of both sides by start time; the user's as the model heard them
    sample_rate: int = SAMPLE_RATE

    @property
    def sound(self) -> Samples:
        """The agent alone, float32 `[T]`."""
        return np.asarray(self.audio[AGENT_CHANNEL])

    @property
    def text(self) -> str:
        """What the agent said."""
        return self._said(AGENT_CHANNEL)

    @property
    def heard(self) -> str:
        """What the agent understood; empty for a model that does not write it down."""
        return self._said(USER_CHANNEL)

    def save(self, path: str | Path) -> Path:
        """Write both sides to a .wav or .flac file of two channels, and return its path."""
        target = Path(path)
        if target.suffix.lower() not in (".wav", ".flac"):
            raise ValueError(f"{target}: name a .wav or .flac file")
        soundfile.write(str(target), np.clip(self.audio.T, -1.0, 1.0), self.sample_rate, subtype="PCM_16")
        return target

    def _said(self, channel: int) -> str:
        return " ".join(word.text for word in self.words if word.channel == channel)


class AgentStream:
    """A conversation that goes on by a frame of 80 ms at a time; to be closed, or used as a context."""

    def __init__(self, batch: Batch, controls: Controls) -> None:
        self._batch, self._slot = batch, batch.open(controls)

    def step(self, frame: npt.NDArray[Any]) -> FrameOut:
        """What the agent answers to the user's next frame, float `[1920]` at 24 kHz.

        `.audio` is float32 `[1920]`, `.text` the piece it says in this frame, `.user_text` the piece that it heard.
        Raises ValueError for another shape and after `close`.
        """
        return self._batch.step({self._slot: np.asarray(frame, np.float32)})[self._slot]

    def close(self) -> None:
        """End the conversation."""
        self._batch.close(self._slot)

    def __enter__(self) -> AgentStream:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Agent:
    """A full-duplex model with its codec and its vocabulary (`bundle`, see `agent.files.bundle`)."""

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        self._batches: dict[Runtime, Batch] = {}

    @classmethod
    def load(cls, name: str | Path = "laptop", *, codec: str | Path | None = None, device: str = "cpu") -> Agent:
        """A shipped model by name, or a folder that `agent train` wrote or Kyutai published.

        Raises ValueError when there is none, or its parts do not fit each other.
        """
        return cls(load_bundle(name, codec=codec, device=device))

    def reply(
        self,
        question: str | Path | npt.NDArray[Any],
        *,
        sample_rate: int = SAMPLE_RATE,
        wait: float = 6.0,
        seed: int = 0,
    ) -> Reply:
        """Let the agent hear a recording, and listen to it for `wait` seconds more.

        Args:
            question: an audio file, its channels mixed, or a wave float `[T]`.
            sample_rate: Hz, of a wave that is given.
            wait: seconds of quiet after the question.
            seed: of the sampling noise: the same one gives the same answer.

        Raises:
            ValueError: an unreadable file, a wave of another shape, or a model without a voice.
        """
        wave = read_mono(question) if isinstance(question, str | Path) else _mono(question, sample_rate)
        user = Provoker(wave, len(wave) / SAMPLE_RATE + wait, None, ROOM_DBFS)
        (talk,) = converse(self.bundle, [user], seeds=[seed])
        vocabulary = self.bundle.vocabulary
        words = _spoken(talk.words(vocabulary), "agent", AGENT_CHANNEL)
        words += _spoken(talk.user_words(vocabulary), "user", USER_CHANNEL)
        return Reply(np.stack([talk.agent, talk.user]), tuple(sorted(words, key=lambda word: (word.start, word.end))))

    def stream(self, controls: Controls | None = None, runtime: Runtime = "fast") -> AgentStream:
        """Begin a conversation that is fed frame by frame, as many at once as 64.

        Args:
            controls: temperatures, biases and the seed; Moshi's defaults if None.
            runtime: "fast" is the quickest way on the device at hand and needs the extra `onnx`; its first use prepares
                the codec for some twenty seconds. "torch" takes the modules as they are.
        """
        if runtime not in self._batches:
            self._batches[runtime] = Batch(self.bundle, MOST_STREAMS, runtime)
        return AgentStream(self._batches[runtime], controls or Controls())

    def __repr__(self) -> str:
        parameters = sum(weights.numel() for weights in self.bundle.model.state_dict().values()) / 1e6
        codebooks = self.bundle.model.config.agent_codebooks
        return f"<agent {self.bundle.name}: {parameters:.1f} M parameters, speaks in {codebooks} codebooks>"


def _mono(wave: npt.NDArray[Any], sample_rate: int) -> Samples:
    sound = np.asarray(wave, np.float32)
    if sound.ndim != 1 or not np.isfinite(sound).all():
        raise ValueError(f"a question must be a wave of finite numbers [T], got {list(sound.shape)}")
    return resample(sound, sample_rate, SAMPLE_RATE)


def _spoken(words: list[TimedWord], speaker: str, channel: int) -> list[SpokenWord]:
    return [SpokenWord(word.text, word.start, word.end, speaker, channel) for word in words]
