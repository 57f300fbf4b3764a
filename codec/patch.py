"""The laptop body: log spectra -> ConvNeXt at 100 Hz -> one vector a frame, and back to sound.

The decoder ends in a source-filter head. Every 10 ms hop it predicts, for a patch of two hops that starts with the hop:
a complex filter for a pulse train at the predicted pitch, a gain for noise per Fourier bin, and a free waveform. The
patch is windowed and overlap-added, so a hop's sound is complete when its vector is known: no delay is added.
All arrays are channels-last `[B, T, C]`; T counts hops within a body and frames outside.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from .config import CodecConfig, PatchConfig
from .layers.attention import Transformer, TransformerState
from .layers.conv import ConvState, DepthwiseConv
from .layers.excitation import HIGHEST, LOWEST, TILT, Excitation, ExcitationState
from .layers.spectrum import LogSpectrum, SpectrumState, constant, fourier_basis, half_sine

PITCH_CONTEXT = 3  # frames the pitch is read from
MEAN_LOG_PITCH = 7.2  # log2 Hz: 147 Hz, where an untrained decoder starts
START_LEVEL = -4.0  # log gain of both sources before training
GAIN_LIMIT = 7.0  # of a log gain


class ConvNextBlock(nn.Module):
    """Depthwise convolution over time, then a pointwise GELU network (arXiv 2201.03545), residual, causal."""

    def __init__(self, dim: int, config: PatchConfig) -> None:
        super().__init__()
        self.conv = DepthwiseConv(dim, config.kernel)
        self.norm = nn.LayerNorm(dim)
        self.linear1 = nn.Linear(dim, config.expansion * dim)
        self.linear2 = nn.Linear(config.expansion * dim, dim)
        self.scale = nn.Parameter(torch.full((dim,), config.layer_scale))

    def init_state(self, batch: int) -> ConvState:
        """Zeros before the first hop."""
        return self.conv.init_state(batch)

    def forward(self, x: Tensor, state: ConvState) -> tuple[Tensor, ConvState]:
        """`[B, T, C]` -> the same shape."""
        mixed, state = self.conv(x, state)
        return x + self.scale * self.linear2(functional.gelu(self.linear1(self.norm(mixed)))), state


@dataclass(frozen=True)
class PatchEncoderState:
    """State of `PatchEncoder`."""

    spectrum: SpectrumState
    blocks: tuple[ConvState, ...]
    transformer: TransformerState


class PatchEncoder(nn.Module):
    """Samples `[B, T]` -> latent `[B, F, D]`, one vector per frame."""

    def __init__(self, config: CodecConfig, body: PatchConfig) -> None:
        super().__init__()
        dim, self.hops = body.encoder_dim, config.frame_samples // body.hop
        self.spectrum = LogSpectrum(
            body.window, body.window_fall, body.hop, body.mel_bands, body.linear_bins, config.sample_rate
        )
        self.embed = nn.Linear(self.spectrum.dim, dim)
        self.blocks = nn.ModuleList(ConvNextBlock(dim, body) for _ in range(body.encoder_blocks))
        self.merge = nn.Linear(dim * self.hops, config.latent_dim)
        self.transformer = Transformer(config.encoder_transformer)

    def init_state(self, batch: int) -> PatchEncoderState:
        """The state before the first sample."""
        blocks = tuple(block.init_state(batch) for block in self.blocks if isinstance(block, ConvNextBlock))
        return PatchEncoderState(self.spectrum.init_state(batch), blocks, self.transformer.init_state(batch))

    def forward(self, wav: Tensor, state: PatchEncoderState) -> tuple[Tensor, PatchEncoderState]:
        """`[B, 1920 F]` -> `[B, F, D]`."""
        features, spectrum = self.spectrum(wav, state.spectrum)
        x, states = self.embed(features), []
        for block, before in zip(self.blocks, state.blocks, strict=True):
            x, after = block(x, before)
            states.append(after)
        x = self.merge(x.reshape(x.shape[0], -1, x.shape[2] * self.hops))
        x, transformer = self.transformer(x, state.transformer)
        return x, PatchEncoderState(spectrum, tuple(states), transformer)


class PitchReader(nn.Module):
    """Codebook entries of the last frames -> log2 pitch per hop, in float64.

    A phase is the sum of all past pitches, so float32 rounding, which depends on how a stream is cut, would grow into
    audible differences. Entries have the same bits for any cut; from there on float64 keeps streams alike.
    """

    mean: Tensor

    def __init__(self, entry_dim: int, hidden: int, hops: int) -> None:
        super().__init__()
        self.linear1 = nn.Linear(PITCH_CONTEXT * entry_dim, hidden)
        self.linear2 = nn.Linear(hidden, hidden)
        self.linear3 = nn.Linear(hidden, hops)
        self.entry_dim = entry_dim
        # A buffer, since ONNX export rounds Python numbers to float32.
        self.register_buffer("mean", torch.tensor(MEAN_LOG_PITCH, dtype=torch.float64), persistent=False)

    def init_state(self, batch: int) -> ConvState:
        """Zeros before the first frame."""
        return ConvState(self.linear1.weight.new_zeros(batch, PITCH_CONTEXT - 1, self.entry_dim))

    def forward(self, entries: Tensor, state: ConvState) -> tuple[Tensor, ConvState]:
        """`[B, F, 2 E]` -> float64 log2 Hz `[B, hops F]`."""
        seen = torch.cat([state.previous, entries.float()], dim=1)
        with torch.autocast(entries.device.type, enabled=False):
            x = seen.double().unfold(1, PITCH_CONTEXT, 1).flatten(2)
            for layer in (self.linear1, self.linear2):
                x = torch.tanh(functional.linear(x, layer.weight.double(), layer.bias.double()))
            x = functional.linear(x, self.linear3.weight.double(), self.linear3.bias.double())
        return self.mean + x.flatten(1), ConvState(seen[:, 1 - PITCH_CONTEXT :])


@dataclass(frozen=True)
class PatchDecoderState:
    """State of `PatchDecoder`."""

    transformer: TransformerState
    blocks: tuple[ConvState, ...]
    pitch: ConvState
    excitation: ExcitationState
    tail: Tensor  # [B, hop], what the last patch adds to the next hop


class SourceFilterHead(nn.Module):
    """Vectors and source patches -> waveform patches `[B, T, 2 hop]`."""

    forward_basis: Tensor
    inverse_basis: Tensor

    def __init__(self, dim: int, hop: int) -> None:
        super().__init__()
        size, self.bins = 2 * hop, hop + 1
        self.norm = nn.LayerNorm(dim)
        self.filters = nn.Linear(dim, 3 * self.bins)  # log gain and phase of the pulses' filter, log gain of the noise
        self.free = nn.Linear(dim, size)
        with torch.no_grad():
            nn.init.normal_(self.filters.weight, std=0.02)
            self.filters.bias.fill_(START_LEVEL)
            self.filters.bias[self.bins : 2 * self.bins] = 0.0
            self.free.weight.zero_()
            self.free.bias.zero_()
        cosine, sine = fourier_basis(size)
        untilt = np.exp(np.linspace(0, TILT, self.bins))
        weight = np.full(self.bins, 2.0)
        weight[[0, -1]] = 1.0
        inverse = np.concatenate([(cosine * weight).T, (sine * weight).T]) * (half_sine(size) / size)
        self.register_buffer(
            "forward_basis", constant(np.concatenate([cosine, sine], 1) * np.tile(untilt, 2)), persistent=False
        )
        self.register_buffer("inverse_basis", constant(inverse), persistent=False)

    def forward(self, x: Tensor, pulses: Tensor, noise: Tensor) -> Tensor:
        """`x` [B, T, C], pulse patches [B, T, 2 hop], noise spectra [B, T, 2 (hop + 1)] -> [B, T, 2 hop]."""
        x = self.norm(x)
        settings, free = self.filters(x).float(), self.free(x).float()
        with torch.autocast(x.device.type, enabled=False):
            gain, phase, noise_gain = settings.split(self.bins, dim=-1)
            gain, noise_gain = gain.clamp(max=GAIN_LIMIT).exp(), noise_gain.clamp(max=GAIN_LIMIT).exp()
            in_phase, quadrature = gain * phase.cos(), gain * phase.sin()
            real, imaginary = (pulses @ self.forward_basis).chunk(2, dim=-1)
            noise_real, noise_imaginary = noise.chunk(2, dim=-1)
            spectrum = torch.cat(
                [
                    real * in_phase - imaginary * quadrature + noise_gain * noise_real,
                    real * quadrature + imaginary * in_phase + noise_gain * noise_imaginary,
                ],
                dim=-1,
            )
            patches: Tensor = spectrum @ self.inverse_basis + free
        return patches


class PatchDecoder(nn.Module):
    """Latent `[B, F, D]` -> samples `[B, T]`."""

    def __init__(self, config: CodecConfig, body: PatchConfig) -> None:
        super().__init__()
        dim, self.hop, self.hops = body.decoder_dim, body.hop, config.frame_samples // body.hop
        self.source_block = body.source_block
        self.transformer = Transformer(config.decoder_transformer)
        self.expand = nn.Linear(config.latent_dim, dim * self.hops)
        self.blocks = nn.ModuleList(ConvNextBlock(dim, body) for _ in range(body.decoder_blocks))
        self.pitch = PitchReader(2 * config.quantizer.codebook_dim, body.pitch_hidden, self.hops)
        self.excitation = Excitation(body.hop, config.sample_rate)
        self.inject = nn.Linear(2 * body.hop, dim, bias=False)
        self.head = SourceFilterHead(dim, body.hop)
        nn.init.zeros_(self.inject.weight)

    def init_state(self, batch: int) -> PatchDecoderState:
        """The state before the first frame."""
        blocks = tuple(block.init_state(batch) for block in self.blocks if isinstance(block, ConvNextBlock))
        tail = self.excitation.taper.new_zeros(batch, self.hop)
        return PatchDecoderState(
            self.transformer.init_state(batch),
            blocks,
            self.pitch.init_state(batch),
            self.excitation.init_state(batch),
            tail,
        )

    def forward(self, entries: Tensor, latent: Tensor, state: PatchDecoderState) -> tuple[Tensor, PatchDecoderState]:
        """Entries `[B, F, 2 E]` and the latent combined from them `[B, F, D]` -> `[B, 1920 F]`."""
        log_pitch, pitch = self.read_pitch(entries, state)
        return self.synthesize(latent, log_pitch, pitch, state)

    def read_pitch(self, entries: Tensor, state: PatchDecoderState) -> tuple[Tensor, ConvState]:
        """Entries `[B, F, 2 E]` -> log2 Hz, float64 `[B, 8 F]`, with gradient."""
        log_pitch, pitch = self.pitch(entries, state.pitch)
        return log_pitch, pitch

    def synthesize(
        self, latent: Tensor, log_pitch: Tensor, pitch: ConvState, state: PatchDecoderState
    ) -> tuple[Tensor, PatchDecoderState]:
        """Latent `[B, F, D]` and log2 pitch `[B, 8 F]` -> samples `[B, 1920 F]`; `pitch` is the reader's new state."""
        x, transformer = self.transformer(latent, state.transformer)
        x = self.expand(x).reshape(x.shape[0], -1, self.expand.out_features // self.hops)
        x, early = self._run(x, state, 0, self.source_block)
        track = torch.exp2(log_pitch.detach()).clamp(LOWEST, HIGHEST)
        pulses, noise, excitation = self.excitation(track, state.excitation)
        x, late = self._run(x + self.inject(pulses), state, self.source_block, len(self.blocks))
        patches = self.head(x, pulses, noise)
        first, second = patches.split(self.hop, dim=-1)
        wav = first + torch.cat([state.tail[:, None], second[:, :-1]], dim=1)
        after = PatchDecoderState(transformer, early + late, pitch, excitation, second[:, -1])
        return wav.flatten(1), after

    def _run(self, x: Tensor, state: PatchDecoderState, start: int, stop: int) -> tuple[Tensor, tuple[ConvState, ...]]:
        """Blocks start..stop - 1."""
        states = []
        for index in range(start, stop):
            x, after = self.blocks[index](x, state.blocks[index])
            states.append(after)
        return x, tuple(states)
