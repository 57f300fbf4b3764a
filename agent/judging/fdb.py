"""Full-Duplex-Bench's folder layout, so that its official scripts can score the same talks.

    pause_handling/ID/        input.wav  output.wav  output.json  pause.json
    smooth_turn_taking/ID/    input.wav  output.wav  output.json  turn_taking.json
    backchannel/ID/           input.wav  output.wav  output.json
    user_interruption/ID/     input.wav  output.wav  output.json  interrupt.json  metadata.json
                              clean_input.wav  clean_output.wav  clean_output.json
    user_backchannel, talking_to_other, background_speech: like user_interruption, without interrupt.json

IDs are digits, as the scripts sort them; the probe's own name is in probe.json. Event files are lists of {"text",
"timestamp": [start, end]}; a turn's first time is its end. output.json holds the words of the agent's text stream,
{"text", "chunks": [{"text", "timestamp"}]}; the official recognizer may rewrite it. The scripts take all of the output
for the model's answer: what the agent was made to say before the model was free is silence and no words. Of an
interrupted talk their recognizer reads what comes after the interruption, so the words before its end are left out.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import soundfile  # type: ignore[import-untyped]

from corpus.audio import SAMPLE_RATE, Samples
from corpus.durable import replace_text
from corpus.interleave import TimedWord
from corpus.timing import Segment


@dataclass(frozen=True)
class Exchange:
    """What a user and an agent said, float32 `[T]` each, and the agent's words; before `free` (s) it had no choice."""

    user: Samples
    agent: Samples
    words: Sequence[TimedWord]
    free: float = 0.0
    name: str = ""  # of the probe

    def own(self, since: float = 0.0) -> Exchange:
        """What the model said of its own accord: silence before it was free, words from there or from `since` on."""
        agent = self.agent.copy()
        agent[: round(self.free * SAMPLE_RATE)] = 0.0
        first = max(self.free, since)
        return replace(self, agent=agent, words=[word for word in self.words if word.start >= first])


def write_pause(folder: Path, exchange: Exchange, pauses: Sequence[Segment]) -> None:
    """A talk whose user pauses; `folder` is the sample's own."""
    _write(folder, exchange)
    _json(folder / "pause.json", [_event("[PAUSE]", pause) for pause in pauses])


def write_turn(folder: Path, exchange: Exchange, turn: Segment) -> None:
    """A talk whose user ends a turn."""
    _write(folder, exchange)
    _json(folder / "turn_taking.json", [_event("[TURN-TAKING]", (turn[1], len(exchange.user) / SAMPLE_RATE))])


def write_listening(folder: Path, exchange: Exchange) -> None:
    """A talk whose user holds the floor."""
    _write(folder, exchange)


def write_disturbed(
    folder: Path, exchange: Exchange, clean: Exchange, span: Segment, texts: tuple[str, str] | None = None
) -> None:
    """A talk that was disturbed, with its undisturbed pair; `texts` (before, in it) where the user interrupts."""
    _write(folder, exchange, since=span[1] if texts is not None else 0.0)
    _write(folder, clean, "clean_")
    _json(folder / "metadata.json", {"timestamps": _times(span)})
    if texts is not None:
        event = {"context": texts[0], "interrupt": texts[1], "timestamp": _times(span)}
        _json(folder / "interrupt.json", [event])


def _write(folder: Path, whole: Exchange, prefix: str = "", since: float = 0.0) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    exchange = whole.own(since)
    _json(folder / "probe.json", {"name": exchange.name})
    for name, samples in (("input", exchange.user), ("output", exchange.agent)):
        path = folder / f"{prefix}{name}.wav"
        soundfile.write(str(path), np.clip(samples, -1.0, 1.0), SAMPLE_RATE, subtype="PCM_16")
    chunks = [{"text": word.text, "timestamp": _times((word.start, word.end))} for word in exchange.words]
    text = " ".join(word.text for word in exchange.words)
    _json(folder / f"{prefix}output.json", {"text": text, "chunks": chunks})


def _event(text: str, span: Segment) -> dict[str, Any]:
    return {"text": text, "timestamp": _times(span)}


def _times(span: Segment) -> list[float]:
    return [round(float(time), 4) for time in span]


def _json(path: Path, content: Any) -> None:
    replace_text(path, json.dumps(content, indent=2, ensure_ascii=False) + "\n")
