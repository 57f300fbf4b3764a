"""Many conversations in one go on a card: a fixed number of rows, everything they remember on the device.

`memory` is what lies there, `exchange` what goes in and out once a tick, `tick` the work of a frame from sound to
sound, `choose` its choice of tokens, `fixed_work` keeps that work as a CUDA graph (on a CPU the same code runs as it
is), and `slot_rows` are the conversations.
"""

from .slot_rows import SlotRows, unfit

__all__ = ["SlotRows", "unfit"]
