"""Streaming equals offline, per layer and for the whole codec; nothing looks ahead; a stream stays flat."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from codec import Codec, CodecConfig
from codec.config import CodecTransformerConfig, QuantizerConfig, SeanetConfig, tiny
from codec.layers import streaming
from codec.layers.attention import Transformer
from codec.layers.conv import Conv, ConvTranspose, DepthwiseConv, DepthwiseConvTranspose, ReplicateConv
from codec.layers.excitation import Excitation
from codec.layers.spectrum import LogSpectrum
from codec.patch import ConvNextBlock, PitchReader
from codec.seanet import Downsample, ResidualBlock, Upsample

DIM = 8
FRAME = 1920


def small_mimi(window: int = 24) -> CodecConfig:
    """Mimi's architecture, small: every kind of layer at a hundredth of the size."""
    transformer = CodecTransformerConfig(dim=32, heads=2, layers=2, feedforward=64, window=window)
    body = SeanetConfig(dim=32, filters=4)
    return CodecConfig(
        "mimi", body, transformer, transformer, QuantizerConfig(codebook_dim=16, codebook_size=64, n_q=6)
    )


def patch_body() -> Any:
    return tiny().body


LAYERS: dict[str, tuple[Callable[[], nn.Module], int]] = {  # name -> layer, input steps per chunk unit
    "conv": (lambda: Conv(DIM, 6, 7), 1),
    "strided conv": (lambda: Conv(DIM, 6, 8, 4), 4),
    "replicate conv": (lambda: ReplicateConv(DIM, 4, 2), 2),
    "transposed conv": (lambda: ConvTranspose(DIM, 6, 3), 1),
    "depthwise transposed conv": (lambda: DepthwiseConvTranspose(DIM, 2), 1),
    "depthwise conv": (lambda: DepthwiseConv(DIM, 7), 1),
    "convnext": (lambda: ConvNextBlock(DIM, patch_body()), 1),
    "residual": (lambda: ResidualBlock(DIM, SeanetConfig()), 1),
    "downsample": (lambda: Downsample(DIM, 5, SeanetConfig()), 5),
    "upsample": (lambda: Upsample(DIM, 5, SeanetConfig()), 1),
    "transformer": (lambda: Transformer(CodecTransformerConfig(DIM, 2, 2, 16, window=5, layer_scale=1.0)), 1),
    "pitch": (lambda: PitchReader(DIM, 4, 8), 1),
}


def run(layer: Any, x: Tensor, chunk: int) -> Tensor:
    state = layer.init_state(len(x))
    parts = []
    for part in torch.split(x, chunk, dim=1):
        y, state = layer(part, state)
        parts.append(y)
    return torch.cat(parts, dim=1)


@pytest.mark.parametrize("name", LAYERS)
def test_layer_streams_as_offline(name: str) -> None:
    make, unit = LAYERS[name]
    torch.manual_seed(1)
    layer, steps = make(), 12
    x = torch.randn(3, steps * unit, DIM)
    whole = run(layer, x, steps * unit)
    assert whole.std() > 1e-3
    for chunk in range(1, steps):
        torch.testing.assert_close(run(layer, x, chunk * unit), whole, rtol=1e-5, atol=2e-6)


@pytest.mark.parametrize("name", LAYERS)
def test_layer_never_looks_ahead(name: str) -> None:
    make, unit = LAYERS[name]
    torch.manual_seed(2)
    layer, steps, seen = make(), 8, 5
    x = torch.randn(1, steps * unit, DIM, requires_grad=True)
    y = run(layer, x, steps * unit)
    out_per_unit = y.shape[1] // steps
    (gradient,) = torch.autograd.grad(y[:, : seen * out_per_unit].square().sum(), x)
    assert gradient[:, seen * unit :].abs().max() == 0
    assert gradient[:, (seen - 1) * unit : seen * unit].abs().max() > 0


def test_spectrum_streams_as_offline() -> None:
    layer = LogSpectrum(960, 160, 240, 24, 16, 24_000)
    wav = torch.randn(2, 240 * 9, generator=torch.Generator().manual_seed(3))
    whole, _ = layer(wav, layer.init_state(2))
    for chunk in range(1, 9):
        state, parts = layer.init_state(2), []
        for part in torch.split(wav, 240 * chunk, dim=1):
            y, state = layer(part, state)
            parts.append(y)
        torch.testing.assert_close(torch.cat(parts, dim=1), whole, rtol=1e-5, atol=1e-5)


