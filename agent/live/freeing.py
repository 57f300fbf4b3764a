"""Giving memory back that a runtime has copies of."""

from __future__ import annotations

import contextlib
import ctypes

import torch

SMALL = 1 << 16  # bytes of a tensor that may stay


def let_go(module: torch.nn.Module) -> None:
    """Free the large tensors of a module whose runtime has copies of its own; what is left tells shapes no more."""
    for tensor in (*module.parameters(), *module.buffers()):
        if tensor.nbytes > SMALL:
            tensor.data = tensor.new_empty(0)
    with contextlib.suppress(OSError, AttributeError):  # what was freed goes back to the system, with glibc
        ctypes.CDLL(None).malloc_trim(0)
