"""The codec for numpy and torch alike, one wave or a batch of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, overload

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from codec.model import Codec as CodecModel

Array = npt.NDArray[Any]


class Codec:
    """Waveform <-> tokens. What is given as numpy comes back as numpy, what is given as torch as torch.

    `model` is the codec itself (`codec.Codec`), which also streams frame by frame and can be trained.
    """

    def __init__(self, model: CodecModel) -> None:
        self.model = model

    @classmethod
    def load(cls, name: str | Path = "laptop", *, codebooks: int | None = None, device: str = "cpu") -> Codec:
        """A codec with trained weights: a shipped name, a safetensors file or folder, or a hub id in the local cache.

        Raises ValueError when there is none, or for more codebooks than it has.
        """
        return cls(CodecModel.load(name, codebooks).to(device))

    @property
    def sample_rate(self) -> int:
        """Hz, of the waves."""
        return self.model.config.sample_rate

    @property
    def frame_rate(self) -> float:
        """Frames of codes in a second."""
        return self.model.config.sample_rate / self.model.config.frame_samples

    @property
    def codebooks(self) -> int:
        """Codes a frame."""
        return self.model.config.quantizer.n_q

    @overload
    def encode(self, wave: Array, sample_rate: int | None = None) -> npt.NDArray[np.int64]: ...
    @overload
    def encode(self, wave: Tensor, sample_rate: int | None = None) -> Tensor: ...
    def encode(self, wave: Array | Tensor, sample_rate: int | None = None) -> Array | Tensor:
        """One wave float `[T]` -> codes int64 `[K, F]`; a batch `[B, T]` or `[B, 1, T]` -> `[B, K, F]`.

        F is T / 1920, rounded up. Raises ValueError for another shape, for samples that are not finite, and for a
        `sample_rate` that is not the codec's.
        """
        given = torch.as_tensor(wave)
        if not 1 <= given.dim() <= 3:
            raise ValueError(f"a wave must be [T], a batch [B, T] or [B, 1, T], got {list(given.shape)}")
        batch = given.float().to(self._device)
        batch = batch if batch.dim() == 3 else batch.reshape(-1, 1, batch.shape[-1])
        codes = self.model.encode(batch, sample_rate)
        return _like(wave, codes[0] if given.dim() == 1 else codes)

    @overload
    def decode(self, codes: Array) -> npt.NDArray[np.float32]: ...
    @overload
    def decode(self, codes: Tensor) -> Tensor: ...
    def decode(self, codes: Array | Tensor) -> Array | Tensor:
        """Codes int64 `[K, F]` -> one wave float32 `[1920 F]`; a batch `[B, K, F]` -> `[B, 1920 F]`.

        Fewer codebooks than K may be given. Raises ValueError for another shape and for codes out of range.
        """
        given = torch.as_tensor(codes)
        if not 2 <= given.dim() <= 3:
            raise ValueError(f"codes must be [K, F], a batch [B, K, F], got {list(given.shape)}")
        waves = self.model.decode(given.long().to(self._device).reshape(-1, *given.shape[-2:]))[:, 0]
        return _like(codes, waves[0] if given.dim() == 2 else waves)

    @property
    def _device(self) -> torch.device:
        return next(self.model.parameters()).device

    def __repr__(self) -> str:
        name, rate = self.model.config.name, f"{self.sample_rate} Hz"
        return f"<codec {name}: {rate}, {self.frame_rate:g} frames a second, {self.codebooks} codebooks>"


def _like(given: Array | Tensor, result: Tensor) -> Array | Tensor:
    """The result as the kind of array that was given, and where that lies."""
    return result.to(given.device) if isinstance(given, Tensor) else result.cpu().numpy()
