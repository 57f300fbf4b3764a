"""Mouths: voices that speak clause by clause, with the times of their words. `load_mouth` names them all."""

from .load import HELP, load_mouth

__all__ = ["HELP", "load_mouth"]
