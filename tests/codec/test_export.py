"""The exported graphs in ONNX Runtime against the codec itself."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch

from codec import Codec, CodecConfig
from codec.config import CodecTransformerConfig, QuantizerConfig, SeanetConfig, tiny
from codec.export import shorten
from codec.layers import streaming
from codec.runtime import OnnxCodec, fastest, folder_name

FRAME = 1920


def small_mimi() -> CodecConfig:
    transformer = CodecTransformerConfig(dim=16, heads=2, layers=1, feedforward=32, window=8)
    quantizer = QuantizerConfig(codebook_dim=8, codebook_size=32, n_q=3)
    return CodecConfig("mimi", SeanetConfig(dim=16, filters=2), transformer, transformer, quantizer)


@pytest.fixture(scope="module", params=["laptop", "mimi"])
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Codec, OnnxCodec]:
    torch.manual_seed(31)
    codec = Codec(tiny() if request.param == "laptop" else small_mimi()).eval()
    return codec, fastest(codec, tmp_path_factory.mktemp("onnx"), int8=False)


def test_streams_equal_the_codec_beyond_its_window_and_after_a_reset(pair: tuple[Codec, OnnxCodec]) -> None:
    codec, onnx = pair
    wav = 0.2 * torch.randn(3, 1, 12 * FRAME, generator=torch.Generator().manual_seed(32))
    state, other = codec.init_state(3), onnx.init_state(3)
    rows = torch.tensor([False, False, True])
    for index, part in enumerate(torch.split(wav, 2 * FRAME, dim=-1)):
        if index == 4:
            state, other = codec.reset(state, rows), onnx.reset(other, rows)
        codes, state = codec.encode_frame(part, state)
        same, other = onnx.encode_frame(part, other)
        assert torch.equal(same, codes)
        sound, state = codec.decode_frame(codes, state)
        found, other = onnx.decode_frame(codes, other)
        torch.testing.assert_close(found, sound, rtol=1e-4, atol=1e-5)
    assert streaming.flatten(state).keys() == streaming.flatten(other).keys()
    codes, _ = onnx.encode_frame(wav[..., :FRAME], state)  # a torch stream goes on in ONNX Runtime
    assert torch.equal(codes, codec.encode_frame(wav[..., :FRAME], other)[0])


def test_offline_and_errors(pair: tuple[Codec, OnnxCodec], tmp_path: Path) -> None:
    codec, onnx = pair
    wav = 0.2 * torch.randn(1, 1, 3 * FRAME + 5, generator=torch.Generator().manual_seed(33))
    codes = codec.encode(wav)
    assert torch.equal(onnx.encode(wav), codes)
    torch.testing.assert_close(onnx.decode(codes), codec.decode(codes), rtol=1e-4, atol=1e-5)
    assert onnx.encode(wav[..., :0]).shape == (1, codes.shape[1], 0)
    with pytest.raises(ValueError, match="whole frames"):
        onnx.encode_frame(wav, onnx.init_state())
    with pytest.raises(ValueError, match="decodes all"):
        onnx.decode(codes[:, :1])
    with pytest.raises(ValueError, match="holds no exported codec"):
        OnnxCodec(tmp_path)
    (tmp_path / "codec.json").write_text((onnx.folder / "codec.json").read_text())
    (tmp_path / "encoder.onnx").write_bytes(b"not a graph")
    with pytest.raises(ValueError, match="as ONNX"):
        OnnxCodec(tmp_path)


def test_an_export_is_made_once_per_weights(pair: tuple[Codec, OnnxCodec]) -> None:
    codec, onnx = pair
    cache, made = onnx.folder.parent, (onnx.folder / "decoder.onnx").stat().st_mtime_ns
    assert (fastest(codec, cache, int8=False).folder / "decoder.onnx").stat().st_mtime_ns == made
    assert [folder.name for folder in cache.iterdir()] == [onnx.folder.name]
    other = Codec(codec.config)
    assert folder_name(other, int8=False) != onnx.folder.name == folder_name(codec, int8=False)


def test_eight_bits_are_smaller_and_close(pair: tuple[Codec, OnnxCodec], tmp_path: Path) -> None:
    codec, onnx = pair
    folder = tmp_path / "int8"
    shutil.copytree(onnx.folder, folder)
    short = OnnxCodec(shorten(codec, folder))
    codes = torch.randint(32, (1, codec.config.quantizer.n_q, 10), generator=torch.Generator().manual_seed(35))
    spectra = [
        torch.stft(sound[0], 512, window=torch.hann_window(512), return_complex=True).abs().clamp(min=1e-3).log10()
        for sound in (codec.decode(codes), short.decode(codes))
    ]
    decibels = 20 * (spectra[0] - spectra[1]).abs().mean()
    assert 1e-4 < decibels < 0.5  # eight bits change something, little
    assert short.encode(torch.zeros(1, 1, FRAME)).shape == codes[..., :1].shape
