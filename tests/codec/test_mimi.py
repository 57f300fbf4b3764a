"""Mimi against the reference wheels `moshi` and `transformers`, with random weights and no download."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from codec import Codec, CodecConfig, mimi
from codec.config import CodecTransformerConfig, QuantizerConfig, SeanetConfig
from codec.layouts import from_foreign, links

FRAME = 1920
HEADS, DIM, FILTERS, BINS, BOOK_DIM, BOOKS = 4, 32, 4, 64, 16, 9
LONG = 150  # frames: 300 steps of the transformers, beyond their window of 250


@pytest.fixture(scope="module")
def loaders() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("moshi.models.loaders", reason="pip install --no-deps moshi")


@pytest.fixture(scope="module")
def transformers() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("transformers")


def small(n_q: int = BOOKS) -> CodecConfig:
    transformer = CodecTransformerConfig(dim=DIM, heads=HEADS, layers=2, feedforward=64, window=250)
    quantizer = QuantizerConfig(codebook_dim=BOOK_DIM, codebook_size=BINS, n_q=n_q)
    return CodecConfig("mimi", SeanetConfig(dim=DIM, filters=FILTERS), transformer, transformer, quantizer)


def shaken(module: Any) -> Any:
    """Random weights in which every part of the model matters."""
    generator = torch.Generator().manual_seed(11)
    with torch.no_grad():
        for name, tensor in [*module.named_parameters(), *module.named_buffers()]:
            if "scale" in name:
                tensor.copy_(0.2 + 0.5 * torch.rand(tensor.shape, generator=generator))
            elif name.endswith("cluster_usage"):
                tensor.copy_(0.5 + torch.rand(tensor.shape, generator=generator))
            elif name.endswith(("embedding_sum", "embed_sum")):
                tensor.copy_(torch.randn(tensor.shape, generator=generator) * 0.1)
            elif "conv" in name:
                tensor.mul_(0.1 if name.endswith("bias") else 1.8)  # else the latent hardly varies
            elif "norm" in name and tensor.dim() == 1:
                tensor.add_(0.1 * torch.randn(tensor.shape, generator=generator))
    return module.eval()


def build_moshi(loaders: Any, n_q: int = BOOKS) -> Any:
    settings = {
        **loaders._mimi_config,
        "seanet": {**loaders._seanet_kwargs, "dimension": DIM, "n_filters": FILTERS},
        "transformer": {
            **loaders._transformer_kwargs,
            **{"d_model": DIM, "num_heads": HEADS, "num_layers": 2, "dim_feedforward": 64},
            **{"input_dimension": DIM, "output_dimensions": [DIM]},
        },
        "quantizer": {"dimension": BOOK_DIM, "n_q": n_q, "bins": BINS, "input_dimension": DIM, "output_dimension": DIM},
    }
    torch.manual_seed(12)
    return shaken(loaders.get_mimi(None, settings, num_codebooks=n_q))


@pytest.fixture(scope="module")
def moshi_mimi(loaders: Any) -> Any:
    return build_moshi(loaders)


@pytest.fixture(scope="module")
def kyutai_file(moshi_mimi: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The reference's weights under the names of the official file."""
    path = tmp_path_factory.mktemp("kyutai") / "tokenizer-small.safetensors"
    names = ((".in_projs.0.weight", ".in_proj_weight"), (".out_projs.0.weight", ".out_proj.weight"))
    tensors = {}
    for name, tensor in moshi_mimi.state_dict().items():
        for old, new in names:
            name = name.replace(old, new)
        tensors[name] = tensor.contiguous()
    save_file(tensors, str(path))
    return path


@pytest.fixture(scope="module")
def ours(kyutai_file: Path) -> Codec:
    return Codec.load(kyutai_file, config=small())


def noise(frames: int, batch: int = 1) -> Tensor:
    return 0.1 * torch.randn(batch, 1, frames * FRAME, generator=torch.Generator().manual_seed(13))


def relative(found: Tensor, expected: Tensor) -> float:
    return float((found - expected).norm() / expected.norm())


@torch.no_grad()
def test_offline_equals_moshi_beyond_the_window(moshi_mimi: Any, ours: Codec) -> None:
    wav = noise(LONG, batch=2)
    codes = moshi_mimi.encode(wav)
    assert codes.unique().numel() > BINS // 2
    assert torch.equal(ours.encode(wav), codes)
    expected = moshi_mimi.decode(codes)
    assert expected.std() > 1e-3
    assert relative(ours.decode(codes), expected) < 1e-5


@torch.no_grad()
def test_streaming_equals_moshi_with_a_reset_inside_the_batch(moshi_mimi: Any, ours: Codec) -> None:
    wav, rows = noise(20, batch=3), torch.tensor([False, True, False])
    state = ours.init_state(3)
    with moshi_mimi.streaming(3):
        for index, part in enumerate(torch.split(wav, FRAME, dim=-1)):
            if index == 8:
                moshi_mimi.reset_streaming(rows)
                state = ours.reset(state, rows)
            expected_codes = moshi_mimi.encode(part)
            codes, state = ours.encode_frame(part, state)
            assert torch.equal(codes, expected_codes)
            expected = moshi_mimi.decode(expected_codes)
            sound, state = ours.decode_frame(codes, state)
            assert relative(sound, expected) < 1e-5


