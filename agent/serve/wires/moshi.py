"""Moshi's `/api/chat`, to the byte what its Python server sends, with the query parameters of its family.

A client of Moshi or PersonaPlex sees the handshake `00`, audio `01` and text `02`. Only what those servers never had
comes as metadata `04`, which their clients discard or show: a place in the queue, the announcement of a recording, and
the resume token, which is sent to clients that have `resume` among their parameters. Metadata `{"controls": {...}}`
from a client changes its controls.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from corpus.audio import FRAME_SECONDS

from ...live.frame_out import FrameOut
from ...live.voice_activity import SpeechEvent
from . import moshi_messages as protocol
from .moshi_messages import Kind
from .opus import OpusReader, OpusWriter
from .wire import (
    RECORDED,
    Input,
    Message,
    Opening,
    ServerFacts,
    Status,
    UserSound,
    change_controls,
    controls_from,
    parse_object,
)

PARAMETERS = {  # of Moshi's web client and PersonaPlex, and what they are called here
    "text_topk": "text_top_k",
    "audio_topk": "audio_top_k",
    "pad_mult": "pad_bias",
    "text_seed": "seed",
    "audio_seed": "seed",
}
PERSONAPLEX_VOICES = frozenset(
    [f"{kind}{number}" for kind in ("NATF", "NATM") for number in range(4)]
    + [f"{kind}{number}" for kind in ("VARF", "VARM") for number in range(5)]
)
LONGEST_PROMPT = 4000  # characters
VOICE_SUFFIX = re.compile(r"\.(pt|safetensors|wav)$")


class MoshiWire:
    """The translator of one connection."""

    fills_silence = False

    def __init__(self, query: Mapping[str, str], voices: frozenset[str] = frozenset()) -> None:
        """Raises ValueError for a malformed parameter; those that no server of this family knows are passed over.

        Args:
            query: the request's parameters.
            voices: names that `voice_prompt` may have besides PersonaPlex's.
        """
        self.controls = controls_from(query, PARAMETERS)
        self.ignored = check_prompts(query, voices)
        self.resumable = "resume" in query
        self.reader, self.writer = OpusReader(), OpusWriter()

    @classmethod
    def connect(cls, query: Mapping[str, str], headers: Mapping[str, str], host: ServerFacts) -> MoshiWire:
        """The wire of a request; raises ValueError like the constructor."""
        return cls(query, frozenset(host.about.voices))

    def receive(self, message: Message) -> list[Input]:
        """See `Wire`. Text messages and unknown kinds are discarded, empty audio is fine."""
        if isinstance(message, str) or (content := protocol.decode(message)) is None:
            return []
        if content.kind == Kind.AUDIO:
            samples = self.reader.append(content.payload)
            return [UserSound(samples)] if len(samples) else []
        if content.kind == Kind.METADATA:
            values = parse_object(content.payload)
            if "controls" in values:
                self.controls = change_controls(self.controls, values["controls"])
        return []

    def waiting(self, place: int, seconds: float) -> list[Message]:
        """See `Wire`."""
        return [protocol.metadata({"queue": {"place": place, "wait_s": round(seconds, 1)}})]

    def opened(self, opening: Opening) -> list[Message]:
        """See `Wire`."""
        messages: list[Message] = [protocol.HANDSHAKE]
        if opening.recorded:
            messages += [protocol.metadata({"recorded": True}), protocol.text(f"[{RECORDED}] ")]
        if self.resumable:
            messages.append(protocol.metadata({"resume": opening.resume, "resumed": opening.resumed}))
        return messages

    def frame(self, out: FrameOut, status: Status) -> list[Message]:
        """See `Wire`. Nothing before the model's first frame, as from Moshi."""
        self.reader.elapsed(FRAME_SECONDS)
        if not out.ready:
            return []
        pages = self.writer.append(out.audio)
        messages: list[Message] = [protocol.MoshiMessage(Kind.AUDIO, pages).encode()] if pages else []
        return [*messages, protocol.text(out.text)] if out.text else messages

    def speech(self, event: SpeechEvent) -> list[Message]:
        """Nothing: this wire has no such message."""
        return []

    def failed(self, error: ValueError) -> list[Message]:
        """See `Wire`."""
        return [protocol.error(str(error))]

    def closing(self, reason: str) -> list[Message]:
        """See `Wire`."""
        return [protocol.error(reason)]


def check_prompts(query: Mapping[str, str], voices: frozenset[str]) -> list[str]:
    """Check PersonaPlex's `voice_prompt` and `text_prompt`; those given that will have no effect.

    Raises:
        ValueError: a voice that is not on the list (names only, never a path), or a prompt that is too long.
    """
    voice, prompt = query.get("voice_prompt", ""), query.get("text_prompt", "")
    name = VOICE_SUFFIX.sub("", voice)
    if voice and name not in voices | PERSONAPLEX_VOICES:
        valid = ", ".join(sorted(voices | PERSONAPLEX_VOICES))
        raise ValueError(f"there is no voice_prompt {voice[:40]!r}; valid: {valid}")
    if len(prompt) > LONGEST_PROMPT:
        raise ValueError(f"text_prompt has {len(prompt)} characters, at most {LONGEST_PROMPT} are taken")
    return [key for key in ("voice_prompt", "text_prompt") if query.get(key)]
