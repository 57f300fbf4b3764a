"""Seeds: one number per purpose, derived from the corpus seed and names, the same on every machine and worker."""

from __future__ import annotations

import hashlib
import random

import numpy as np


def derive(seed: int, *names: str | int) -> int:
    """A 63-bit seed from a seed and the names of what it is for."""
    text = "/".join(str(part) for part in (seed, *names))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def choices(seed: int, *names: str | int) -> random.Random:
    """A random source for decisions made one at a time."""
    return random.Random(derive(seed, *names))


def noise(seed: int, *names: str | int) -> np.random.Generator:
    """A random source for arrays."""
    return np.random.default_rng(derive(seed, *names))
