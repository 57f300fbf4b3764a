"""A corpus as tokens to train on: codes of both channels, words on the text stream, a label for every frame.

`take` finds recordings of any layout, `tokenize` makes token shards of them (`shard_writer`, `shards`), with variants
of the user's side from `augment`; `crops` draws training batches out of shards, `unspoken` rows of text alone.
"""

from .crops import Dialogues
from .shards import TokenManifest
from .tokenize import TokenOrder

__all__ = ["Dialogues", "TokenManifest", "TokenOrder"]
