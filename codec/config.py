"""The codec's architecture as frozen dataclasses; presets are functions returning a full configuration.

Every preset keeps one token contract: 24 kHz, frames of 1920 samples (80 ms, 12.5 Hz), codebooks of 2048 entries.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

from corpus.audio import FRAME_SAMPLES, SAMPLE_RATE


@dataclasses.dataclass(frozen=True)
class CodecTransformerConfig:
    """A causal transformer with rotary positions and a sliding attention window."""

    dim: int
    heads: int
    layers: int
    feedforward: int
    window: int  # steps a query sees, itself included
    layer_scale: float = 0.01  # initial value of the residual gains
    max_period: float = 10_000.0  # of the rotary positions

    def __post_init__(self) -> None:
        if self.dim % (2 * self.heads):
            raise ValueError(f"transformer dim {self.dim} must split into {self.heads} heads of even size")
        if self.window < 1:
            raise ValueError(f"transformer window must be at least 1, got {self.window}")


@dataclasses.dataclass(frozen=True)
class QuantizerConfig:
    """Split residual vector quantization: the first codebook is semantic, the rest are residual on their own branch."""

    codebook_dim: int
    codebook_size: int = 2048
    n_q: int = 8

    def __post_init__(self) -> None:
        if self.n_q < 1:
            raise ValueError(f"n_q must be at least 1, got {self.n_q}")


@dataclasses.dataclass(frozen=True)
class SeanetConfig:
    """Mimi's convolutional body (SEANet, arXiv 2009.02095), at the sizes of kyutai/mimi by default."""

    dim: int = 512  # of the latent
    filters: int = 64  # channels at the waveform's rate
    ratios: tuple[int, ...] = (8, 6, 5, 4)  # upsampling factors in the decoder's order
    kernel: int = 7
    residual_kernel: int = 3
    last_kernel: int = 3
    compress: int = 2  # the residual blocks' bottleneck

    @property
    def stride(self) -> int:
        """Samples per step of the transformers; one frame is two steps."""
        return math.prod(self.ratios)


@dataclasses.dataclass(frozen=True)
class PatchConfig:
    """The laptop body: log spectra in, ConvNeXt blocks at the hop rate, a harmonic-plus-noise overlap-add head."""

    encoder_dim: int
    encoder_blocks: int
    decoder_dim: int
    decoder_blocks: int
    source_block: int  # decoder blocks before the pitch is read and the source waveform injected
    hop: int = 240  # samples: 10 ms
    window: int = 960  # samples of the analysis window: 40 ms, ending with the hop
    window_fall: int = 160  # samples over which the analysis window falls at its recent end
    mel_bands: int = 80
    linear_bins: int = 80  # of 25 Hz: harmonics resolved up to 2 kHz
    kernel: int = 7
    expansion: int = 3
    layer_scale: float = 0.2
    pitch_hidden: int = 192  # width of the network that reads the pitch off the codes

    def __post_init__(self) -> None:
        if not 0 <= self.source_block <= self.decoder_blocks:
            raise ValueError(f"source_block must lie in 0..{self.decoder_blocks}, got {self.source_block}")
        if FRAME_SAMPLES % self.hop:
            raise ValueError(f"hop {self.hop} must divide the frame of {FRAME_SAMPLES} samples")


@dataclasses.dataclass(frozen=True)
class CodecConfig:
    """A whole codec. The body's type decides the architecture."""

    name: str
    body: SeanetConfig | PatchConfig
    encoder_transformer: CodecTransformerConfig
    decoder_transformer: CodecTransformerConfig
    quantizer: QuantizerConfig
    sample_rate: int = SAMPLE_RATE
    frame_samples: int = FRAME_SAMPLES

    def __post_init__(self) -> None:
        if isinstance(self.body, SeanetConfig):
            if self.frame_samples != 2 * self.body.stride:
                raise ValueError(f"ratios {self.body.ratios} make frames of {2 * self.body.stride} samples")
            if self.encoder_transformer.dim != self.body.dim or self.decoder_transformer.dim != self.body.dim:
                raise ValueError(f"both transformers must have the body's dim {self.body.dim}")
        elif self.encoder_transformer.dim != self.decoder_transformer.dim:
            raise ValueError("both transformers must have the same dim")

    @property
    def latent_dim(self) -> int:
        """Width of the latent before quantization."""
        return self.encoder_transformer.dim

    @property
    def bitrate(self) -> float:
        """Bits per second."""
        frame_rate = self.sample_rate / self.frame_samples
        return frame_rate * self.quantizer.n_q * math.log2(self.quantizer.codebook_size)


def mimi(n_q: int = 8) -> CodecConfig:
    """Kyutai's Mimi (arXiv 2410.00037; kyutai/mimi), 1 to 32 codebooks of the 32 it was trained with."""
    if not 1 <= n_q <= 32:
        raise ValueError(f"Mimi has 1 to 32 codebooks, got n_q={n_q}")
    transformer = CodecTransformerConfig(dim=512, heads=8, layers=8, feedforward=2048, window=250)
    return CodecConfig("mimi", SeanetConfig(), transformer, transformer, QuantizerConfig(codebook_dim=256, n_q=n_q))


def laptop(n_q: int = 8) -> CodecConfig:
    """The light codec: under 15 M parameters, one tenth of Mimi's time on one core."""
    transformer = CodecTransformerConfig(dim=288, heads=6, layers=4, feedforward=1152, window=40, layer_scale=0.2)
    body = PatchConfig(encoder_dim=192, encoder_blocks=4, decoder_dim=224, decoder_blocks=6, source_block=2)
    return CodecConfig("laptop", body, transformer, transformer, QuantizerConfig(codebook_dim=64, n_q=n_q))


def tiny(n_q: int = 4) -> CodecConfig:
    """A laptop codec of some ten thousand parameters, for tests."""
    transformer = CodecTransformerConfig(dim=16, heads=2, layers=1, feedforward=32, window=6, layer_scale=0.2)
    body = PatchConfig(
        encoder_dim=16,
        encoder_blocks=1,
        decoder_dim=16,
        decoder_blocks=2,
        source_block=1,
        mel_bands=24,
        linear_bins=16,
        pitch_hidden=8,
    )
    quantizer = QuantizerConfig(codebook_dim=8, codebook_size=32, n_q=n_q)
    return CodecConfig("tiny", body, transformer, transformer, quantizer)


PRESETS = {"mimi": mimi, "laptop": laptop, "tiny": tiny}


def to_dict(config: CodecConfig) -> dict[str, Any]:
    """The configuration as JSON-ready values; `from_dict` reads it back."""
    return {"kind": type(config.body).__name__, **dataclasses.asdict(config)}


def from_dict(values: Mapping[str, Any]) -> CodecConfig:
    """Read what `to_dict` wrote. Missing or unknown keys raise ValueError."""
    fields = dict(values)
    bodies: dict[str, type[SeanetConfig] | type[PatchConfig]] = {
        "SeanetConfig": SeanetConfig,
        "PatchConfig": PatchConfig,
    }
    try:
        body_type = bodies[fields.pop("kind")]
        body: dict[str, Any] = dict(fields.pop("body"))
        body.update({key: tuple(value) for key, value in body.items() if isinstance(value, list)})
        return CodecConfig(
            body=body_type(**body),
            encoder_transformer=CodecTransformerConfig(**fields.pop("encoder_transformer")),
            decoder_transformer=CodecTransformerConfig(**fields.pop("decoder_transformer")),
            quantizer=QuantizerConfig(**fields.pop("quantizer")),
            **fields,
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a codec configuration: {error}") from None
