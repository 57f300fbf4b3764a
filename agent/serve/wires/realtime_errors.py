"""What a Realtime client is told that went wrong: OpenAI's error events, and our own for what needs a mind.

Clients take `error` events for the end of a talk (pipecat stops to receive, a JavaScript session throws). So what is
well formed and merely cannot be done here is told by an event of our own, `duologue.refused`, which they pass over.
"""

from __future__ import annotations

from typing import Any


class EventError(ValueError):
    """A client's event that makes no sense; `code` is OpenAI's where it has one."""

    def __init__(self, message: str, code: str = "invalid_value", param: str | None = None) -> None:
        super().__init__(message)
        self.code, self.param = code, param


def error_event(message: str, code: str, param: str | None, cause: str | None) -> dict[str, Any]:
    """An `error` event about the client's event with the id `cause`."""
    kind = "session_ended" if code == "session_ended" else "invalid_request_error"
    content = {"type": kind, "code": code, "message": message, "param": param, "event_id": cause}
    return {"type": "error", "error": content}


def refusal(message: str, param: str | None, cause: str | None) -> dict[str, Any]:
    """A `duologue.refused` event: what was asked for cannot be done here, the talk goes on without it."""
    content = {"type": "invalid_request_error", "code": "no_mind", "message": message, "param": param}
    return {"type": "duologue.refused", "error": {**content, "event_id": cause}}
