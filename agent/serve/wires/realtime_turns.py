"""Who speaks, as events of the Realtime API: the agent's turns as responses, the user's speech as items."""

from __future__ import annotations

import base64
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from corpus.audio import FRAME_SECONDS, Samples

from ...live.frame_out import FrameOut
from ...live.talk_events import AgentBegan, AgentEnded, AgentWrites, ToolWanted
from . import realtime_events as events
from .realtime_events import Event
from .realtime_items import Items

FRAMES_BEFORE = 2  # sound kept from before the agent was found to speak
TRANSCRIBED_AFTER = 25  # frames from the end of the user's speech until its transcript is complete
LONGEST_WAIT = 375  # frames, 30 s: a response that was asked for and does not begin has failed
STATUS = {"interrupted": ("cancelled", "turn_detected"), "cancelled": ("cancelled", "client_cancelled")}
ROOM = "no answer came"


@dataclass
class Response:
    """What the agent says at a stretch, or is asked to."""

    id: str
    metadata: Event | None = None
    wish: str = ""  # id of the `Respond` that it answers
    item: str = ""  # the message that is open, "" for none
    turn: int = 0  # the partner's number, 0 before it began
    written: bool = False  # the message is of words alone
    transcript: str = ""
    output: list[Event] = field(default_factory=list)
    frames: int = 0  # of sound
    waited: int = 0  # frames

    def place(self) -> Event:
        """Where a delta belongs."""
        return {"response_id": self.id, "item_id": self.item, "output_index": len(self.output), "content_index": 0}


class AgentTurns:
    """The agent's sound and words as responses."""

    def __init__(self, items: Items) -> None:
        self.items = items
        self.response: Response | None = None
        self.count = 0
        self.encode: Callable[[Samples], bytes] = lambda _: b""  # of the session's output format
        self.modality = "audio"
        self._before: deque[Samples] = deque(maxlen=FRAMES_BEFORE)

    def ask(self, wish: str, metadata: Event | None) -> list[Event]:
        """A response that the client asked for; there must be none."""
        assert self.response is None
        return self._open(Response(self._name(), metadata, wish))

    def hear(self, out: FrameOut) -> list[Event]:
        """The events of a frame."""
        events = [event for each in out.events for event in self._happened(each)]
        response = self.response
        if response is None or not response.turn:
            self._before.append(out.audio)
            if response is not None:
                response.waited += 1
                events += self.finish("failed", reason=ROOM) if response.waited > LONGEST_WAIT else []
            return events + self._late(out)
        if not response.item and (out.text or out.audio.any()):
            events += self._message(response)
            events += [self._audio(response, samples) for samples in self._before]
        self._before.clear()
        if response.item and not response.written:
            events.append(self._audio(response, out.audio))
            if out.text:
                response.transcript += out.text
                kind = "response.output_audio_transcript.delta"
                events.append({"type": kind, **response.place(), "delta": out.text})
        return events + self._late(out)

    def finish(self, status: str, ended: AgentEnded | None = None, reason: str = "") -> list[Event]:
        """End the response, if there is one."""
        response, self.response = self.response, None
        if response is None:
            return []
        shown, why = STATUS.get(status, (status, reason))
        told = self._close(response, "completed" if status == "completed" else "incomplete")
        usage = events.usage(ended, response.frames)
        done = events.response(response.id, shown, response.output, response.metadata, self.modality, why, usage)
        return [*told, {"type": "response.done", "response": done}]

    def _happened(self, event: object) -> list[Event]:
        """The beginning of a turn, and what comes in it; ends are told after the frame's sound."""
        if isinstance(event, AgentBegan):
            events = [] if self.response is not None else self._open(Response(self._name(), None, event.wish))
            assert self.response is not None
            self.response.turn = event.turn
            return events
        if isinstance(event, AgentWrites) and (response := self.response) is not None:
            events = [] if response.item else self._message(response, written=True)
            response.transcript += event.text
            return [*events, {"type": "response.output_text.delta", **response.place(), "delta": event.text}]
        if isinstance(event, ToolWanted):
            events = [] if self.response is not None else self._open(Response(self._name(), turn=event.turn))
            assert self.response is not None
            return [*events, *self._close(self.response, "completed"), *self._call(self.response, event)]
        return []

    def _late(self, out: FrameOut) -> list[Event]:
        """Turns that end with a frame, unless their response has ended before, such as by a cancellation."""
        events: list[Event] = []
        for event in out.events:
            if isinstance(event, AgentEnded) and self.response is not None and self.response.turn == event.turn:
                events += self.finish(event.status, event, event.reason)
        return events

    def _name(self) -> str:
        self.count += 1
        return f"resp_{self.count}"

    def _open(self, response: Response) -> list[Event]:
        self.response = response
        shown = events.response(response.id, "in_progress", [], response.metadata, self.modality)
        return [{"type": "response.created", "response": shown}]

    def _message(self, response: Response, written: bool = False) -> list[Event]:
        response.item, response.written = f"item_agent_{self.count}_{len(response.output)}", written
        item = events.agent_item(response.item, "", "in_progress", written)
        self.items.add(item, "agent", response.turn)
        part = {"type": "text", "text": ""} if written else {"type": "audio", "transcript": ""}
        added = {"type": "response.output_item.added", "response_id": response.id}
        return [
            {**added, "output_index": len(response.output), "item": item},
            *self.items.created("conversation.item.added", item),
            {"type": "response.content_part.added", **response.place(), "part": part},
        ]

    def _close(self, response: Response, status: str) -> list[Event]:
        """End the message that is open."""
        if not response.item:
            return []
        place, said = response.place(), response.transcript
        item = events.agent_item(response.item, said, status, response.written)
        self.items.add(item, "agent", response.turn)
        if response.written:
            part = {"type": "text", "text": said}
            told = [{"type": "response.output_text.done", **place, "text": said}]
        else:
            part = {"type": "audio", "transcript": said}
            told = [{"type": "response.output_audio.done", **place}]
            told.append({"type": "response.output_audio_transcript.done", **place, "transcript": said})
        told.append({"type": "response.content_part.done", **place, "part": part})
        response.item, response.transcript = "", ""
        return told + self._done(response, item)

    def _call(self, response: Response, wanted: ToolWanted) -> list[Event]:
        item = {"id": f"item_call_{wanted.call}", "object": "realtime.item", "type": "function_call"}
        item = {**item, "call_id": wanted.call, "name": wanted.name}
        begun = {**item, "status": "in_progress", "arguments": ""}
        place = {"response_id": response.id, "item_id": item["id"], "output_index": len(response.output)}
        call = {"call_id": wanted.call, "name": wanted.name}
        self.items.add(begun)
        added = {"type": "response.output_item.added", "response_id": response.id}
        kind = "response.function_call_arguments"
        done = {**item, "status": "completed", "arguments": wanted.arguments}
        self.items.add(done)
        return [
            {**added, "output_index": len(response.output), "item": begun},
            *self.items.created("conversation.item.added", begun),
            {"type": f"{kind}.delta", **place, "call_id": wanted.call, "delta": wanted.arguments},
            {"type": f"{kind}.done", **place, **call, "arguments": wanted.arguments},
            *self._done(response, done),
        ]

    def _done(self, response: Response, item: Event) -> list[Event]:
        index = len(response.output)
        response.output.append(item)
        return [
            {"type": "response.output_item.done", "response_id": response.id, "output_index": index, "item": item},
            *self.items.created("conversation.item.done", item),
        ]

    def _audio(self, response: Response, samples: Samples) -> Event:
        response.frames += 1
        delta = base64.b64encode(self.encode(samples)).decode()
        return {"type": "response.output_audio.delta", **response.place(), "delta": delta}


