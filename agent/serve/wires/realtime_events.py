"""The JSON of OpenAI's Realtime API, as far as a full-duplex model has a use for it: sessions, items, responses.

Names are those of the general release; `beta_event` turns them into those of the beta, for clients that ask for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from corpus.audio import SAMPLE_RATE

from .wire import ServerFacts

Event = dict[str, Any]
FORMAT = {"type": "audio/pcm", "rate": SAMPLE_RATE}
BETA_NAMES = {
    "response.output_audio.delta": "response.audio.delta",
    "response.output_audio.done": "response.audio.done",
    "response.output_audio_transcript.delta": "response.audio_transcript.delta",
    "response.output_audio_transcript.done": "response.audio_transcript.done",
    "conversation.item.added": "conversation.item.created",
}
NOT_IN_BETA = {"conversation.item.done"}


def session(host: ServerFacts, id: str, extra: Mapping[str, object]) -> Event:
    """The session object; `extra` is what this server adds, under `duologue`."""
    return {
        "type": "realtime",
        "object": "realtime.session",
        "id": id,
        "model": host.model,
        "output_modalities": ["audio"],
        "audio": {
            "input": {"format": FORMAT, "transcription": None, "turn_detection": {"type": "server_vad"}},
            "output": {"format": FORMAT, "voice": "own", "speed": 1.0},
        },
        "duologue": dict(extra),
    }


def beta_session(session: Event) -> Event:
    """A session object as the beta has it."""
    return {
        "object": "realtime.session",
        "id": session["id"],
        "model": session["model"],
        "modalities": ["audio", "text"],
        "voice": session["audio"]["output"]["voice"],
        "input_audio_format": "pcm16",
        "output_audio_format": "pcm16",
        "input_audio_transcription": None,
        "turn_detection": {"type": "server_vad"},
        "duologue": session["duologue"],
    }


def beta_event(event: Event) -> Event | None:
    """An event as the beta has it, None if it has none."""
    if event["type"] in NOT_IN_BETA:
        return None
    event = {**event, "type": BETA_NAMES.get(event["type"], event["type"])}
    if "session" in event:
        event["session"] = beta_session(event["session"])
    if "item" in event:
        event["item"] = _beta_item(event["item"])
    if "response" in event:
        event["response"] = {**event["response"], "output": [_beta_item(item) for item in event["response"]["output"]]}
    return event


def agent_item(id: str, transcript: str, status: str) -> Event:
    """A message of the agent; without content while it has said nothing."""
    content = [{"type": "output_audio", "transcript": transcript}] if transcript or status != "in_progress" else []
    message = {"id": id, "object": "realtime.item", "type": "message", "role": "assistant"}
    return {**message, "status": status, "content": content}


def user_item(id: str) -> Event:
    """A message of the user."""
    content = [{"type": "input_audio", "transcript": None}]
    message = {"id": id, "object": "realtime.item", "type": "message", "role": "user"}
    return {**message, "status": "completed", "content": content}


def response(id: str, status: str, output: list[Event]) -> Event:
    """A response object."""
    details = {"type": status, "reason": "client_cancelled"} if status == "cancelled" else None
    kind = {"id": id, "object": "realtime.response", "status": status, "status_details": details}
    return {**kind, "output": output, "output_modalities": ["audio"]}


def check_session_update(given: object) -> list[str]:
    """Names in a client's session that have no effect here.

    Raises:
        ValueError: it is no object, or asks for another audio format than PCM16 at 24 kHz.
    """
    if not isinstance(given, dict):
        raise ValueError("session.update needs a `session` object")
    for name in ("input_audio_format", "output_audio_format"):
        if given.get(name, "pcm16") != "pcm16":
            raise ValueError(f"{name} must be pcm16")
    audio = given.get("audio") or {}
    for side in ("input", "output"):
        wanted = audio.get(side) if isinstance(audio, dict) else None
        form = wanted.get("format") if isinstance(wanted, dict) else None
        if form is not None and (not isinstance(form, dict) or {**FORMAT, **form} != FORMAT):
            raise ValueError(f"audio.{side}.format must be audio/pcm at {SAMPLE_RATE} Hz")
    heeded = {"type", "audio", "model", "duologue", "temperature", "input_audio_format", "output_audio_format"}
    return sorted(str(name)[:60] for name in set(given) - heeded)[:20]


def _beta_item(item: Event) -> Event:
    content = [{**part, "type": part["type"].replace("output_audio", "audio")} for part in item["content"]]
    return {**item, "content": content}
