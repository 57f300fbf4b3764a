"""Sound devices through `sounddevice`: which there are, choosing one, testing both ends."""

from __future__ import annotations

import contextlib
import time
from typing import Any

import numpy as np
from rich.table import Table

from ..live.voice_activity import QUIETEST, level
from .line import AudioLine
from .streams import formats, one_line, opened

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
    try:
        found = len(sounddevice.query_devices())
    except sounddevice.PortAudioError as error:
        raise ValueError(f"the sound of this computer is set up wrongly ({one_line(error)}); {FILE_MODE}") from None
    if not found:
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
        fitting = [int(wanted)] if int(wanted) in able else []
    else:
        fitting = [index for index in able if wanted.lower() in devices[index]["name"].lower()]
    if len(fitting) != 1:
        what = "no" if not fitting else f"{len(fitting)}"
        raise ValueError(f"{what} {way} device fits {wanted!r}: choose a number of agent talk --list-devices")
    return fitting[0]


def tones(rate: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Two soft tones, float32 `[rate]`: a second."""
    seconds = np.arange(rate) / rate
    halves = np.where(seconds < 0.5, TONE_HZ[0], TONE_HZ[1])
    return (0.1 * np.sin(2 * np.pi * halves * seconds) * np.sin(np.pi * seconds)).astype(np.float32)


def check_devices(module: Any, chosen: tuple[int | None, int | None]) -> str:
    """Play tones, listen for three seconds, and say how loud the microphone was."""
    form = formats(module, chosen)
    line = AudioLine(form.rate, out_rate=form.out_rate)
    loudest = QUIETEST
    with contextlib.closing(opened(module, line, chosen, form, lambda: None)) as streams:
        line.playback.room = form.out_rate
        line.playback.put(tones(form.out_rate))
        until = time.monotonic() + TEST_S
        while time.monotonic() < until:
            time.sleep(0.1)
            heard, _ = line.receive()
            loudest = max(loudest, level(heard)) if len(heard) else loudest
        delay = 1e3 * streams.latency
    verdict = "the microphone hears" if loudest > HEARD else "the microphone is silent: check its switch and its volume"
    rates = f"{form.rate} Hz" if form.rate == form.out_rate else f"{form.rate} Hz in, {form.out_rate} Hz out"
    return f"{rates}, latency {delay:.0f} ms, loudest {loudest:.0f} dBFS: {verdict}"
