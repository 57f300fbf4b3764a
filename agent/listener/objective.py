"""What the listener is trained for: the cues, the voice's future, and the frames of a teacher that hears words."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from .config import CUES, TEACHER
from .labels import FrameLabels
from .network import ListenerNetwork
from .recipe import TrainingRecipe
from .shards import Examples

SMOOTH = 0.01  # of the turn-end targets


@dataclass(frozen=True)
class SceneBatch:
    """Some scenes as tensors, shaped as in `shards.Examples`."""

    hops: Tensor
    labels: dict[str, Tensor]
    teacher: Tensor

    @classmethod
    def of(cls, examples: Examples, rows: NDArray[np.int64]) -> SceneBatch:
        """The rows, in float32."""
        labels = {n: torch.from_numpy(getattr(examples.labels, n)[rows]) for n in FrameLabels.__dataclass_fields__}
        hops, teacher = (torch.from_numpy(x[rows].astype(np.float32)) for x in (examples.hops, examples.teacher))
        return cls(hops, labels, teacher)


def losses(
    network: ListenerNetwork,
    logits: Tensor,
    stream: Tensor,
    batch: SceneBatch,
    recipe: TrainingRecipe,
    end_weight: float,
) -> dict[str, Tensor]:
    """The parts of the loss, weighted; their sum is what is made small.

    Args:
        network: for its training heads.
        logits: of the cues, `[B, T, 4]`.
        stream: hidden, `[B, T, H]`.
        batch: what was heard and what is true.
        recipe: weights.
        end_weight: of ends beside pauses, so that both count alike.
    """
    labels = batch.labels
    speech, turn_end, soon, backchannel = (logits[..., i] for i in range(len(CUES)))
    over = labels["turn_end"]
    asked = labels["turn_end_weight"] * torch.where(over > 0.5, end_weight, 1.0)
    future = functional.binary_cross_entropy_with_logits(network.future(stream), labels["future"])
    return {
        "turn end": _cross_entropy(turn_end, over * (1 - 2 * SMOOTH) + SMOOTH, asked),
        "speech": recipe.speech_weight * functional.binary_cross_entropy_with_logits(speech, labels["speech"]),
        "ends soon": recipe.soon_weight * _cross_entropy(soon, labels["ends_soon"], labels["ends_soon_weight"]),
        "backchannel": recipe.backchannel_weight * _cross_entropy(backchannel, labels["backchannel"], labels["speech"]),
        "future": recipe.future_weight * future,
        "teacher": recipe.teacher_weight * _distance(network.teacher(stream), batch.teacher, recipe.teacher_lag),
    }


def _cross_entropy(logits: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    each = functional.binary_cross_entropy_with_logits(logits, target, reduction="none")
    return (each * weight).sum() / weight.sum().clamp(min=1)


def _distance(foretold: Tensor, teacher: Tensor, lag: int) -> Tensor:
    """Mean square over frames that the teacher knows; the listener may tell frame t at t + lag."""
    told, known = foretold[:, lag:], teacher[:, : teacher.shape[1] - lag]
    mask = ~torch.isnan(known[..., :1])
    difference = torch.where(mask, told - torch.nan_to_num(known), 0.0)
    return (difference**2).sum() / mask.sum().clamp(min=1) / TEACHER
