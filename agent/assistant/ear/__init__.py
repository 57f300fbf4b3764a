"""Ears: recognizers that write down what a user says while he says it. `load_ear` names them all."""

from .load import HELP, load_ear

__all__ = ["HELP", "load_ear"]