class UserTurns:
    """The user's speech and its transcript as items."""

    def __init__(self, items: Items) -> None:
        self.items = items
        self.count = 0
        self.open = False  # the user speaks, or sent sound that was not committed
        self._transcript = ""
        self._due = 0  # frames until the transcript is complete, 0 for none under way
        self._began_ms = 0.0
        self._seconds = 0.0

    @property
    def item(self) -> str:
        """The id of the item that is being spoken or was last."""
        return f"item_user_{self.count}"

    def started(self, at_ms: float) -> list[Event]:
        """The user began to speak."""
        finished = self._finish()
        self._begin(at_ms)
        place = {"audio_start_ms": round(at_ms), "item_id": self.item}
        return [*finished, {"type": "input_audio_buffer.speech_started", **place}]

    def stopped(self, at_ms: float) -> list[Event]:
        """The user stopped: what was said becomes an item."""
        self._seconds = max(0.0, (at_ms - self._began_ms) / 1e3)
        place = {"audio_end_ms": round(at_ms), "item_id": self.item}
        return [{"type": "input_audio_buffer.speech_stopped", **place}, *self.commit()]

    def commit(self) -> list[Event]:
        """The events that make an item of what was heard."""
        if not self.open:
            self._begin(0.0)
        self.open, self._due = False, TRANSCRIBED_AFTER
        item = events.user_item(self.item)
        before = self.items.add(item, "user", self.count)
        return [
            {"type": "input_audio_buffer.committed", "previous_item_id": before, "item_id": self.item},
            *self.items.created("conversation.item.added", item),
            *self.items.created("conversation.item.done", item),
        ]

    def words(self, text: str, final: bool) -> list[Event]:
        """The whole of a turn's words as understood so far; a correction comes with the end."""
        delta = text[len(self._transcript) :] if text.startswith(self._transcript) else ""
        events = self._delta(delta) if delta else []
        self._transcript = text if delta or final else self._transcript
        return events + (self._finish() if final else [])

    def transcribe(self, piece: str) -> list[Event]:
        """The events of a frame in which the model heard this piece of text, "" for none."""
        events: list[Event] = []
        if piece:
            self._transcript += piece
            events += self._delta(piece)
        if self._due:
            self._due -= 1
            events += [] if self._due else self._finish()
        return events

    def _begin(self, at_ms: float) -> None:
        self.count += 1
        self.open, self._began_ms, self._seconds = True, at_ms, 0.0

    def _delta(self, piece: str) -> list[Event]:
        kind = "conversation.item.input_audio_transcription.delta"
        return [{"type": kind, "item_id": self.item, "content_index": 0, "delta": piece}]

    def _finish(self) -> list[Event]:
        transcript, self._transcript, self._due = self._transcript.strip(), "", 0
        if not transcript:
            return []
        if self.item in self.items.kept:
            self.items.add(events.user_item(self.item, transcript), "user", self.count)
        kind = "conversation.item.input_audio_transcription.completed"
        place = {"item_id": self.item, "content_index": 0, "transcript": transcript}
        seconds = round(self._seconds or FRAME_SECONDS, 2)
        return [{"type": kind, **place, "usage": {"type": "duration", "seconds": seconds}}]
