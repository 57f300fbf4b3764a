"""Random numbers that depend on what they are for and on nothing before."""

from __future__ import annotations

import numpy as np
import torch


def seeded(*numbers: int) -> torch.Generator:
    """A generator that depends on these numbers alone."""
    return torch.Generator().manual_seed(int(np.random.SeedSequence(numbers).generate_state(1)[0]))
