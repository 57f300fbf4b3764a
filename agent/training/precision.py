"""Float32 matrix products on CPUs through oneDNN instead of MKL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def onednn_products() -> Iterator[None]:
    """Inside, torch may take float32 products to oneDNN.

    On AMD CPUs that is about twice as fast as MKL, in float32. On CPUs with bfloat16 matrix units (AMX) it also lets
    oneDNN round the factors to bfloat16, and on GPUs to TF32, so keep it away from comparisons of exact results.
    """
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)
