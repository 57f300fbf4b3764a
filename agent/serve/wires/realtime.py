"""OpenAI's Realtime protocol at `/v1/realtime`: JSON events, sound as base64; docs/wires.md has a table of the events.

Whoever is talked to takes its turns itself: a response is a turn of the agent, asked for by `response.create` or not.
What needs a mind is refused without one by `duologue.refused`, which clients pass over; an `error` is for events that
make no sense. Controls are `session.duologue.controls`; `temperature`, as the beta had it, sets that of the text.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from ...live.controls import Controls
from ...live.frame_out import FrameOut
from ...live.talk_events import UserBegan, UserEnded, UserWords
from ...live.voice_activity import SpeechEvent
from ...live.wishes import Cancel, EndTurn, RefusedError, Respond, Truncate, Wish, Write
from . import realtime_events as events
from . import realtime_session as sessions
from .realtime_errors import EventError, error_event, refusal
from .realtime_events import Event
from .realtime_items import Items, decoded
from .realtime_turns import AgentTurns, UserTurns
from .sound_format import SoundIn, SoundOut
from .wire import (
    RECORDED,
    Ask,
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
)

BETA_PROTOCOL = "openai-beta.realtime-v1"


class RealtimeWire:
    """The translator of one connection."""

    resumable = True
    fills_silence = True

    def __init__(self, query: Mapping[str, str], host: ServerFacts, beta: bool = False) -> None:
        """Raises ValueError for a malformed control among the parameters; unknown ones are passed over."""
        self.controls: Controls = controls_from(query)
        self.host, self.beta = host, beta
        self.mind = bool(host.about.mind)
        self.id = "sess_new"
        self.shown = sessions.fresh(host.model, self.mind)
        self.extra: Event = {"about": dict(vars(host.about))}  # of the session object
        self.sent = self.asked = 0  # events, and responses asked for
        self.cause: str | None = None  # id of the client's last event
        self.items = Items()
        self.agent, self.user = AgentTurns(self.items), UserTurns(self.items)
        self.sound_in, self.agent.encode = SoundIn(), SoundOut()
        self.unheard = 0  # samples since the last commit
        self.handlers: Mapping[str, Callable[[Event], list[Input]]] = {
            "session.update": self._update,
            "input_audio_buffer.append": self._append,
            "input_audio_buffer.clear": self._clear,
            "input_audio_buffer.commit": self._commit,
            "output_audio_buffer.clear": self._clear_output,
            "conversation.item.create": self._create_item,
            "conversation.item.retrieve": self._retrieve,
            "conversation.item.delete": self._delete,
            "conversation.item.truncate": self._truncate,
            "response.create": self._respond,
            "response.cancel": self._cancel,
        }

    @classmethod
    def connect(cls, query: Mapping[str, str], headers: Mapping[str, str], host: ServerFacts) -> RealtimeWire:
        """The wire of a request; the header `OpenAI-Beta` asks for the beta's names."""
        beta = "realtime=v1" in headers.get("OpenAI-Beta", "")
        return cls(query, host, beta or BETA_PROTOCOL in headers.get("Sec-WebSocket-Protocol", ""))

    # ---- from the client

    def receive(self, message: Message) -> list[Input]:
        """See `Wire`."""
        if isinstance(message, bytes):
            raise EventError("events are JSON in text messages, this one was binary", "invalid_event")
        event = parse_object(message)
        self.cause = str(event["event_id"])[:200] if "event_id" in event else None
        kind = event.get("type")
        if not isinstance(kind, str) or kind not in self.handlers:
            valid = ", ".join(self.handlers)
            raise EventError(f"there is no event {str(kind)[:60]!r} here; valid: {valid}", "invalid_event", "type")
        return self.handlers[kind](event)

    def _update(self, event: Event) -> list[Input]:
        given, about = event.get("session"), self.host.about
        shown, refused, ignored = sessions.merged(self.shown, given, self.mind, about.voices)
        assert isinstance(given, dict)
        controls, extra = self.controls, given.get("duologue", {})
        if given.get("temperature") is not None:
            controls = change_controls(controls, {"text_temperature": given["temperature"]})
        if not isinstance(extra, dict):
            raise EventError("session.duologue must be an object", "invalid_type", "session.duologue")
        self.controls = change_controls(controls, extra.get("controls", {}))
        before, self.shown, self.extra["ignored"] = self.shown, shown, ignored
        formats = [each["audio"][side]["format"]["type"] for side in ("input", "output") for each in (before, shown)]
        if formats[0] != formats[1]:
            self.sound_in = SoundIn(formats[1])
        if formats[2] != formats[3]:
            self.agent.encode = SoundOut(formats[3])
        self.agent.modality = shown["output_modalities"][0]
        replies = self._replies({"type": "session.updated", "session": self._session()})
        replies += [reply for each in refused for reply in self._replies(refusal(each.message, each.param, self.cause))]
        asked = sessions.settings_of(shown)
        return [*replies, Ask(asked)] if asked != sessions.settings_of(before) else replies

    def _append(self, event: Event) -> list[Input]:
        if "audio" not in event:
            raise EventError("input_audio_buffer.append needs `audio`", "missing_required_parameter", "audio")
        samples = self.sound_in(decoded(event["audio"]))
        self.unheard += len(samples)
        return [UserSound(samples)] if len(samples) else []

    def _clear(self, event: Event) -> list[Input]:
        self.unheard = 0
        return [Forget(), *self._replies({"type": "input_audio_buffer.cleared"})]

    def _commit(self, event: Event) -> list[Input]:
        if not self.unheard and not self.user.open:
            raise EventError("there is no sound to commit: append some first", "input_audio_buffer_commit_empty")
        self.unheard = 0
        return [Ask(EndTurn()), *self._replies(*self.user.commit())]

    def _clear_output(self, event: Event) -> list[Input]:
        response = self.agent.response
        ended: list[Input] = (
            [] if response is None else [Ask(Cancel()), *self._replies(*self.agent.finish("cancelled"))]
        )
        cleared = {"type": "output_audio_buffer.cleared", "response_id": response.id if response else ""}
        return [*ended, *self._replies(cleared)]

    def _create_item(self, event: Event) -> list[Input]:
        item, wishes, sounds = self.items.parse(event)
        if wishes and not self.mind:
            return self._replies(refusal(sessions.NO_MIND, "item", self.cause))
        self.items.add(item)
        heard: list[Input] = [UserSound(samples) for data in sounds if len(samples := self.sound_in(data))]
        ends: list[Input] = [Ask(EndTurn())] if heard else []
        told = [
            *self.items.created("conversation.item.added", item),
            *self.items.created("conversation.item.done", item),
        ]
        return [*(Ask(wish) for wish in wishes), *heard, *ends, *self._replies(*told)]

    def _retrieve(self, event: Event) -> list[Input]:
        _, item = self.items.need(event, "item_retrieve_invalid_item_id")
        return self._replies({"type": "conversation.item.retrieved", "item": item})

    def _delete(self, event: Event) -> list[Input]:
        id, wish = self.items.delete(event)
        forgotten: list[Input] = [Ask(wish)] if self.mind else []
        return [*forgotten, *self._replies({"type": "conversation.item.deleted", "item_id": id})]

    def _truncate(self, event: Event) -> list[Input]:
        id, _ = self.items.need(event, "item_truncate_invalid_item_id")
        heard, (side, turn) = event.get("audio_end_ms"), self.items.turns.get(id, ("", 0))
        if side != "agent":
            raise EventError("only what the agent said can be truncated", "invalid_value", "item_id")
        if isinstance(heard, bool) or not isinstance(heard, (int, float)) or heard < 0:
            raise EventError("audio_end_ms must be a number of milliseconds", "invalid_value", "audio_end_ms")
        told = {"item_id": id, "content_index": event.get("content_index", 0), "audio_end_ms": round(heard)}
        return [Ask(Truncate(turn, float(heard))), *self._replies({"type": "conversation.item.truncated", **told})]

    def _respond(self, event: Event) -> list[Input]:
        if self.agent.response is not None and self.agent.response.wish:
            raise EventError("a response is under way: cancel it first", "conversation_already_has_active_response")
        given = event.get("response") or {}
        if not isinstance(given, dict):
            raise EventError("response must be an object", "invalid_type", "response")
        inputs: list[Input] = []
        instructions, given_items = given.get("instructions"), given.get("input")
        if not self.mind and (instructions or given_items):
            inputs += self._replies(refusal(sessions.NO_MIND, "response", self.cause))
            instructions = given_items = None
        self.asked += 1
        wish = f"wish_{self.asked}"
        speaks = None if "output_modalities" not in given or not self.mind else "audio" in given["output_modalities"]
        asked = Respond(wish, instructions, speaks, given.get("conversation") != "none", self._given(given_items))
        metadata = given.get("metadata") if isinstance(given.get("metadata"), dict) else None
        before = self.agent.finish("interrupted")  # what the agent said unasked gives way
        return [*inputs, Ask(asked), *self._replies(*before, *self.agent.ask(wish, metadata), self._limits())]

    def _given(self, items: Any) -> tuple[Write, ...] | None:
        """The items that a response is to answer instead of the conversation."""
        if items is None:
            return None
        if not isinstance(items, list):
            raise EventError("response.input must be a list of items", "invalid_type", "response.input")
        wishes: list[Wish] = []
        for item in items:
            if isinstance(item, dict) and item.get("type") == "item_reference":
                texts = [part.get("text") or part.get("transcript") for part in self._content(item.get("id"))]
                wishes.append(Write(str(item.get("id")), "user", " ".join(text for text in texts if text)))
            else:
                wishes += self.items.parse({"item": item})[1]
        return tuple(each for each in wishes if isinstance(each, Write))

    def _content(self, id: object) -> list[Event]:
        item = self.items.kept.get(str(id))
        if item is None:
            raise EventError(f"there is no item {str(id)[:60]!r}", "invalid_value", "response.input")
        return list(item.get("content", []))

    def _cancel(self, event: Event) -> list[Input]:
        response, wanted = self.agent.response, event.get("response_id")
        if response is None or wanted not in (None, response.id):
            raise EventError("there is no such response under way", "response_cancel_not_active", "response_id")
        return [Ask(Cancel()), *self._replies(*self.agent.finish("cancelled"))]

    # ---- to the client

    def waiting(self, place: int, seconds: float) -> list[Message]:
        """See `Wire`."""
        queue = {"place": place, "wait_s": round(seconds, 1)}
        return self._messages({**self._limits(0, round(seconds, 1)), "queue": queue})

    def opened(self, opening: Opening) -> list[Message]:
        """See `Wire`."""
        self.id = opening.id
        self.extra.update(resume=opening.resume, resumed=opening.resumed, recorded=opening.recorded)
        if opening.recorded:
            self.extra["notice"] = RECORDED
        return self._messages({"type": "session.created", "session": self._session()})

    def frame(self, out: FrameOut, status: Status) -> list[Message]:
        """See `Wire`."""
        events = self.user.transcribe(out.user_text)
        for event in out.events:
            if isinstance(event, UserBegan):
                events += self.user.started(event.at_ms)
            elif isinstance(event, UserEnded):
                events += self._stopped(event.at_ms)
            elif isinstance(event, UserWords):
                events += self.user.words(event.text, event.final)
        return self._messages(*events, *self.agent.hear(out))

    def speech(self, event: SpeechEvent) -> list[Message]:
        """See `Wire`. Without turn detection the client alone says when a turn begins and ends."""
        if self.shown["audio"]["input"]["turn_detection"] is None:
            return []
        events = self.user.started(event.at_ms) if event.kind == "started" else self._stopped(event.at_ms)
        return self._messages(*events)

    def failed(self, error: ValueError) -> list[Message]:
        """See `Wire`."""
        if isinstance(error, RefusedError):
            return self._messages(refusal(str(error), None, self.cause))
        code, param = (error.code, error.param) if isinstance(error, EventError) else ("invalid_value", None)
        return self._messages(error_event(str(error), code, param, self.cause))

    def closing(self, reason: str) -> list[Message]:
        """See `Wire`."""
        return self._messages(*self.agent.finish("completed"), error_event(reason, "session_ended", None, None))

    def _stopped(self, at_ms: float) -> list[Event]:
        self.unheard = 0
        return self.user.stopped(at_ms) if self.user.open else []

    def _limits(self, remaining: int | None = None, seconds: float = 0.0) -> Event:
        most = self.host.sessions
        limit = {"name": "requests", "limit": most, "remaining": most if remaining is None else remaining}
        return {"type": "rate_limits.updated", "rate_limits": [{**limit, "reset_seconds": seconds}]}

    def _session(self) -> Event:
        return {**self.shown, "id": self.id, "duologue": {**self.extra, "controls": dict(self.controls)}}

    def _replies(self, *events: Event) -> list[Input]:
        return [ToClient(message) for message in self._messages(*events)]

    def _messages(self, *mapped: Event) -> list[Message]:
        messages: list[Message] = []
        for event in mapped:
            shown = events.beta_event(event) if self.beta else event
            if shown is not None:
                self.sent += 1
                messages.append(json.dumps({"event_id": f"event_{self.sent}", **shown}))
        return messages
