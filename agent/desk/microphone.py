"""Sound devices through `sounddevice`: which there are, choosing one, testing both ends, a full-duplex stream."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
from rich.table import Table

from ..live.voice_activity import QUIETEST, level
from .line import AudioLine

FILE_MODE = "talk on files instead: agent talk --input user.wav --output both.wav"
TEST_S, TONE_HZ = 3.0, (440.0, 660.0)
HEARD = -55.0  # dBFS from which a microphone is taken to work


def sound() -> Any:
    """The module `sounddevice`. Raises ValueError where it, PortAudio or any device is missing."""
    try:
        import sounddevice  # type: ignore[import-untyped]
    except ImportError:
        raise ValueError(f"no sound here: pip install 'duologue[talk]', or {FILE_MODE}") from None
    except OSError:
        raise ValueError(f"no sound here: install PortAudio (Debian: libportaudio2), or {FILE_MODE}") from None
    if not len(sounddevice.query_devices()):
        raise ValueError(f"there is no sound device here; {FILE_MODE}")
    return sounddevice


def device_table(devices: list[dict[str, Any]], defaults: tuple[int, int]) -> Table:
    """The devices as a table; the defaults of input and output are marked."""
    table = Table("", "device", "in", "out", "rate", box=None)
    for index, device in enumerate(devices):
        marks = ("<" if index == defaults[0] else "") + (">" if index == defaults[1] else "")
        ways = (str(device["max_input_channels"]), str(device["max_output_channels"]))
        table.add_row(f"{index} {marks}".strip(), device["name"], *ways, f"{device['default_samplerate']:.0f}")
    return table


def pick_device(devices: list[dict[str, Any]], wanted: str | None, way: str) -> int | None:
    """The device of a number or of part of a name, None for the default.

    Args:
        devices: as of `sounddevice.query_devices`.
        wanted: what the user asked for.
        way: "input" or "output".

    Raises:
        ValueError: none or several fit, or it has no channels this way.
    """
    if wanted is None:
        return None
    able = [index for index, device in enumerate(devices) if device[f"max_{way}_channels"] > 0]
    if wanted.isdigit():
        found = [int(wanted)] if int(wanted) in able else []
    else:
        found = [index for index in able if wanted.lower() in devices[index]["name"].lower()]
    if len(found) != 1:
        what = "no" if not found else f"{len(found)}"
        raise ValueError(f"{what} {way} device fits {wanted!r}: choose a number of agent talk --list-devices")
    return found[0]


def common_rate(module: Any, chosen: tuple[int | None, int | None]) -> int:
    """A sample rate in Hz both devices take: 24 kHz if they do, else the output's own or a usual one."""
    own = round(module.query_devices(chosen[1], "output")["default_samplerate"])
    for rate in (24_000, 48_000, own, 44_100):
        with contextlib.suppress(module.PortAudioError):
            module.check_input_settings(device=chosen[0], channels=1, samplerate=rate)
            module.check_output_settings(device=chosen[1], channels=1, samplerate=rate)
            return rate
    raise ValueError("the two devices share no sample rate: choose others with --input-device and --output-device")


@contextlib.contextmanager
def stream(module: Any, line: AudioLine, chosen: tuple[int | None, int | None], rate: int) -> Iterator[Any]:
    """A running full-duplex stream that exchanges sound with a line; gives the stream."""

    def callback(indata: Any, outdata: Any, _frames: int, _time: Any, _status: Any) -> None:
        outdata[:, 0] = line.exchange(indata[:, 0])

    try:
        opened = module.Stream(
            samplerate=rate, device=chosen, channels=1, dtype="float32", latency="low", callback=callback
        )
    except module.PortAudioError as error:
        raise ValueError(f"cannot open the sound devices: {error}; see agent talk --list-devices") from None
    with opened:
        yield opened


def tones(rate: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Two soft tones, float32 `[rate]`: a second."""
    seconds = np.arange(rate) / rate
    halves = np.where(seconds < 0.5, TONE_HZ[0], TONE_HZ[1])
    return (0.1 * np.sin(2 * np.pi * halves * seconds) * np.sin(np.pi * seconds)).astype(np.float32)


def check_devices(module: Any, chosen: tuple[int | None, int | None]) -> str:
    """Play tones, listen for three seconds, and say how loud the microphone was."""
    rate = common_rate(module, chosen)
    line = AudioLine(rate)
    loudest = QUIETEST
    with stream(module, line, chosen, rate) as opened:
        line.playback.room = rate
        line.playback.put(tones(rate))
        until = time.monotonic() + TEST_S
        while time.monotonic() < until:
            time.sleep(0.1)
            heard, _ = line.receive()
            loudest = max(loudest, level(heard)) if len(heard) else loudest
        delay = 1e3 * sum(opened.latency)
    verdict = "the microphone hears" if loudest > HEARD else "the microphone is silent: check its switch and its volume"
    return f"{rate} Hz, latency {delay:.0f} ms, loudest {loudest:.0f} dBFS: {verdict}"