@torch.no_grad()
@pytest.mark.parametrize("n_q", [1, 2, 8])
def test_fewer_codebooks(moshi_mimi: Any, kyutai_file: Path, n_q: int) -> None:
    codec, wav = Codec.load(kyutai_file, config=small(n_q)), noise(12)
    moshi_mimi.set_num_codebooks(n_q)
    try:
        codes = moshi_mimi.encode(wav)
        assert torch.equal(codec.encode(wav), codes)
        assert relative(codec.decode(codes), moshi_mimi.decode(codes)) < 1e-5
    finally:
        moshi_mimi.set_num_codebooks(BOOKS)


@torch.no_grad()
def test_moshi_reads_what_we_write(loaders: Any, ours: Codec, tmp_path: Path) -> None:
    file = ours.save(tmp_path / "tokenizer.safetensors", layout="kyutai")
    other, wav = build_moshi(loaders), noise(10)
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.zero_()
    other.load_state_dict(load_file(str(file)))
    codes = other.encode(wav)
    assert torch.equal(codes, ours.encode(wav))
    assert relative(ours.decode(codes), other.decode(codes)) < 1e-5


@torch.no_grad()
def test_huggingface_both_ways(transformers: Any, ours: Codec, tmp_path: Path) -> None:
    file = ours.save(tmp_path / "ours", layout="huggingface")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = transformers.MimiModel.from_pretrained(file.parent).eval()
    wav = noise(LONG, batch=2)
    codes = model.encode(wav, num_quantizers=BOOKS).audio_codes
    assert torch.equal(ours.encode(wav), codes)
    assert relative(ours.decode(codes), model.decode(codes).audio_values) < 1e-5
    model.save_pretrained(tmp_path / "theirs")
    back = Codec.load(tmp_path / "theirs", config=small())
    for name, tensor in ours.state_dict().items():
        torch.testing.assert_close(back.state_dict()[name], tensor, rtol=0, atol=0, msg=name)


@torch.no_grad()
def test_streaming_equals_huggingface(transformers: Any, ours: Codec, tmp_path: Path) -> None:
    """Its encoder streams; its decoder does not, so the streamed sound is held against its offline one."""
    file = ours.save(tmp_path / "ours", layout="huggingface")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = transformers.MimiModel.from_pretrained(file.parent).eval()
    wav, state, past, padding = noise(LONG), ours.init_state(1), None, None
    sounds, all_codes = [], []
    for part in torch.split(wav, 6 * FRAME, dim=-1):
        theirs = model.encode(
            part,
            num_quantizers=BOOKS,
            encoder_past_key_values=past,
            padding_cache=padding,
            use_streaming=True,
        )
        past, padding = theirs.encoder_past_key_values, theirs.padding_cache
        codes, state = ours.encode_frame(part, state)
        assert torch.equal(codes, theirs.audio_codes)
        sound, state = ours.decode_frame(codes, state)
        sounds.append(sound)
        all_codes.append(codes)
    expected = model.decode(torch.cat(all_codes, dim=-1)).audio_values
    assert relative(torch.cat(sounds, dim=-1), expected) < 1e-5


@torch.no_grad()
def test_full_size_equals_moshi(loaders: Any) -> None:
    torch.manual_seed(14)
    reference = loaders.get_mimi(None, num_codebooks=32)
    for name, buffer in reference.named_buffers():
        if name.endswith("embedding_sum"):
            buffer.normal_()
    codec, wav = Codec(mimi(32)), noise(4)
    codec.load_weights(from_foreign(reference.state_dict(), codec.config, "kyutai"))
    codes = reference.encode(wav)
    assert torch.equal(codec.eval().encode(wav), codes)
    assert relative(codec.decode(codes), reference.decode(codes)) < 1e-5
    assert sum(tensor.numel() for tensor in codec.state_dict().values()) == 96_151_393  # the official file's values


def test_every_tensor_of_the_official_layouts_is_linked_once() -> None:
    config = mimi(32)
    with torch.device("meta"):
        names = set(Codec(config).state_dict())
    for layout, count in (("kyutai", 318), ("huggingface", 350)):
        found = links(config, layout)  # type: ignore[arg-type]
        assert {link.ours for link in found} == names
        theirs = [name for link in found for name in link.theirs]
        assert len(theirs) == len(set(theirs)) == count


def test_checkpoints_of_other_models_are_refused(kyutai_file: Path, ours: Codec, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"not a mimi checkpoint"):
        Codec.load(kyutai_file)  # the small one, taken for the official size
    with pytest.raises(ValueError, match="not a mimi checkpoint with 12 codebooks"):
        Codec.load(kyutai_file, config=small(12))
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(kyutai_file.read_bytes()[:5000])
    with pytest.raises(ValueError, match="cannot read"):
        Codec.load(cut)
    save_file({"lm_head.weight": torch.zeros(3)}, str(tmp_path / "other.safetensors"))
    with pytest.raises(ValueError, match="not a codec checkpoint"):
        Codec.load(tmp_path / "other.safetensors")
    with pytest.raises(ValueError, match="unknown layout"):
        ours.save(tmp_path / "x.safetensors", layout="onnx")  # type: ignore[arg-type]
