"""OpenAI's Realtime protocol at `/v1/realtime`: JSON events, PCM16 at 24 kHz as base64.

The model talks and listens at once and takes its turns itself. So a response begins when the agent begins to speak and
ends when it has been quiet for a while; sound between responses is not sent. `response.create` urges it to speak now,
`response.cancel` makes it hold until the user speaks again. Controls are `session.duologue.controls` in
`session.update`; `temperature`, as the beta had it, sets that of the text.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping

from ...live.controls import MOST_BIAS, Controls
from ...live.frame_out import FrameOut
from ...live.voice_activity import SpeechEvent
from . import realtime_events as events
from .realtime_events import Event
from .realtime_turns import AgentTurns, UserTurns
from .wire import (
    RECORDED,
    Forget,
    Heard,
    Input,
    Message,
    Opening,
    Reply,
    ServerFacts,
    Status,
    change_controls,
    controls_from,
    parse_object,
    samples_of,
)

URGE = 8.0  # added to EPAD's logit by `response.create`
URGED_FRAMES = 25  # how long, at most
BETA_PROTOCOL = "openai-beta.realtime-v1"


class RealtimeWire:
    """The translator of one connection."""

    resumable = True

    def __init__(self, query: Mapping[str, str], host: ServerFacts, beta: bool = False) -> None:
        """Raises ValueError for a malformed control among the parameters; unknown ones are passed over."""
        self.asked = controls_from(query)  # by the client
        self.host, self.beta = host, beta
        self.id = "sess_new"
        self.extra: Event = {}  # of the session object
        self.sent = 0  # events
        self.cause: str | None = None  # id of the client's last event
        self.agent, self.user = AgentTurns(), UserTurns()
        self.urged = 0  # frames left
        self.cancelled = False
        self.handlers: Mapping[str, Callable[[Event], list[Input]]] = {
            "session.update": self._update,
            "input_audio_buffer.append": self._append,
            "input_audio_buffer.clear": self._clear,
            "input_audio_buffer.commit": self._commit,
            "response.create": self._create,
            "response.cancel": self._cancel,
        }

    @classmethod
    def connect(cls, query: Mapping[str, str], headers: Mapping[str, str], host: ServerFacts) -> RealtimeWire:
        """The wire of a request; the header `OpenAI-Beta` asks for the beta's names."""
        beta = "realtime=v1" in headers.get("OpenAI-Beta", "")
        return cls(query, host, beta or BETA_PROTOCOL in headers.get("Sec-WebSocket-Protocol", ""))

    @property
    def controls(self) -> Controls:
        """What the client asked for, or for the moment what `response.create` and `response.cancel` did."""
        if self.cancelled:
            return self.asked.changed(hold=True)
        if self.urged:
            return self.asked.changed(hold=False, end_pad_bias=min(MOST_BIAS, self.asked.end_pad_bias + URGE))
        return self.asked

    def receive(self, message: Message) -> list[Input]:
        """See `Wire`."""
        if isinstance(message, bytes):
            raise ValueError("events are JSON in text messages, this one was binary")
        event = parse_object(message)
        self.cause = str(event["event_id"])[:200] if "event_id" in event else None
        kind = event.get("type")
        if not isinstance(kind, str) or kind not in self.handlers:
            raise ValueError(f"there is no event {str(kind)[:60]!r} here; valid: {', '.join(self.handlers)}")
        return self.handlers[kind](event)

    def waiting(self, place: int, seconds: float) -> list[Message]:
        """See `Wire`."""
        limit = {"name": "requests", "limit": self.host.sessions, "remaining": 0, "reset_seconds": round(seconds, 1)}
        queue = {"place": place, "wait_s": round(seconds, 1)}
        return self._messages({"type": "rate_limits.updated", "rate_limits": [limit], "queue": queue})

    def opened(self, opening: Opening) -> list[Message]:
        """See `Wire`."""
        self.id = opening.id
        self.extra.update(resume=opening.resume, resumed=opening.resumed, recorded=opening.recorded)
        if opening.recorded:
            self.extra["notice"] = RECORDED
        return self._messages({"type": "session.created", "session": self._session()})

    def frame(self, out: FrameOut, status: Status) -> list[Message]:
        """See `Wire`."""
        found = [*self.user.transcribe(out.user_text), *self.agent.hear(out)]
        self.urged = 0 if self.agent.response else max(0, self.urged - 1)
        return self._messages(*found)

    def speech(self, event: SpeechEvent) -> list[Message]:
        """See `Wire`."""
        self.cancelled = self.cancelled and event.kind != "started"
        return self._messages(*self.user.speech(event))

    def failed(self, reason: str) -> list[Message]:
        """See `Wire`."""
        return self._messages(_error("invalid_request_error", "invalid_event", reason, self.cause))

    def closing(self, reason: str) -> list[Message]:
        """See `Wire`."""
        return self._messages(*self.agent.finish("completed"), _error("session_ended", "session_ended", reason))

    def _update(self, event: Event) -> list[Input]:
        given = event.get("session")
        self.extra["ignored"] = events.check_session_update(given)
        assert isinstance(given, dict)
        controls, extra = self.asked, given.get("duologue", {})
        if given.get("temperature") is not None:
            controls = controls.changed(text_temperature=given["temperature"])
        if not isinstance(extra, dict):
            raise ValueError("session.duologue must be an object")
        self.asked = change_controls(controls, extra.get("controls", {}))
        return self._replies({"type": "session.updated", "session": self._session()})

    def _append(self, event: Event) -> list[Input]:
        audio = event.get("audio")
        if not isinstance(audio, str):
            raise ValueError("input_audio_buffer.append needs `audio`, PCM16 as base64")
        try:
            samples = samples_of(base64.b64decode(audio, validate=True))
        except binascii.Error as error:
            raise ValueError(f"audio is not base64: {error}") from None
        return [Heard(samples)] if len(samples) else []

    def _clear(self, event: Event) -> list[Input]:
        return [Forget(), *self._replies({"type": "input_audio_buffer.cleared"})]

    def _commit(self, event: Event) -> list[Input]:
        return self._replies(*self.user.commit())

    def _create(self, event: Event) -> list[Input]:
        self.cancelled, self.urged = False, URGED_FRAMES
        return []

    def _cancel(self, event: Event) -> list[Input]:
        if self.agent.response is None:
            raise ValueError("there is no response to cancel")
        self.cancelled, self.urged = True, 0
        return self._replies(*self.agent.finish("cancelled"))

    def _session(self) -> Event:
        return events.session(self.host, self.id, {**self.extra, "controls": vars(self.asked)})

    def _replies(self, *found: Event) -> list[Input]:
        return [Reply(message) for message in self._messages(*found)]

    def _messages(self, *found: Event) -> list[Message]:
        messages: list[Message] = []
        for event in found:
            shown = events.beta_event(event) if self.beta else event
            if shown is not None:
                self.sent += 1
                messages.append(json.dumps({"event_id": f"event_{self.sent}", **shown}))
        return messages


def _error(kind: str, code: str, reason: str, cause: str | None = None) -> Event:
    error = {"type": kind, "code": code, "message": reason, "param": None, "event_id": cause}
    return {"type": "error", "error": error}
