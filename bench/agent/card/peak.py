"""What cards are said to do, beside what a measurement needs of them (`agent.training.work` counts that)."""

from __future__ import annotations

# Dense bfloat16 products a second with float32 sums, as NVIDIA's data sheets give them.
PUBLISHED = {"H200": 989e12, "H100": 989e12, "A100": 312e12, "L40S": 362e12, "L4": 121e12, "4090": 165e12}


def mfu(flops_per_s: float, card: str) -> float | None:
    """The share of the published rate; None for a card that is not in the list."""
    peak = next((rate for name, rate in PUBLISHED.items() if name in card), None)
    return None if peak is None else round(flops_per_s / peak, 4)
