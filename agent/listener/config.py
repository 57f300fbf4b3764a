"""The listener's sizes, as they stand in `config.json` beside its weights."""

from __future__ import annotations

from dataclasses import dataclass

CUES = ("speech", "turn_end", "ends_soon", "backchannel")
FUTURE = ((0.0, 0.24), (0.24, 0.64), (0.64, 1.28), (1.28, 2.08))  # seconds ahead in which voice activity is foretold
HOPS = 8  # of 10 ms in a frame of 80 ms
KERNEL = 4  # hops that each halving convolution sees
TEACHER = 64  # principal components of Whisper's frames that are foretold in training


@dataclass(frozen=True)
class ListenerConfig:
    """Widths of the network."""

    front: int = 64  # channels at 100 Hz
    middle: int = 128  # at 25 Hz
    hidden: int = 192  # at 12.5 Hz
    layers: int = 3  # recurrent
    head: int = 128  # of the cues
    dropout: float = 0.15

    @property
    def channels(self) -> tuple[int, int, int, int]:
        """Of the three halving convolutions, from the inlet on."""
        return self.front, self.front, self.middle, self.hidden
