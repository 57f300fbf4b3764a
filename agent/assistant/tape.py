"""What the parts of a talk gave, call by call.

A talk asks its parts in an order that depends on nothing but what they answered before. So it is enough to number the
calls, and to keep those that brought something. While a talk is taped, what it is told goes through the tape as well.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np

from corpus.audio import Samples

from ..live.frame_out import FrameOut
from .parts import Voiced

Json = Any  # what JSON can say


class Tape:
    """Calls by name, each with the number of the call and what it gave; and all sound."""

    def __init__(self) -> None:
        self.log: dict[str, list[tuple[int, Json]]] = {}
        self.sounds: dict[str, Samples] = {}
        self.heard: list[Samples] = []  # the user's frames
        self.said: list[Samples] = []  # the agent's
        self.plays = False
        self.nothing = np.zeros(0, np.float32)
        self._count: dict[str, int] = {}
        self._last: dict[str, Json] = {}

    def number(self, kind: str) -> str:
        """The name of one more thing of a kind."""
        return f"{kind}{self._next(kind)}"

    def once(self, name: str, make: Callable[[], Json], nothing: Json) -> Json:
        """A call whose answer counts for itself; `nothing` is not kept."""
        call = self._next(name)
        if self.plays:
            return self._at(name, call, nothing)
        value = make()
        if value != nothing:
            self.log.setdefault(name, []).append((call, value))
        return value

    def lasting(self, name: str, make: Callable[[], Json]) -> Json:
        """A call that answers the same until something changes; None at first."""
        call, last = self._next(name), self._last.get(name)
        value = self._at(name, call, last) if self.plays else make()
        if value != last and not self.plays:
            self.log.setdefault(name, []).append((call, value))
        self._last[name] = value
        return value

    def sound(self, name: str, voiced: Voiced | None) -> Json:
        """How a growing sound is written down."""
        if voiced is None:
            return None
        if len(voiced.samples) > len(self.sounds.get(name, ())):
            self.sounds[name] = voiced.samples
        words = [asdict(word) for word in voiced.words]
        return {"to": len(voiced.samples), "words": words, "done": voiced.done, "fault": voiced.fault}

    def frame(self, heard: Samples, out: FrameOut) -> None:
        """Keep what was heard and said in a frame."""
        self.heard.append(heard.copy())
        self.said.append(out.audio)

    def _next(self, name: str) -> int:
        self._count[name] = self._count.get(name, -1) + 1
        return self._count[name]

    def _at(self, name: str, call: int, otherwise: Json) -> Json:
        entries = self.log.get(name, [])
        while entries and entries[0][0] < call:
            entries.pop(0)
        return entries.pop(0)[1] if entries and entries[0][0] == call else otherwise
