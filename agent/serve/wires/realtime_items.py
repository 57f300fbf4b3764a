"""The conversation's items as the Realtime API has them: kept to be retrieved, deleted and truncated."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from typing import Any

from ...live.wishes import Forgotten, ToolResult, Wish, Write
from .realtime_errors import EventError

Event = dict[str, Any]
MOST_ITEMS = 2000  # kept; the oldest are forgotten


@dataclass
class Items:
    """Items by id, in the order of the conversation."""

    kept: dict[str, Event] = field(default_factory=dict)
    turns: dict[str, tuple[str, int]] = field(default_factory=dict)  # side and number of those that were spoken
    made: int = 0

    def add(self, item: Event, side: str = "", turn: int = 0) -> str | None:
        """Keep an item, or its newest form; returns the id of the one before it."""
        before = self.before(item["id"])
        self.kept[item["id"]] = item
        if side:
            self.turns[item["id"]] = (side, turn)
        while len(self.kept) > MOST_ITEMS:
            oldest = next(iter(self.kept))
            self.kept.pop(oldest)
            self.turns.pop(oldest, None)
        return before

    def before(self, id: str) -> str | None:
        """The id of the item before this one, or before the next one to come."""
        ids = list(self.kept)
        place = ids.index(id) if id in self.kept else len(ids)
        return ids[place - 1] if place else None

    def created(self, kind: str, item: Event) -> list[Event]:
        """The events of an item that is there."""
        return [{"type": kind, "previous_item_id": self.before(item["id"]), "item": item}]

    def need(self, event: Event, code: str) -> tuple[str, Event]:
        """The item that a client's event is about. Raises EventError with the code if there is none."""
        id = event.get("item_id")
        if not isinstance(id, str) or id not in self.kept:
            raise EventError(f"there is no item {str(id)[:60]!r}", code, "item_id")
        return id, self.kept[id]

    def delete(self, event: Event) -> tuple[str, Wish]:
        """Take an item out; its id, and what the partner is to forget."""
        id, _ = self.need(event, "item_delete_invalid_item_id")
        del self.kept[id]
        side, turn = self.turns.pop(id, ("", 0))
        return id, Forgotten(id, side, turn)  # type: ignore[arg-type]

    def parse(self, event: Event) -> tuple[Event, list[Wish], list[bytes]]:
        """The item of `conversation.item.create`, what the partner is told of it, and sound in the session's format."""
        given = event.get("item")
        if not isinstance(given, dict):
            raise EventError("conversation.item.create needs an `item`", "missing_required_parameter", "item")
        self.made += 1
        id = given.get("id") or f"item_client_{self.made}"
        if not isinstance(id, str) or id in self.kept or len(id) > 100:
            raise EventError("item.id must be a text that no other item has", "invalid_value", "item.id")
        if given.get("type") == "function_call_output":
            call, output = given.get("call_id"), given.get("output")
            if not isinstance(call, str) or not isinstance(output, str):
                raise EventError("function_call_output needs texts call_id and output", "invalid_type", "item")
            item = {"id": id, "object": "realtime.item", "type": "function_call_output", "status": "completed"}
            return {**item, "call_id": call, "output": output}, [ToolResult(id, call, output)], []
        if given.get("type", "message") != "message":
            raise EventError("item.type must be message or function_call_output", "invalid_value", "item.type")
        return self._message(id, given)

    def _message(self, id: str, given: Event) -> tuple[Event, list[Wish], list[bytes]]:
        role, parts = given.get("role", "user"), given.get("content")
        if role not in ("user", "assistant", "system") or not isinstance(parts, list):
            raise EventError("a message needs a role (user, assistant, system) and a list of content", param="item")
        texts: list[str] = []
        sounds: list[bytes] = []
        content: list[Event] = []
        for part in parts:
            kind = part.get("type") if isinstance(part, dict) else None
            if kind in ("input_text", "output_text", "text") and isinstance(part.get("text"), str):
                texts.append(part["text"])
                content.append({"type": "output_text" if role == "assistant" else "input_text", "text": part["text"]})
            elif kind == "input_audio" and role == "user" and isinstance(part.get("audio"), str):
                sounds.append(decoded(part["audio"]))
                content.append({"type": "input_audio", "transcript": part.get("transcript")})
            else:
                raise EventError(f"content of type {str(kind)[:40]!r} cannot be taken", param="item.content")
        message = {"id": id, "object": "realtime.item", "type": "message", "role": role}
        wishes: list[Wish] = [Write(id, role, " ".join(texts))] if texts else []
        return {**message, "status": "completed", "content": content}, wishes, sounds


def decoded(audio: object) -> bytes:
    """Bytes of a base64 text. Raises EventError."""
    if not isinstance(audio, str):
        raise EventError("`audio` must be a text in base64", "invalid_type", "audio")
    try:
        return base64.b64decode(audio, validate=True)
    except (binascii.Error, ValueError) as error:
        raise EventError(f"audio is not base64: {error}", "invalid_value", "audio") from None
