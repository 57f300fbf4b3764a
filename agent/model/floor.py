"""Letting the user finish: as long as a voice is heard and the agent is silent, saying nothing is likelier.

A model begins to speak by a draw in every frame. Each has some chance in a turn that might end soon, and in a long one
they add up; what the recognizer hears right now is not in them yet, for its words come late.
"""

from __future__ import annotations

from .config import ModelConfig
from .streams import UNGENERATED

SILENT = 7  # frames without a word of its own after which the agent is silent


def silent_after(silent: int, text: int, config: ModelConfig) -> int:
    """Frames since the agent's last word, at most `SILENT`, after one with this text token."""
    return min(silent + 1, SILENT) if text in (config.pad, config.end_pad) else 0


def waiting(silent: int, config: ModelConfig) -> float:
    """What is added to PAD's logit of a silent agent while a voice is heard; 0 of one that speaks."""
    return config.ours.lets_finish if silent >= SILENT else 0.0


def voice_heard(token: int, config: ModelConfig) -> bool:
    """Whether a recognizer's token for the stream of the user's text is a word or the mark of a voice."""
    return token not in (config.pad, UNGENERATED)
