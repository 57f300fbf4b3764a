"""Raw PCM16 at `/ws/pcm`, for small devices and the browser page.

Both ways, binary messages are PCM16, mono, 24 kHz: of any length from the client, 1920 samples from the server. Text
messages are JSON. The server's:

    {"queue": {"place": 1, "wait_s": 12.5}}               all sessions are taken
    {"session": {"id", "model", "resume", "resumed", "recorded", "sample_rate", "frame_samples", "controls"}}
    {"text": " hello"}   {"user_text": " hi"}             what the agent says, what it took the user to say
    {"speech": "started", "at_ms": 1200.0}                the user started or stopped speaking
    {"stats": {"lag_ms", "frame_ms", "dropped"}}          with every frame, if the query has stats=1
    {"controls": {...}}   {"pong": ...}                   answers
    {"error": "..."}   {"end": "why"}

The client's: `{"controls": {"hold": true}}`, `{"ping": anything}`, `{"clear": true}`, `{"end": true}`. The query may
have any control by its name, `stats`, `resume` and a token.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from corpus.audio import FRAME_SAMPLES, SAMPLE_RATE

from ...live.controls import Controls
from ...live.frame_out import FrameOut
from ...live.voice_activity import SpeechEvent
from ..access import TOKEN_PARAMETERS
from .wire import (
    End,
    Forget,
    Input,
    Message,
    Opening,
    ServerFacts,
    Status,
    ToClient,
    UserSound,
    change_controls,
    controls_from,
    parse_object,
    pcm_of,
    samples_of,
)

LONGEST_PING = 200  # characters sent back


class PcmWire:
    """The translator of one connection."""

    resumable = True
    fills_silence = False

    def __init__(self, query: Mapping[str, str]) -> None:
        """Raises ValueError for a parameter that is unknown or malformed."""
        known = {*Controls.model_fields, *TOKEN_PARAMETERS, "resume", "stats"}
        if unknown := sorted(set(query) - known):
            raise ValueError(f"there is no parameter {unknown[0][:40]!r}; valid: {', '.join(sorted(known))}")
        self.controls = controls_from(query)
        self.stats = query.get("stats", "0") not in ("", "0", "false")

    @classmethod
    def connect(cls, query: Mapping[str, str], headers: Mapping[str, str], host: ServerFacts) -> PcmWire:
        """The wire of a request; raises ValueError like the constructor."""
        return cls(query)

    def receive(self, message: Message) -> list[Input]:
        """See `Wire`."""
        if isinstance(message, bytes):
            return [UserSound(samples_of(message))]
        content, inputs = parse_object(message), list[Input]()
        for name, value in content.items():
            if name == "controls":
                self.controls = change_controls(self.controls, value)
                inputs.append(ToClient(_json(controls=vars(self.controls))))
            elif name == "ping":
                inputs.append(ToClient(_json(pong=value if len(_json(_=value)) <= LONGEST_PING else None)))
            elif name == "clear":
                inputs.append(Forget())
            elif name == "end":
                inputs.append(End())
            else:
                raise ValueError(f"there is no message {name[:40]!r}; valid: controls, ping, clear, end")
        return inputs

    def waiting(self, place: int, seconds: float) -> list[Message]:
        """See `Wire`."""
        return [_json(queue={"place": place, "wait_s": round(seconds, 1)})]

    def opened(self, opening: Opening) -> list[Message]:
        """See `Wire`."""
        audio = {"sample_rate": SAMPLE_RATE, "frame_samples": FRAME_SAMPLES}
        return [_json(session={**vars(opening), **audio, "controls": vars(self.controls)})]

    def frame(self, out: FrameOut, status: Status) -> list[Message]:
        """See `Wire`."""
        messages: list[Message] = [pcm_of(out.audio)]
        if out.text:
            messages.append(_json(text=out.text))
        if out.user_text:
            messages.append(_json(user_text=out.user_text))
        if self.stats:
            numbers = {"lag_ms": round(status.lag_ms, 1), "frame_ms": round(status.frame_ms, 2)}
            messages.append(_json(stats={**numbers, "dropped": status.dropped}))
        return messages

    def speech(self, event: SpeechEvent) -> list[Message]:
        """See `Wire`."""
        return [_json(speech=event.kind, at_ms=event.at_ms)]

    def failed(self, error: ValueError) -> list[Message]:
        """See `Wire`."""
        return [_json(error=str(error))]

    def closing(self, reason: str) -> list[Message]:
        """See `Wire`."""
        return [_json(end=reason)]


def _json(**content: object) -> str:
    return json.dumps(content, ensure_ascii=False)
