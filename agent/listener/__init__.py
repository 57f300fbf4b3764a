"""The listener: a small causal network that tells *when* to speak.

`listener` runs it, 80 ms a step (NumPy, no PyTorch), `ear` is the same decision on Whisper's encoder; `features` is
what both see, `network` the trained form. `collection` opens recorded people, `recordings`, `turns`,
`effects` and `scenes` make training sound of them, `labels` what is to be learnt; `shards` keeps it, `training` (and
`ear_training`) trains, `sounds` and `judging` measure.
"""

from .ear import EarTurnHead
from .listener import Cues, Listener, ListenerState

__all__ = ["Cues", "EarTurnHead", "Listener", "ListenerState"]
