"""How matrix products are done: in bfloat16 where a recipe and the hardware agree, else float32 through oneDNN."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from .recipe import AgentRecipe


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


def shortened(recipe: AgentRecipe, device: torch.device) -> bool:
    """Whether products on a device are done in bfloat16; "auto" does where the hardware has such products."""
    if recipe.precision != "auto":
        return recipe.precision == "bfloat16"
    if device.type == "cpu":
        return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    return device.type == "cuda"
