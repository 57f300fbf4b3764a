"""A stored dialogue played beside its transcript, by a sound device or a program on PATH."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path

import soundfile  # type: ignore[import-untyped]
from rich.console import Console
from rich.text import Text

from corpus.audio import SAMPLE_RATE, Samples
from corpus.record import AGENT_CHANNEL, USER_CHANNEL, Dialogue, Turn
from corpus.store import Corpus

from .format import clock, printable

CHANNELS = {"agent": AGENT_CHANNEL, "user": USER_CHANNEL}
SOUNDDEVICE = "sounddevice"
PROGRAMS: dict[str, Sequence[str]] = {  # name on PATH -> its arguments before the file's
    "ffplay": ("-nodisp", "-autoexit", "-loglevel", "error"),
    "mpv": ("--no-video", "--really-quiet"),
    "pw-play": (),
    "paplay": (),
    "aplay": ("-q",),
    "afplay": (),
    "play": ("-q",),
}
POLL = 0.05  # s between looks at the clock while playing
STYLES = {"agent": "blue", "user": "yellow"}


class Player(ABC):
    """A recording that is being played; leaving the `with` block stops it."""

    @property
    @abstractmethod
    def active(self) -> bool:
        """Whether sound is still to come."""

    @abstractmethod
    def stop(self) -> None:
        """Stop playing and free what was held."""

    def __enter__(self) -> Player:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class DevicePlayback(Player):
    """Plays audio `[C, T]` through the default output device of `sounddevice`."""

    def __init__(self, audio: Samples) -> None:
        import sounddevice  # type: ignore[import-untyped]

        self._device = sounddevice
        try:
            sounddevice.play(audio.T, SAMPLE_RATE)
        except sounddevice.PortAudioError as error:
            raise ValueError(f"the sound device does not play 24 kHz ({error}): choose a program as --player") from None

    @property
    def active(self) -> bool:
        """Whether the device's stream still runs."""
        return bool(self._device.get_stream().active)

    def stop(self) -> None:
        """Stop the device."""
        self._device.stop()


class ProgramPlayback(Player):
    """Plays audio `[C, T]` with an external program, from a WAV file that is removed afterwards."""

    def __init__(self, program: str, audio: Samples) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="synth-listen-")
        file = Path(self._folder.name) / "dialogue.wav"
        soundfile.write(str(file), audio.T, SAMPLE_RATE, subtype="PCM_16")
        self.command = [program, *PROGRAMS.get(Path(program).name, ()), str(file)]
        self._process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

    @property
    def active(self) -> bool:
        """Whether the program still runs."""
        return self._process.poll() is None

    def stop(self) -> None:
        """End the program and remove its file."""
        if self.active:
            self._process.terminate()
        self._process.wait()
        self._folder.cleanup()


def listen(
    corpus_dir: str | Path,
    id: str,
    channel: str | None = None,
    player: str | None = None,
    *,
    console: Console | None = None,
) -> None:
    """Play a dialogue and print each turn as it begins. Returns when the recording has ended.

    Args:
        corpus_dir: a corpus as `corpus.store` keeps it.
        id: the dialogue.
        channel: "agent" or "user" to hear one alone; both, left and right, if None.
        player: "sounddevice" or a program on PATH; the first that works if None.
        console: where the transcript goes; standard output if None.

    Raises:
        ValueError: no such dialogue or channel, or nothing that can play it.
    """
    if channel is not None and channel not in CHANNELS:
        raise ValueError(f"unknown channel {channel!r}: choose agent or user")
    corpus = Corpus(corpus_dir)
    dialogue = corpus.get(id)
    start = choose_player(player, corpus.audio_path(dialogue))
    audio = corpus.audio(dialogue)
    if channel is not None:
        audio = audio[CHANNELS[channel]][None]
    with start(audio) as playback:
        _follow(dialogue, channel, playback, console or Console())


def choose_player(name: str | None, recording: Path) -> Callable[[Samples], Player]:
    """What starts playing audio `[C, T]`: the player named, else the first that is there.

    Raises:
        ValueError: none is there; the message gives the file's path.
    """
    if name == SOUNDDEVICE or (name is None and _has_output_device()):
        if not _has_output_device():
            raise ValueError(f"sounddevice finds no output device: play {recording} with another --player")
        return DevicePlayback
    program = next(filter(None, map(shutil.which, [name] if name else PROGRAMS)), None)
    if program is None:
        missing = f"{name!r} is not on PATH" if name else f"no audio output: neither a device nor {', '.join(PROGRAMS)}"
        raise ValueError(f"{missing}; the recording is {recording}")
    return lambda audio: ProgramPlayback(program, audio)


def _has_output_device() -> bool:
    try:
        import sounddevice

        return bool(sounddevice.query_devices(kind="output"))
    except (ImportError, OSError, ValueError):  # not installed, no PortAudio library
        return False
    except sounddevice.PortAudioError:  # no device
        return False


def _follow(dialogue: Dialogue, channel: str | None, playback: Player, console: Console) -> None:
    """Print each turn when the recording reaches it, or at once when playing has ended."""
    began = time.monotonic()
    spoken = [(turn.start, turn) for turn in dialogue.turns if turn.start is not None]
    for start, turn in sorted(spoken, key=lambda pair: (pair[0], pair[1].index)):
        if channel is not None and dialogue.channel(turn) != CHANNELS[channel]:
            continue
        while playback.active and time.monotonic() - began < start:
            time.sleep(POLL)
        console.print(transcript_line(turn, start))
    while playback.active:
        time.sleep(POLL)


def transcript_line(turn: Turn, start: float) -> Text:
    """One turn for a terminal: when, who, what; cut words struck through, the event named."""
    words = turn.written_words
    spoken, cut = words[: turn.cut_word], words[turn.cut_word :] if turn.cut_word else []
    line = Text(f"{clock(start):>8}  ", "dim")
    line.append(f"{printable(turn.speaker):<6} ", f"not dim {STYLES.get(turn.speaker, 'cyan')}")
    line.append(printable(" ".join(spoken)), "not dim")
    if cut:
        line.append(" " + printable(" ".join(cut)), "strike")
    if turn.event != "turn":
        line.append(f"  [{turn.event}]")
    return line
