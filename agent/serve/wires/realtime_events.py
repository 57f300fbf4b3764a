"""The JSON of OpenAI's Realtime API: items, responses, and the beta's names.

Names are those of the general release; `beta_event` turns them into those of the beta, for clients that ask for it.
"""

from __future__ import annotations

from typing import Any

from ...live.talk_events import AgentEnded
from .sound_format import OLD_NAMES

Event = dict[str, Any]
BETA_NAMES = {
    "response.output_audio.delta": "response.audio.delta",
    "response.output_audio.done": "response.audio.done",
    "response.output_audio_transcript.delta": "response.audio_transcript.delta",
    "response.output_audio_transcript.done": "response.audio_transcript.done",
    "response.output_text.delta": "response.text.delta",
    "response.output_text.done": "response.text.done",
    "conversation.item.added": "conversation.item.created",
}
NOT_IN_BETA = {"conversation.item.done"}


def agent_item(id: str, said: str, status: str, written: bool = False) -> Event:
    """A message of the agent; without content while it has said nothing."""
    part = {"type": "output_text", "text": said} if written else {"type": "output_audio", "transcript": said}
    content = [part] if said or status != "in_progress" else []
    message = {"id": id, "object": "realtime.item", "type": "message", "role": "assistant"}
    return {**message, "status": status, "content": content}


def user_item(id: str, transcript: str | None = None) -> Event:
    """A message that the user spoke."""
    content = [{"type": "input_audio", "transcript": transcript}]
    message = {"id": id, "object": "realtime.item", "type": "message", "role": "user"}
    return {**message, "status": "completed", "content": content}


def response(
    id: str,
    status: str,
    output: list[Event],
    metadata: Event | None = None,
    modality: str = "audio",
    why: str = "",
    usage: Event | None = None,
) -> Event:
    """A response object; `why` says more of one that was not completed."""
    details: Event | None = None
    if status == "failed":
        details = {"type": "failed", "error": {"type": "server_error", "code": "failed", "message": why}}
    elif status in ("cancelled", "incomplete"):
        details = {"type": status, "reason": why or "max_output_tokens"}
    kind = {"id": id, "object": "realtime.response", "status": status, "status_details": details}
    return {**kind, "output": output, "output_modalities": [modality], "metadata": metadata, "usage": usage}


def usage(ended: AgentEnded | None, frames: int) -> Event:
    """The tokens of a response: the mind's words, and a frame of sound as one."""
    read, written = (0, 0) if ended is None else (ended.tokens_in, ended.tokens_out)
    return {
        "total_tokens": read + written + frames,
        "input_tokens": read,
        "output_tokens": written + frames,
        "input_token_details": {"text_tokens": read, "audio_tokens": 0, "cached_tokens": 0},
        "output_token_details": {"text_tokens": written, "audio_tokens": frames},
    }


def beta_session(session: Event) -> Event:
    """A session object as the beta has it."""
    audio, old = session["audio"], {new: name for name, new in OLD_NAMES.items()}
    return {
        "object": "realtime.session",
        "id": session["id"],
        "model": session["model"],
        "modalities": ["audio", "text"],
        "instructions": session["instructions"],
        "tools": session["tools"],
        "tool_choice": session["tool_choice"],
        "voice": audio["output"]["voice"],
        "input_audio_format": old[audio["input"]["format"]["type"]],
        "output_audio_format": old[audio["output"]["format"]["type"]],
        "input_audio_transcription": audio["input"]["transcription"],
        "turn_detection": audio["input"]["turn_detection"],
        "max_response_output_tokens": session["max_output_tokens"],
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


def _beta_item(item: Event) -> Event:
    names = {"output_audio": "audio", "output_text": "text"}
    if "content" not in item:
        return item
    return {**item, "content": [{**part, "type": names.get(part["type"], part["type"])} for part in item["content"]]}
