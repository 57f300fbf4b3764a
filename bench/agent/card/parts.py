"""All parts in order, what share of the time each may take; run alone as a process, a part writes its lines to a file.

A part in a process of its own can be ended when its time is over, and a card's error takes no other part along.
"""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from .checks import checks
from .codecs import codec_frames
from .part import Effort, Line, Work
from .peer import peer
from .ticks import agent_ticks, moshi_ticks, short_ticks
from .training import codec_with_adversary, from_scratch, lora


@dataclass(frozen=True)
class Part:
    """One part."""

    work: Work
    share: float  # of the time
    needs_card: bool = False


PARTS = {
    "checks": Part(checks, 0.1),
    "ticks-moshi": Part(moshi_ticks, 0.25, needs_card=True),
    "ticks-short": Part(short_ticks, 0.08, needs_card=True),
    "ticks-agent": Part(agent_ticks, 0.11),
    "codec": Part(codec_frames, 0.06),
    "train-agent": Part(from_scratch, 0.1),
    "train-lora": Part(lora, 0.14, needs_card=True),
    "train-codec": Part(codec_with_adversary, 0.08),
    "peer": Part(peer, 0.08, needs_card=True),
}


def run_part(name: str, effort: Effort, lines: Path) -> None:
    """Run a part; its lines are added to a file as they come, its failure is one of them."""

    def say(line: Line) -> None:
        with lines.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(line)) + "\n")
            file.flush()
            os.fsync(file.fileno())

    try:
        PARTS[name].work(effort, say)
    except Exception as error:  # one part's failure is a result
        say(Line(name, "failed", {"passed": False, "error": f"{type(error).__name__}: {str(error)[:400]}"}))


if __name__ == "__main__":
    part, device, smallest, seconds, path = sys.argv[1:]
    run_part(part, Effort(device, smallest == "1", time.monotonic() + float(seconds)), Path(path))
