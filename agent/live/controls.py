"""How one conversation behaves: sampling, when to speak, hold, seed; may change while it goes on."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping

import torch
from torch import Tensor

MOST_TOP_K = 2048
MOST_TEMPERATURE = 10.0
MOST_BIAS = 100.0
SEEDS = 2**53  # whole numbers that a float64 holds exactly


@dataclasses.dataclass(frozen=True)
class Controls:
    """The controls of one session; the defaults are Moshi's. Values out of range raise ValueError."""

    text_temperature: float = 0.7  # 0 takes the likeliest
    text_top_k: int = 25  # 0 takes all
    audio_temperature: float = 0.8
    audio_top_k: int = 250
    pad_bias: float = 0.0  # added to PAD's logit: above 0 the agent waits longer
    end_pad_bias: float = 0.0  # added to EPAD's logit: above 0 it begins words sooner
    hold: bool = False  # the agent listens and stays silent
    seed: int = 0  # of the sampling noise; takes effect when a session opens

    def __post_init__(self) -> None:
        for name in ("text_temperature", "audio_temperature"):
            _check_number(name, getattr(self, name), 0.0, MOST_TEMPERATURE)
        for name in ("pad_bias", "end_pad_bias"):
            _check_number(name, getattr(self, name), -MOST_BIAS, MOST_BIAS)
        for name in ("text_top_k", "audio_top_k"):
            _check_whole(name, getattr(self, name), MOST_TOP_K)
        _check_whole("seed", self.seed, SEEDS - 1)
        if not isinstance(self.hold, bool):
            raise ValueError(f"hold must be true or false, got {self.hold!r}")

    def changed(self, **values: object) -> Controls:
        """The same controls with some replaced. Unknown names and values out of range raise ValueError."""
        names = [field.name for field in dataclasses.fields(self)]
        for name in values:
            if name not in names:
                raise ValueError(f"there is no control {name!r}; valid: {', '.join(names)}")
        return dataclasses.replace(self, **values)  # type: ignore[arg-type]

    def to_tensor(self) -> Tensor:
        """The controls as float64 `[1, 8]`, to be kept in a state."""
        return torch.tensor([[float(value) for value in dataclasses.astuple(self)]], dtype=torch.float64)

    @classmethod
    def from_tensor(cls, values: Tensor) -> Controls:
        """What `to_tensor` made. Raises ValueError for anything else."""
        fields = dataclasses.fields(cls)
        if values.shape != (1, len(fields)):
            raise ValueError(f"controls must be [1, {len(fields)}], got {list(values.shape)}")
        kinds: Mapping[str, type] = {"float": float, "int": int, "bool": bool}
        pairs = zip(fields, values[0].tolist(), strict=True)
        return cls(**{field.name: kinds[str(field.type)](value) for field, value in pairs})


def _check_number(name: str, value: object, least: float, most: float) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError(f"{name} must be a number, got {value!r}")
    if not least <= value <= most:
        raise ValueError(f"{name} must lie in {least:g}..{most:g}, got {value:g}")


def _check_whole(name: str, value: object, most: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"{name} must be a whole number, got {value!r}")
    if not 0 <= value <= most:
        raise ValueError(f"{name} must lie in 0..{most}, got {value}")
