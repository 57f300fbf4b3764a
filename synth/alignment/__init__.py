"""Word times of spoken clips: the engine's own, forced with pocketsphinx, or each word's share of the speech."""

from .align import Energy, proportional, timed

__all__ = ["Energy", "proportional", "timed"]
