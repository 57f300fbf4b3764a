"""Mimi's body: SEANet convolutions, transformers at 25 Hz, a stride-2 step down to 12.5 Hz frames and back.

Follows Kyutai's `moshi/modules/seanet.py` and `moshi/models/compression.py` in every number, channels-last.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional

from .config import CodecConfig, SeanetConfig
from .layers.attention import Transformer, TransformerState
from .layers.conv import (
    Conv,
    ConvState,
    ConvTranspose,
    DepthwiseConvTranspose,
    OverlapState,
    ReplicateConv,
    ReplicateState,
)


class ResidualBlock(nn.Module):
    """ELU, convolution to a bottleneck, ELU, pointwise back, added to the input."""

    def __init__(self, dim: int, config: SeanetConfig) -> None:
        super().__init__()
        self.conv = Conv(dim, dim // config.compress, config.residual_kernel)
        self.linear = nn.Linear(dim // config.compress, dim)

    def init_state(self, batch: int) -> ConvState:
        """Zeros before the first step."""
        return self.conv.init_state(batch)

    def forward(self, x: Tensor, state: ConvState) -> tuple[Tensor, ConvState]:
        """`[B, T, C]` -> the same shape."""
        y, state = self.conv(functional.elu(x), state)
        return x + self.linear(functional.elu(y)), state


class Downsample(nn.Module):
    """A residual block, then a strided convolution that doubles the channels."""

    def __init__(self, dim: int, ratio: int, config: SeanetConfig) -> None:
        super().__init__()
        self.residual = ResidualBlock(dim, config)
        self.conv = Conv(dim, 2 * dim, 2 * ratio, ratio)

    def init_state(self, batch: int) -> tuple[ConvState, ConvState]:
        """Zeros before the first step."""
        return self.residual.init_state(batch), self.conv.init_state(batch)

    def forward(self, x: Tensor, state: tuple[ConvState, ConvState]) -> tuple[Tensor, tuple[ConvState, ConvState]]:
        """`[B, T, C]` -> `[B, T / ratio, 2 C]`."""
        x, residual = self.residual(x, state[0])
        x, conv = self.conv(functional.elu(x), state[1])
        return x, (residual, conv)


class Upsample(nn.Module):
    """A transposed convolution that halves the channels, then a residual block."""

    def __init__(self, dim: int, ratio: int, config: SeanetConfig) -> None:
        super().__init__()
        self.conv = ConvTranspose(dim, dim // 2, ratio)
        self.residual = ResidualBlock(dim // 2, config)

    def init_state(self, batch: int) -> tuple[OverlapState, ConvState]:
        """Zeros before the first step."""
        return self.conv.init_state(batch), self.residual.init_state(batch)

    def forward(
        self, x: Tensor, state: tuple[OverlapState, ConvState]
    ) -> tuple[Tensor, tuple[OverlapState, ConvState]]:
        """`[B, T, C]` -> `[B, ratio T, C / 2]`."""
        x, conv = self.conv(functional.elu(x), state[0])
        x, residual = self.residual(x, state[1])
        return x, (conv, residual)


@dataclass(frozen=True)
class SeanetEncoderState:
    """State of `SeanetEncoder`."""

    first: ConvState
    stages: tuple[tuple[ConvState, ConvState], ...]
    last: ConvState
    transformer: TransformerState
    downsample: ReplicateState


class SeanetEncoder(nn.Module):
    """Samples `[B, T]` -> latent `[B, F, D]`, one vector per frame."""

    def __init__(self, config: CodecConfig, body: SeanetConfig) -> None:
        super().__init__()
        self.first = Conv(1, body.filters, body.kernel)
        dims = [body.filters << stage for stage in range(len(body.ratios) + 1)]
        self.stages = nn.ModuleList(
            Downsample(dim, ratio, body) for dim, ratio in zip(dims, reversed(body.ratios), strict=False)
        )
        self.last = Conv(dims[-1], body.dim, body.last_kernel)
        self.transformer = Transformer(config.encoder_transformer)
        self.downsample = ReplicateConv(body.dim, 4, 2)

    def init_state(self, batch: int) -> SeanetEncoderState:
        """The state before the first sample."""
        stages = tuple(stage.init_state(batch) for stage in self.stages if isinstance(stage, Downsample))
        return SeanetEncoderState(
            self.first.init_state(batch),
            stages,
            self.last.init_state(batch),
            self.transformer.init_state(batch),
            self.downsample.init_state(batch),
        )

    def forward(self, wav: Tensor, state: SeanetEncoderState) -> tuple[Tensor, SeanetEncoderState]:
        """`[B, 1920 F]` -> `[B, F, D]`."""
        x, first = self.first(wav[..., None], state.first)
        stages = []
        for stage, before in zip(self.stages, state.stages, strict=True):
            x, after = stage(x, before)
            stages.append(after)
        x, last = self.last(functional.elu(x), state.last)
        x, transformer = self.transformer(x, state.transformer)
        x, downsample = self.downsample(x, state.downsample)
        return x, SeanetEncoderState(first, tuple(stages), last, transformer, downsample)


@dataclass(frozen=True)
class SeanetDecoderState:
    """State of `SeanetDecoder`."""

    upsample: OverlapState
    transformer: TransformerState
    first: ConvState
    stages: tuple[tuple[OverlapState, ConvState], ...]
    last: ConvState


class SeanetDecoder(nn.Module):
    """Latent `[B, F, D]` -> samples `[B, T]`."""

    def __init__(self, config: CodecConfig, body: SeanetConfig) -> None:
        super().__init__()
        self.upsample = DepthwiseConvTranspose(body.dim, 2)
        self.transformer = Transformer(config.decoder_transformer)
        dims = [body.filters << stage for stage in range(len(body.ratios), -1, -1)]
        self.first = Conv(body.dim, dims[0], body.kernel)
        self.stages = nn.ModuleList(Upsample(dim, ratio, body) for dim, ratio in zip(dims, body.ratios, strict=False))
        self.last = Conv(dims[-1], 1, body.last_kernel)

    def init_state(self, batch: int) -> SeanetDecoderState:
        """The state before the first frame."""
        stages = tuple(stage.init_state(batch) for stage in self.stages if isinstance(stage, Upsample))
        return SeanetDecoderState(
            self.upsample.init_state(batch),
            self.transformer.init_state(batch),
            self.first.init_state(batch),
            stages,
            self.last.init_state(batch),
        )

    def forward(self, entries: Tensor, latent: Tensor, state: SeanetDecoderState) -> tuple[Tensor, SeanetDecoderState]:
        """Latent `[B, F, D]` -> `[B, 1920 F]`; the entries it was combined from are not needed here."""
        x, upsample = self.upsample(latent, state.upsample)
        x, transformer = self.transformer(x, state.transformer)
        x, first = self.first(x, state.first)
        stages = []
        for stage, before in zip(self.stages, state.stages, strict=True):
            x, after = stage(x, before)
            stages.append(after)
        x, last = self.last(functional.elu(x), state.last)
        return x[..., 0], SeanetDecoderState(upsample, transformer, first, tuple(stages), last)
