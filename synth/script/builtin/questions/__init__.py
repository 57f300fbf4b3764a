"""Checkable questions: every answer is computed or read from a table, and comes with the sentences around it."""

from __future__ import annotations

from collections.abc import Callable

from ..stage import Stage
from .check import Check
from .clocks import dates, times
from .earlier import follow_up, from_memo
from .knowledge import capital, fact
from .letters import counting, spelling
from .numbers import arithmetic, conversion

__all__ = ["KINDS", "Check", "follow_up", "from_memo"]

KINDS: dict[str, Callable[[Stage], Check]] = {
    "arithmetic": arithmetic,
    "counting": counting,
    "spelling": spelling,
    "date": dates,
    "time": times,
    "conversion": conversion,
    "capital": capital,
    "fact": fact,
}
