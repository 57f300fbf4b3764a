"""What every wire has in common: inputs, the protocol class, PCM16, and controls given as query parameters."""

from __future__ import annotations

import json
import math
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from corpus.audio import Samples

from ...live.controls import Controls
from ...live.frame_out import FrameOut
from ...live.partner import About
from ...live.voice_activity import SpeechEvent
from ...live.wishes import Wish

Message = bytes | str  # binary or text, as WebSockets have them
FULL_SCALE = 32768.0
RANDOM_SEEDS = 2**31
RECORDED = "This conversation is recorded."


@dataclass(frozen=True)
class UserSound:
    """Sound of the user, float32 `[T]` at 24 kHz."""

    samples: Samples


@dataclass(frozen=True)
class ToClient:
    """A message to the client, at once."""

    message: Message


@dataclass(frozen=True)
class Forget:
    """Sound that was sent and not yet heard shall not be heard."""


@dataclass(frozen=True)
class Ask:
    """A wish for the partner."""

    wish: Wish


@dataclass(frozen=True)
class End:
    """The client ends the conversation."""


Input = UserSound | ToClient | Forget | Ask | End


@dataclass(frozen=True)
class Opening:
    """A conversation that begins, or goes on after its line was lost."""

    id: str
    model: str
    resume: str  # the token that restores it when the line is lost
    resumed: bool
    recorded: bool


@dataclass(frozen=True)
class Status:
    """How a conversation runs."""

    lag_ms: float
    frame_ms: float  # of the model's last step
    dropped: int  # frames in all


@dataclass(frozen=True)
class ServerFacts:
    """What a wire may tell about the server."""

    model: str
    sessions: int
    about: About = field(default_factory=About)  # whom clients talk to


class Wire(Protocol):
    """One connection's translator. Messages from the client that make no sense raise ValueError with one clear line."""

    fills_silence: bool  # clients may stop sending: what they do not send is silence
    resumable: bool  # the client knows how to come back: its session is kept for a while when the line breaks

    @property
    def controls(self) -> Controls:
        """Those that hold now; any of the methods may change them."""
        ...

    def receive(self, message: Message) -> list[Input]:
        """What a message of the client asks for."""
        ...

    def waiting(self, place: int, seconds: float) -> list[Message]:
        """All sessions are taken: the client's place in the queue, from 1, and the time it will take."""
        ...

    def opened(self, opening: Opening) -> list[Message]:
        """The client may talk. Says that the conversation is recorded, if it is."""
        ...

    def frame(self, out: FrameOut, status: Status) -> list[Message]:
        """80 ms of the agent."""
        ...

    def speech(self, event: SpeechEvent) -> list[Message]:
        """The user started or stopped speaking."""
        ...

    def failed(self, error: ValueError) -> list[Message]:
        """Something the client sent was not understood, or cannot be done (`RefusedError`)."""
        ...

    def closing(self, reason: str) -> list[Message]:
        """The last messages; the reason also goes into the closing handshake."""
        ...


def samples_of(pcm: bytes) -> Samples:
    """PCM16, little-endian and mono, as float32 `[T]`. Raises ValueError for half a sample."""
    if len(pcm) % 2:
        raise ValueError(f"PCM16 has two bytes a sample, got {len(pcm)} bytes")
    return np.frombuffer(pcm, "<i2").astype(np.float32) / np.float32(FULL_SCALE)


def pcm_of(samples: Samples) -> bytes:
    """Float samples `[T]` as PCM16, clipped at full scale."""
    scaled = np.clip(np.rint(samples * FULL_SCALE), -FULL_SCALE, FULL_SCALE - 1)
    return bytes(scaled.astype("<i2"))


def parse_object(text: str | bytes) -> dict[str, object]:
    """A JSON object; anything else raises ValueError, numbers that are not finite included."""
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
    except RecursionError:
        raise ValueError("a message is nested too deeply") from None
    except ValueError as error:
        raise ValueError(f"a message is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise ValueError("a message must be a JSON object")
    return value


def change_controls(controls: Controls, values: object) -> Controls:
    """Controls with the values of a JSON object, such as `{"hold": true}`; raises ValueError for unknown ones."""
    if not isinstance(values, dict):
        raise ValueError("controls must be a JSON object of names and values")
    names = list(Controls.model_fields)
    if unknown := [name for name in values if name not in names]:
        raise ValueError(f"there is no control {unknown[0][:40]!r}; valid: {', '.join(names)}")
    return controls.changed(**values)


def controls_from(query: Mapping[str, str], names: Mapping[str, str] | None = None) -> Controls:
    """Controls from query parameters.

    Args:
        query: parameters; those that name no control are passed over.
        names: further names of controls, such as `text_topk`; later ones give way to earlier ones.

    Raises:
        ValueError: a value that is no number, or out of range. A negative seed asks for a random one.
    """
    kinds = {name: getattr(field.annotation, "__name__", "") for name, field in Controls.model_fields.items()}
    values: dict[str, object] = {}
    for parameter, name in {**{name: name for name in kinds}, **(names or {})}.items():
        if parameter in query and name not in values:
            values[name] = _value(parameter, query[parameter], kinds[name])
    if isinstance(seed := values.get("seed"), int) and seed < 0:
        values["seed"] = secrets.randbelow(RANDOM_SEEDS)
    return Controls().changed(**values)


def _value(parameter: str, text: str, kind: str) -> object:
    if kind == "bool":
        if text.lower() in ("true", "1", "false", "0"):
            return text.lower() in ("true", "1")
        raise ValueError(f"{parameter} must be true or false, got {text[:40]!r}")
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number) or (kind == "int" and number != int(number)):
        raise ValueError(f"{parameter} must be a {'whole ' * (kind == 'int')}number, got {text[:40]!r}")
    return int(text) if kind == "int" and text.lstrip("+-").isdecimal() else int(number) if kind == "int" else number


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is no JSON number")
