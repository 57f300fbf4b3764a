"""Talks without a clock: users `converse` with a model faster than real time, `say` reads aloud, `hear` writes down."""

from .converse import converse
from .hear import hear
from .say import say

__all__ = ["converse", "hear", "say"]
