"""Minds: language models that answer as they think, clause by clause. `load_mind` names them all."""

from .load import HELP, load_mind
from .thinking import Manner, ThinkingMind

__all__ = ["HELP", "Manner", "ThinkingMind", "load_mind"]
