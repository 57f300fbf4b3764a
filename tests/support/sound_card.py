"""A stand-in for the module `sounddevice`: devices that can be unplugged, hang, change their rate and be plugged in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from corpus.audio import Samples


class PortAudioError(Exception):
    """As of `sounddevice`."""


@dataclass
class Port:
    """One side of one device."""

    name: str
    way: str  # "input" or "output"
    rates: tuple[int, ...]
    channels: tuple[int, ...] = (1, 2)
    plugged: bool = True


@dataclass
class FakeStream:
    """A stream; `run` is what the driver's thread does."""

    card: SoundCard
    ports: list[Port]
    settings: dict[str, Any]
    active: bool = False
    latency: float = 0.01

    def start(self) -> None:
        if self.card.refuses_both and len(self.ports) == 2:
            raise PortAudioError("Illegal combination of I/O devices\n[PaErrorCode -9993]")
        self.active = True

    def close(self) -> None:
        self.active = False
        self.card.streams.remove(self)

    def run(self, heard: Samples | None, count: int) -> Samples | None:
        """A block: what the microphone hears; what the loudspeaker plays `[count, channels]`."""
        callback, channels = self.settings["callback"], self.settings["channels"]
        ways = [port.way for port in self.ports]
        channels = channels if isinstance(channels, tuple) else (channels, channels)
        out = np.full((count, channels[1]), np.nan, np.float32)
        indata = None if heard is None else np.repeat(heard[:, None], channels[0], axis=1)
        if ways == ["input"]:
            callback(indata, count, None, None)
        elif ways == ["output"]:
            callback(out, count, None, None)
        else:
            callback(indata, out, count, None, None)
        return out if "output" in ways else None


@dataclass
class SoundCard:
    """The module."""

    ports: list[Port]
    refuses_both: bool = False
    broken: str = ""
    streams: list[FakeStream] = field(default_factory=list)
    PortAudioError = PortAudioError
    starts: int = 1
    known: list[Port] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._initialize()

    def _terminate(self) -> None:
        self.known = []

    def _initialize(self) -> None:
        self.starts += 1
        self.known = [port for port in self.ports if port.plugged]

    def query_devices(self, device: int | None = None, way: str | None = None) -> Any:
        if self.broken:
            raise PortAudioError(self.broken)
        if way is None:
            return [self._facts(port) for port in self.known]
        return self._facts(self._port(device, way))

    def check_input_settings(self, **settings: Any) -> None:
        self._check("input", **settings)

    def check_output_settings(self, **settings: Any) -> None:
        self._check("output", **settings)

    def Stream(self, *, device: tuple[int | None, int | None], **settings: Any) -> FakeStream:  # noqa: N802
        return self._opened([self._port(device[0], "input"), self._port(device[1], "output")], settings)

    def InputStream(self, *, device: int | None, **settings: Any) -> FakeStream:  # noqa: N802
        return self._opened([self._port(device, "input")], settings)

    def OutputStream(self, *, device: int | None, **settings: Any) -> FakeStream:  # noqa: N802
        return self._opened([self._port(device, "output")], settings)

    def play(self, seconds: float, hear: Callable[[int], Samples]) -> list[Samples]:
        """What is played in a time in which the microphone hears `hear(n)`; nothing happens on a dead device."""
        played = []
        for stream in list(self.streams):
            if not (stream.active and all(port.plugged for port in stream.ports)):
                continue
            count = round(seconds * stream.settings["samplerate"])
            heard = hear(count) if any(port.way == "input" for port in stream.ports) else None
            out = stream.run(heard, count)
            played += [] if out is None else [out]
        return played

    def _opened(self, ports: list[Port], settings: dict[str, Any]) -> FakeStream:
        for port in ports:
            if settings["samplerate"] not in port.rates:
                raise PortAudioError("Invalid sample rate")
        self.streams.append(FakeStream(self, ports, settings))
        return self.streams[-1]

    def _port(self, device: int | None, way: str) -> Port:
        found = [port for port in self.known if port.way == way] if device is None else [self.known[device]]
        if not found or found[0].way != way or not found[0].plugged:
            raise PortAudioError(f"Error querying device {device}")
        return found[0]

    def _check(self, way: str, *, device: int | None, channels: int, samplerate: int) -> None:
        port = self._port(device, way)
        if samplerate not in port.rates or channels not in port.channels:
            raise PortAudioError("Invalid sample rate [PaErrorCode -9997]")

    def _facts(self, port: Port) -> dict[str, Any]:
        ways = {f"max_{way}_channels": max(port.channels) * (port.way == way) for way in ("input", "output")}
        return {"name": port.name, "default_samplerate": float(port.rates[-1]), **ways}
