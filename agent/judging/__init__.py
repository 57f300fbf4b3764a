"""Judging a model: `probes` of a held-out corpus are said to it, `turn_taking`, `scoring` and `answers` count.

`evaluate` puts it together and sets it beside `published` figures; `fdb` writes Full-Duplex-Bench's folders;
`frame_times` measures the live loop, beside the wheel `moshi` (`live_peer`).
"""

from .evaluate import AgentReport

__all__ = ["AgentReport"]
