"""A corpus on disk: shards that appear whole or not at all, checksummed, appendable, mergeable.

The directory (see `manifest`) is read by moshi-finetune as it is. Everything a user of the store needs is named here.
"""

from __future__ import annotations

from .durable import DiskFullError, ensure_space
from .manifest import CorpusInfo, ShardInfo, SourceInfo, read_info
from .merge import merge
from .reader import Corpus
from .repair import repair
from .staging import stage
from .verify import Problem, verify
from .writer import CorpusWriter, PublishedShards

__all__ = [
    "Corpus",
    "CorpusInfo",
    "CorpusWriter",
    "DiskFullError",
    "Problem",
    "PublishedShards",
    "ShardInfo",
    "SourceInfo",
    "ensure_space",
    "merge",
    "read_info",
    "repair",
    "stage",
    "verify",
]
