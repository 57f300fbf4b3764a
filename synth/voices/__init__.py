"""Whose voices there are: `entry` one of a list, `bank` all that an engine can use, `store` a user's own folder.

`audit` refuses unfit clips, `embedding` compares voices, `pairs` tells them apart and splits them, `casting` loads an
engine and names the voices it speaks with.
"""

from .bank import load_bank, own_voice, pick_pair
from .casting import engine_voices, load_engine
from .entry import BankEntry, check_reference

__all__ = ["BankEntry", "check_reference", "engine_voices", "load_bank", "load_engine", "own_voice", "pick_pair"]
