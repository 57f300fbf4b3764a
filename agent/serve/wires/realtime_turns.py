"""Who speaks, as events of the Realtime API: the agent's frames cut into responses, the user's speech into items."""

from __future__ import annotations

import base64
from collections import deque

from corpus.audio import Samples

from ...live.frame_out import FrameOut
from ...live.voice_activity import SpeechEvent, VoiceActivity
from . import realtime_events as events
from .realtime_events import Event
from .wire import pcm_of

QUIET_FRAMES = 8  # 640 ms without words or voice end a response
FRAMES_BEFORE = 2  # sound kept from before the agent was found to speak
TRANSCRIBED_AFTER = 25  # frames from the end of the user's speech until its transcript is complete


class Response:
    """What the agent says at a stretch."""

    def __init__(self, number: int) -> None:
        self.id, self.item = f"resp_{number}", f"item_agent_{number}"
        self.transcript = ""
        self.quiet = 0  # frames

    @property
    def place(self) -> Event:
        """Where a delta belongs."""
        return {"response_id": self.id, "item_id": self.item, "output_index": 0, "content_index": 0}


class AgentTurns:
    """The agent's sound and words as responses."""

    def __init__(self) -> None:
        self.response: Response | None = None
        self.count = 0
        self._activity = VoiceActivity()
        self._before: deque[Samples] = deque(maxlen=FRAMES_BEFORE)
        self._samples = 0

    def hear(self, out: FrameOut) -> list[Event]:
        """The events of a frame: none while the agent is quiet."""
        self._samples += len(out.audio)
        self._activity.hear(out.audio, self._samples)
        active = bool(out.text) or self._activity.speaking
        found = self._begin() if active and self.response is None else []
        if self.response is None:
            self._before.append(out.audio)
            return []
        response = self.response
        found.append(_audio(response, out.audio))
        if out.text:
            response.transcript += out.text
            found.append({"type": "response.output_audio_transcript.delta", **response.place, "delta": out.text})
        response.quiet = 0 if active else response.quiet + 1
        return found + (self.finish("completed") if response.quiet >= QUIET_FRAMES else [])

    def finish(self, status: str) -> list[Event]:
        """End the response, if there is one, as "completed" or "cancelled"."""
        if self.response is None:
            return []
        response, self.response = self.response, None
        finished = "completed" if status == "completed" else "incomplete"
        item, place = events.agent_item(response.item, response.transcript, finished), response.place
        part = {"type": "audio", "transcript": response.transcript}
        return [
            {"type": "response.output_audio.done", **place},
            {"type": "response.output_audio_transcript.done", **place, "transcript": response.transcript},
            {"type": "response.content_part.done", **place, "part": part},
            {"type": "response.output_item.done", "response_id": response.id, "output_index": 0, "item": item},
            {"type": "conversation.item.done", "previous_item_id": None, "item": item},
            {"type": "response.done", "response": events.response(response.id, status, [item])},
        ]

    def _begin(self) -> list[Event]:
        self.count += 1
        self.response = response = Response(self.count)
        item, place = events.agent_item(response.item, "", "in_progress"), response.place
        before = [_audio(response, samples) for samples in self._before]
        self._before.clear()
        return [
            {"type": "response.created", "response": events.response(response.id, "in_progress", [])},
            {"type": "response.output_item.added", "response_id": response.id, "output_index": 0, "item": item},
            {"type": "conversation.item.added", "previous_item_id": None, "item": item},
            {"type": "response.content_part.added", **place, "part": {"type": "audio", "transcript": ""}},
            *before,
        ]


class UserTurns:
    """The user's speech and its transcript as items."""

    def __init__(self) -> None:
        self.count = 0
        self._transcript = ""
        self._due = 0  # frames until the transcript is complete, 0 for none under way

    @property
    def item(self) -> str:
        """The id of the item that is being spoken or was last."""
        return f"item_user_{self.count}"

    def speech(self, event: SpeechEvent) -> list[Event]:
        """The events of a start or an end of speech."""
        if event.kind == "started":
            finished = self._finish()
            self.count += 1
            place = {"audio_start_ms": round(event.at_ms), "item_id": self.item}
            return [*finished, {"type": "input_audio_buffer.speech_started", **place}]
        self._due = TRANSCRIBED_AFTER
        place = {"audio_end_ms": round(event.at_ms), "item_id": self.item}
        return [{"type": "input_audio_buffer.speech_stopped", **place}, *self.commit()]

    def commit(self) -> list[Event]:
        """The events that make an item of what was heard."""
        return [
            {"type": "input_audio_buffer.committed", "previous_item_id": None, "item_id": self.item},
            {"type": "conversation.item.added", "previous_item_id": None, "item": events.user_item(self.item)},
        ]

    def transcribe(self, piece: str) -> list[Event]:
        """The events of a frame in which the model heard this piece of text, "" for none."""
        found: list[Event] = []
        if piece:
            self._transcript += piece
            kind = "conversation.item.input_audio_transcription.delta"
            found.append({"type": kind, "item_id": self.item, "content_index": 0, "delta": piece})
        if self._due:
            self._due -= 1
            found += [] if self._due else self._finish()
        return found

    def _finish(self) -> list[Event]:
        transcript, self._transcript, self._due = self._transcript.strip(), "", 0
        if not transcript:
            return []
        kind = "conversation.item.input_audio_transcription.completed"
        place = {"item_id": self.item, "content_index": 0, "transcript": transcript}
        return [{"type": kind, **place, "usage": {"type": "duration", "seconds": 0}}]


def _audio(response: Response, samples: Samples) -> Event:
    delta = base64.b64encode(pcm_of(samples)).decode()
    return {"type": "response.output_audio.delta", **response.place, "delta": delta}
