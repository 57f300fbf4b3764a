"""Raw PCM16 at `/ws/pcm`, for small devices and the browser page.

Both ways, binary messages are PCM16, mono, 24 kHz: of any length from the client, 1920 samples from the server. Text
messages are JSON. The server's:

    {"queue": {"place": 1, "wait_s": 12.5}}               all sessions are taken
    {"session": {"id", "model", "resume", "resumed", "recorded", "sample_rate", "frame_samples", "controls", "about"}}
    {"text": " hello"}   {"user_text": " hi"}             what the agent says, what it took the user to say
    {"speech": "started", "at_ms": 1200.0}                the user started or stopped speaking
    {"turn": {"side": "agent", "began": 3}}               a turn began, or "ended"; an agent's has a "status" then
    {"words": {"turn": 2, "text": "...", "final": true}}  all of a user's turn so far; it may correct itself
    {"trouble": "..."}                                    something does not work, the talk goes on
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
from ...live.talk_events import AgentBegan, AgentEnded, AgentWrites, TalkEvent, Trouble, UserBegan, UserEnded, UserWords
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

    def __init__(self, query: Mapping[str, str], host: ServerFacts | None = None) -> None:
        """Raises ValueError for a parameter that is unknown or malformed."""
        known = {*Controls.model_fields, *TOKEN_PARAMETERS, "resume", "stats"}
        if unknown := sorted(set(query) - known):
            raise ValueError(f"there is no parameter {unknown[0][:40]!r}; valid: {', '.join(sorted(known))}")
        self.controls = controls_from(query)
        self.about = {} if host is None else vars(host.about)
        self.stats = query.get("stats", "0") not in ("", "0", "false")

    @classmethod
    def connect(cls, query: Mapping[str, str], headers: Mapping[str, str], host: ServerFacts) -> PcmWire:
        """The wire of a request; raises ValueError like the constructor."""
        return cls(query, host)

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
        return [_json(session={**vars(opening), **audio, "controls": vars(self.controls), "about": self.about})]

    def frame(self, out: FrameOut, status: Status) -> list[Message]:
        """See `Wire`."""
        messages: list[Message] = [pcm_of(out.audio)]
        messages += [_json(**told) for event in out.events if (told := _told(event))]
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


def _told(event: TalkEvent) -> dict[str, object]:
    """What a client is told of something that happened, {} for nothing."""
    if isinstance(event, (AgentBegan, UserBegan)):
        return {"turn": {"side": "agent" if isinstance(event, AgentBegan) else "user", "began": event.turn}}
    if isinstance(event, AgentEnded):
        return {"turn": {"side": "agent", "ended": event.turn, "status": event.status}}
    if isinstance(event, UserEnded):
        return {"turn": {"side": "user", "ended": event.turn}}
    if isinstance(event, UserWords):
        return {"words": {"turn": event.turn, "text": event.text, "final": event.final}}
    if isinstance(event, AgentWrites):
        return {"text": event.text}
    return {"trouble": event.text} if isinstance(event, Trouble) else {}


def _json(**content: object) -> str:
    return json.dumps(content, ensure_ascii=False)
