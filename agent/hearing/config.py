"""The recognizer's sizes, as they stand in `config.json` beside its weights."""

from __future__ import annotations

from dataclasses import dataclass

SYMBOLS = "\0 'abcdefghijklmnopqrstuvwxyz"  # blank, the border of two words, letters
STEPS = 4  # of the encoder in a frame of 80 ms
OUT = 2  # symbols that a frame can hold


@dataclass(frozen=True)
class HearingConfig:
    """Widths of the network; the defaults are Whisper base's, less its last layers."""

    dim: int = 512
    heads: int = 8
    layers: int = 4
    feedforward: int = 2048
    context: int = 152  # steps of 20 ms that a step sees before its own frame
    positions: int = 1500  # after which they begin anew
    dropout: float = 0.1
