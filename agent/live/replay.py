"""A conversation kept so that it can be had again, bit for bit: the frames heard, the controls, the tokens said.

    batch = RecordingBatch(bundle, slots=1)      # a Batch that keeps what its conversations heard and said
    slot = batch.open(Controls(seed=1)); ...
    batch.recordings[slot].save("session.safetensors")
    assert replay(load_recording("session.safetensors"), Batch(bundle, slots=1)) is None

It repeats on the same weights, runtime and kind of processor.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from codec.tensor_file import save_tensors
from corpus.audio import FRAME_SAMPLES, Samples

from .batch import Batch, SessionState
from .controls import Controls
from .frame_out import FrameOut
from .stepper import RowOrder


@dataclass
class Replay:
    """What one conversation heard and said."""

    frames: list[Samples] = field(default_factory=list)  # float32 [1920] each
    tokens: list[torch.Tensor] = field(default_factory=list)  # int64 [1 + agent codebooks] each
    controls: list[tuple[int, Controls]] = field(default_factory=list)  # in force from this frame on

    def save(self, path: str | Path) -> None:
        """Write as safetensors. An empty recording raises ValueError."""
        if not self.frames:
            raise ValueError("nothing to keep: the conversation heard no frame")
        tensors = {
            "frames": torch.from_numpy(np.stack(self.frames)),
            "tokens": torch.stack(self.tokens),
            "controls": torch.cat([to_tensor(controls) for _, controls in self.controls]),
            "controls_from": torch.tensor([frame for frame, _ in self.controls]),
        }
        save_tensors(Path(path), tensors)


def load_recording(path: str | Path) -> Replay:
    """Read what `Replay.save` wrote. Anything else raises ValueError."""
    try:
        tensors = load_file(str(path))
        frames, tokens, values = tensors["frames"], tensors["tokens"], tensors["controls"]
        starts = tensors["controls_from"].tolist()
    except (SafetensorError, OSError, KeyError) as error:
        raise ValueError(f"cannot read {path} as a kept conversation: {error}") from None
    whole = frames.dim() == 2 and frames.shape[1] == FRAME_SAMPLES and frames.dtype == torch.float32
    if not whole or len(tokens) != len(frames) or len(values) != len(starts) or starts[:1] != [0]:
        raise ValueError(f"{path} is not a kept conversation: its parts do not fit each other")
    controls = [(start, from_tensor(row[None])) for start, row in zip(starts, values, strict=True)]
    return Replay(list(frames.numpy()), list(tokens), controls)


class RecordingBatch(Batch):
    """A batch that keeps its conversations, each till its slot is opened anew; restored ones are not kept."""

    @cached_property
    def recordings(self) -> dict[int, Replay]:
        """By slot."""
        return {}

    def open(self, controls: Controls | None = None) -> int:
        """See `Batch`."""
        slot = super().open(controls)
        self.recordings[slot] = Replay(controls=[(0, controls or Controls())])
        return slot

    def restore(self, state: SessionState, controls: Controls | None = None) -> int:
        """See `Batch`."""
        slot = super().restore(state, controls)
        self.recordings.pop(slot, None)
        return slot

    def set_controls(self, slot: int, controls: Controls) -> None:
        """See `Batch`."""
        super().set_controls(slot, controls)
        if slot in self.recordings:
            self.recordings[slot].controls.append((len(self.recordings[slot].frames), controls))

    def step(self, frames: Mapping[int, Samples], orders: Mapping[int, RowOrder] | None = None) -> dict[int, FrameOut]:
        """See `Batch`."""
        outs = super().step(frames, orders)
        for slot, out in outs.items():
            if slot in self.recordings:
                self.recordings[slot].frames.append(np.array(frames[slot], np.float32))
                self.recordings[slot].tokens.append(torch.from_numpy(out.tokens))
        return outs


def replay(recording: Replay, batch: Batch) -> int | None:
    """Have a conversation again; returns the first frame whose tokens differ, None if all are the same."""
    changes = dict(recording.controls)
    slot = batch.open(changes[0])
    try:
        for index, (heard, said) in enumerate(zip(recording.frames, recording.tokens, strict=True)):
            if index in changes:
                batch.set_controls(slot, changes[index])
            if not np.array_equal(batch.step({slot: heard})[slot].tokens, said.numpy()):
                return index
    finally:
        batch.close(slot)
    return None


def to_tensor(controls: Controls) -> Tensor:
    """Controls as float64 `[1, 8]`."""
    return torch.tensor([[float(value) for _, value in controls]], dtype=torch.float64)


def from_tensor(values: Tensor) -> Controls:
    """What `to_tensor` made. Raises ValueError for anything else."""
    fields = Controls.model_fields
    if values.shape != (1, len(fields)):
        raise ValueError(f"controls must be [1, {len(fields)}], got {list(values.shape)}")
    pairs = zip(fields.items(), values[0].tolist(), strict=True)
    settings: dict[str, Any] = {name: (field.annotation or float)(value) for (name, field), value in pairs}
    return Controls(**settings)