def test_excitation_streams_as_offline_without_drift() -> None:
    layer, hops = Excitation(240, 24_000), 3000
    pitch = 80 + 200 * torch.rand(1, hops, dtype=torch.float64, generator=torch.Generator().manual_seed(4))
    whole = layer(pitch, layer.init_state(1))
    state = layer.init_state(1)
    for start in range(0, hops, 8):
        pulses, noise, state = layer(pitch[:, start : start + 8], state)
    torch.testing.assert_close(pulses, whole[0][:, -8:], rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(noise, whole[1][:, -8:])
    assert state.phase == pytest.approx(float(whole[2].phase), abs=1e-9)


def test_transformer_agrees_with_plain_masked_attention() -> None:
    torch.manual_seed(5)
    config = CodecTransformerConfig(DIM, 2, 1, 16, window=4, layer_scale=1.0)
    model = Transformer(config)
    x = torch.randn(1, 11, DIM)
    whole = run(model, x, 11)
    for last in range(11):  # a step's output must depend on its window alone: rotations are relative
        first = max(0, last - config.window + 1)
        torch.testing.assert_close(run(model, x[:, first : last + 1], 99)[:, -1], whole[:, last], rtol=1e-4, atol=1e-5)


@pytest.fixture(params=["laptop", "mimi"])
def codec(request: pytest.FixtureRequest) -> Codec:
    torch.manual_seed(6)
    return Codec(tiny() if request.param == "laptop" else small_mimi()).eval()


def speechlike(frames: int, batch: int = 2) -> Tensor:
    """A gliding, pulsing tone in noise `[B, 1, 1920 F]`."""
    generator = torch.Generator().manual_seed(7)
    t = torch.arange(frames * FRAME) / 24_000
    tone = torch.sin(2 * torch.pi * (140 * t + 30 * torch.sin(2 * t))) * (0.6 + 0.4 * torch.sin(9 * t))
    return (0.2 * tone + 0.02 * torch.randn(batch, 1, len(t), generator=generator)).clamp(-1, 1)


def stream(codec: Codec, wav: Tensor, frames: int) -> tuple[Tensor, Tensor]:
    state = codec.init_state(len(wav))
    codes, parts = [], []
    for part in torch.split(wav, frames * FRAME, dim=-1):
        code, state = codec.encode_frame(part, state)
        sound, state = codec.decode_frame(code, state)
        codes.append(code)
        parts.append(sound)
    return torch.cat(codes, dim=-1), torch.cat(parts, dim=-1)


def test_codec_streams_as_offline_without_clicks(codec: Codec) -> None:
    wav = speechlike(31)
    codes = codec.encode(wav)
    sound = codec.decode(codes)
    assert sound.std() > 1e-4
    for frames in (1, 2, 3, 5, 8, 13, 31):
        streamed_codes, streamed = stream(codec, wav, frames)
        assert torch.equal(streamed_codes, codes)
        difference = (streamed - sound).abs()
        assert difference.max() <= 1e-5 * sound.abs().max()
        borders = torch.arange(frames * FRAME, sound.shape[-1], frames * FRAME)  # a click would show as a jump here
        if len(borders):
            jump = difference[..., borders] - difference[..., borders - 1]
            assert jump.abs().max() <= 1e-5 * sound.abs().max()


def test_codec_never_looks_ahead(codec: Codec) -> None:
    torch.manual_seed(8)
    wav = speechlike(6, batch=1).requires_grad_()
    latent = codec.encoder_latent(wav)
    (gradient,) = torch.autograd.grad(latent[:, :4].square().sum(), wav)
    assert gradient[..., 4 * FRAME :].abs().max() == 0
    assert gradient[..., 3 * FRAME : 4 * FRAME].abs().max() > 0
    entries = torch.randn(1, 6, 2 * codec.config.quantizer.codebook_dim, requires_grad=True)
    sound = codec.decode_latent(entries)
    (gradient,) = torch.autograd.grad(sound[..., : 4 * FRAME].square().sum(), entries)
    assert gradient[:, 4:].abs().max() == 0
    assert gradient[:, 3].abs().max() > 0


def test_a_reset_row_starts_anew_and_the_others_go_on(codec: Codec) -> None:
    wav, state = speechlike(9, batch=3), codec.init_state(3)
    first, second = wav[..., : 4 * FRAME], wav[..., 4 * FRAME :]
    codes, state = codec.encode_frame(first, state)
    _, state = codec.decode_frame(codes, state)
    state = codec.reset(state, torch.tensor([False, True, False]))
    codes, state = codec.encode_frame(second, state)
    sound, _ = codec.decode_frame(codes, state)
    through = codec.encode(wav)[..., 4:]
    assert torch.equal(codes[::2], through[::2])
    assert torch.equal(codes[1], codec.encode(second[1:2])[0])
    torch.testing.assert_close(sound[1], codec.decode(codes[1:2])[0], rtol=1e-5, atol=1e-6)


def test_state_is_a_value(codec: Codec, tmp_path: Path) -> None:
    wav, state = speechlike(6), codec.init_state(2)
    _, state = codec.encode_frame(wav[..., : 3 * FRAME], state)
    kept = streaming.copy(state)
    expected, _ = codec.encode_frame(wav[..., 3 * FRAME :], state)
    assert all(torch.equal(a, b) for a, b in zip(*(streaming.flatten(s).values() for s in (state, kept)), strict=True))
    streaming.save(kept, tmp_path / "state.safetensors")
    loaded = streaming.load(tmp_path / "state.safetensors", codec.init_state(1))
    rows = streaming.stack([streaming.select(loaded, torch.tensor([row])) for row in (1, 0)])
    codes, _ = codec.encode_frame(wav[..., 3 * FRAME :].flip(0), rows)
    assert torch.equal(codes.flip(0), expected)
    with pytest.raises(ValueError, match="not a state of this model"):
        streaming.load(
            tmp_path / "state.safetensors", Codec(tiny(3) if codec.config.name == "mimi" else small_mimi()).init_state()
        )


def test_a_long_stream_stays_flat() -> None:
    codec, state = Codec(tiny()).eval(), None
    wav, seconds, held = speechlike(1, batch=1), [], []
    state = codec.init_state(1)
    for _ in range(600):
        start = time.perf_counter()
        codes, state = codec.encode_frame(wav, state)
        _, state = codec.decode_frame(codes, state)
        seconds.append(time.perf_counter() - start)
        held.append(sum(t.untyped_storage().nbytes() for t in streaming.flatten(state).values()))
    early, late = sorted(seconds[50:200])[75], sorted(seconds[-150:])[75]
    assert late < 2 * early, f"a frame took {early * 1e3:.2f} ms early and {late * 1e3:.2f} ms late"
    assert len(set(held[10:])) == 1, "the state's memory grows"
