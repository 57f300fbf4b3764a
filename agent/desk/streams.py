"""Streams of a microphone and a loudspeaker: one for both ways where they share a rate, else two at their own."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from corpus.audio import SAMPLE_RATE, Samples

from .line import AudioLine

RATES = (SAMPLE_RATE, 48_000, 44_100, 16_000, 8_000)  # Hz, tried in this order behind a device's own
CHANNELS = (1, 2)
Chosen = tuple[int | None, int | None]  # microphone and loudspeaker, None for the default


@dataclass(frozen=True)
class StreamFormat:
    """What the two devices take."""

    rate: int  # Hz, of the microphone
    channels: int
    out_rate: int
    out_channels: int


class Streams:
    """One stream or two that run."""

    def __init__(self, opened: list[Any]) -> None:
        self.opened = opened

    @property
    def active(self) -> bool:
        """Whether the driver has not given up."""
        return all(stream.active for stream in self.opened)

    @property
    def latency(self) -> float:
        """Seconds of both ways together."""
        return float(sum(np.sum(stream.latency) for stream in self.opened))

    def close(self) -> None:
        """Close them; a device that is gone may complain, which nobody hears."""
        for stream in self.opened:
            with contextlib.suppress(Exception):  # PortAudio raises whatever its backend came to
                stream.close()


def formats(module: Any, chosen: Chosen) -> StreamFormat:
    """A rate and channels of each device, the same rate if they share one.

    Raises:
        ValueError: a device is gone, or takes no usual rate; one line.
    """
    ways = [_able(module, device, way) for device, way in zip(chosen, ("input", "output"), strict=True)]
    shared = [rate for rate in ways[0] if rate in ways[1]]
    rates = (shared[0], shared[0]) if shared else (next(iter(ways[0])), next(iter(ways[1])))
    return StreamFormat(rates[0], ways[0][rates[0]], rates[1], ways[1][rates[1]])


def opened(
    module: Any, line: AudioLine, chosen: Chosen, form: StreamFormat, beat: Callable[[], None], split: bool = False
) -> Streams:
    """Running streams that exchange sound with a line, which is tuned to them.

    Args:
        module: `sounddevice`.
        line: nobody else's.
        chosen: the devices.
        form: what they take, see `formats`.
        beat: called whenever the microphone hands something over.
        split: two streams even at the same rate.

    Raises:
        ValueError: they cannot be opened; one line.
    """
    line.tune(form.rate, form.out_rate)

    def hear(indata: Any, _frames: int, _time: Any, _status: Any) -> None:
        beat()
        line.hear(_mono(indata))

    def give(outdata: Any, frames: int, _time: Any, _status: Any) -> None:
        outdata[:] = line.give(frames)[:, None]

    def both(indata: Any, outdata: Any, _frames: int, _time: Any, _status: Any) -> None:
        beat()
        outdata[:] = line.exchange(_mono(indata))[:, None]

    common = {"dtype": "float32", "latency": "low"}
    plans: list[Callable[[], Any]]
    if form.rate == form.out_rate and not split:
        channels = (form.channels, form.out_channels)
        plans = [lambda: module.Stream(samplerate=form.rate, device=chosen, channels=channels, callback=both, **common)]
    else:
        mine = {"samplerate": form.rate, "device": chosen[0], "channels": form.channels}
        theirs = {"samplerate": form.out_rate, "device": chosen[1], "channels": form.out_channels}
        plans = [
            lambda: module.InputStream(callback=hear, **mine, **common),
            lambda: module.OutputStream(callback=give, **theirs, **common),
        ]
    streams = Streams([])
    try:
        for plan in plans:
            streams.opened.append(plan())
            streams.opened[-1].start()
    except module.PortAudioError as error:
        streams.close()
        if len(plans) == 1:  # two devices of different kinds have no common clock
            return opened(module, line, chosen, form, beat, split=True)
        raise ValueError(f"cannot open the sound devices: {one_line(error)}; see agent talk --list-devices") from None
    return streams


def one_line(error: Exception) -> str:
    """What PortAudio says, in one line."""
    return " ".join(str(error).split())


def _able(module: Any, device: int | None, way: str) -> dict[int, int]:
    """The rates that a device takes, the best first, each with the fewest channels."""
    name = "microphone" if way == "input" else "loudspeaker"
    try:
        facts = module.query_devices(device, way)
        own = round(facts["default_samplerate"])
    except (module.PortAudioError, ValueError, TypeError, KeyError):
        raise ValueError(f"there is no {name}: choose one with --{way}-device, see agent talk --list-devices") from None
    check = getattr(module, f"check_{way}_settings")
    found: dict[int, int] = {}
    for rate in (SAMPLE_RATE, own, *RATES):
        for channels in CHANNELS:
            with contextlib.suppress(module.PortAudioError, ValueError):
                check(device=device, channels=channels, samplerate=rate)
                found.setdefault(rate, channels)
                break
    if not found:
        raise ValueError(
            f"the {name} takes no usual rate: choose another with --{way}-device, see agent talk --list-devices"
        )
    return found


def _mono(indata: Any) -> Samples:
    """Float32 `[n, channels]` as `[n]`."""
    samples: Samples = indata[:, 0] if indata.shape[1] == 1 else indata.mean(axis=1)
    return samples
