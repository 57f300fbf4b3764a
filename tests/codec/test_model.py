"""The codec as a whole: a golden model, files, bad inputs, codebook training, the laptop's source and pitch."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from codec import Codec, laptop, mimi
from codec.config import from_dict, tiny, to_dict
from codec.layers.excitation import Excitation
from codec.layers.pitch import track
from codec.layers.quantize import SplitQuantizer
from tests.support.places import ASSETS

GOLDEN_MODEL, GOLDEN_VALUES = ASSETS / "codec_tiny.safetensors", ASSETS / "codec_tiny_values.safetensors"
FRAME = 1920


def speechlike(frames: int, batch: int = 1, seed: int = 21) -> Tensor:
    """A gliding tone with harmonics in noise `[B, 1, 1920 F]`."""
    t = torch.arange(frames * FRAME) / 24_000
    phase = 2 * torch.pi * (150 * t + 20 * torch.sin(3 * t))
    tone = sum(torch.sin(k * phase) / k for k in range(1, 9))
    noise = torch.randn(batch, 1, len(t), generator=torch.Generator().manual_seed(seed))
    return 0.1 * torch.as_tensor(tone) + 0.01 * noise


def fresh(seed: int = 22) -> Codec:
    """A tiny codec whose codebooks hold latents of its own, so that codes vary."""
    torch.manual_seed(seed)
    codec = Codec(tiny()).eval()
    latent = codec.encoder_latent(speechlike(64)).detach()
    for level in range(codec.config.quantizer.n_q):
        _, _, aux = codec.quantize(latent)
        picks = torch.linspace(0, 63, codec.config.quantizer.codebook_size).long()
        codec.quantizer.initialize(level, 0.7 * aux.traces[level].inputs[picks])
    return codec


def make_golden() -> None:
    """Write the golden files anew: `python -c "from tests.codec.test_model import make_golden; make_golden()"`."""
    codec = fresh()
    codec.save(GOLDEN_MODEL, dtype=torch.float16)
    codec, wav = Codec.load(GOLDEN_MODEL), speechlike(12, seed=23)
    codes = codec.encode(wav)
    save_file({"wav": wav.half(), "codes": codes, "sound": codec.decode(codes)[..., ::16].clone()}, str(GOLDEN_VALUES))


def test_golden_model_still_gives_the_same_codes_and_sound() -> None:
    codec, values = Codec.load(GOLDEN_MODEL), load_file(str(GOLDEN_VALUES))
    codes = codec.encode(values["wav"].float())
    assert (codes == values["codes"]).float().mean() > 0.95  # stored in half precision: a tie may fall differently
    assert len(torch.unique(values["codes"])) > 16
    sound = codec.decode(values["codes"])[..., ::16]
    torch.testing.assert_close(sound, values["sound"], rtol=1e-3, atol=1e-4)
    assert GOLDEN_MODEL.stat().st_size + GOLDEN_VALUES.stat().st_size < 200_000


def test_the_contract_of_the_presets() -> None:
    for config in (laptop(), mimi()):
        assert (config.sample_rate, config.frame_samples, config.quantizer.codebook_size) == (24_000, FRAME, 2048)
        assert config.quantizer.n_q == 8
        assert config.bitrate == pytest.approx(1100)
        assert from_dict(to_dict(config)) == config
    with torch.device("meta"):
        codec = Codec(laptop())
    assert sum(tensor.numel() for tensor in codec.state_dict().values()) <= 15_000_000
    with pytest.raises(ValueError, match="1 to 32"):
        mimi(33)
    with pytest.raises(ValueError, match="not a codec configuration"):
        from_dict({"name": "laptop"})


def test_own_files_round_trip(tmp_path: Path) -> None:
    codec, wav = fresh(), speechlike(9)
    codes = codec.encode(wav)
    loaded = Codec.load(codec.save(tmp_path / "folder").parent)
    assert torch.equal(loaded.encode(wav), codes)
    torch.testing.assert_close(loaded.decode(codes), codec.decode(codes), rtol=1e-5, atol=1e-6)
    half = Codec.load(codec.save(tmp_path / "half.safetensors", dtype=torch.float16))
    assert (half.encode(wav) == codes).float().mean() > 0.8
    entries = codec.quantizer.decode(codes)
    torch.testing.assert_close(half.quantizer.decode(codes), entries, rtol=2e-3, atol=2e-3)
    assert (tmp_path / "half.safetensors").stat().st_size < 0.7 * (tmp_path / "folder/model.safetensors").stat().st_size
    fewer = Codec.load(tmp_path / "folder", n_q=2)
    assert torch.equal(fewer.encode(wav), codes[:, :2])
    torch.testing.assert_close(fewer.decode(codes[:, :2]), codec.decode(codes[:, :2]), rtol=1e-5, atol=1e-6)


def test_bad_files_are_named(tmp_path: Path) -> None:
    codec = fresh()
    file = codec.save(tmp_path / "good.safetensors")
    with pytest.raises(ValueError, match="no codec at"):
        Codec.load("no-such-codec")
    with pytest.raises(ValueError, match="hf download someone/something"):
        Codec.load("someone/something")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="holds no"):
        Codec.load(tmp_path / "empty")
    (tmp_path / "cut.safetensors").write_bytes(file.read_bytes()[:-100])
    with pytest.raises(ValueError, match="cannot read"):
        Codec.load(tmp_path / "cut.safetensors")
    with pytest.raises(ValueError, match="asked for 9"):
        Codec.load(file, n_q=9)
    with pytest.raises(ValueError, match="not a checkpoint of this tiny codec"):
        Codec(tiny(5)).load_weights(load_file(str(file)))
    with pytest.raises(ValueError, match='layout="own"'):
        codec.save(tmp_path / "x.safetensors", layout="kyutai")


def test_odd_but_valid_audio() -> None:
    codec = fresh()
    assert codec.encode(torch.zeros(2, 1, 0)).shape == (2, 4, 0)
    assert codec.decode(torch.zeros(2, 4, 0, dtype=torch.int64)).shape == (2, 1, 0)
    assert codec.encode(torch.ones(1, 1, 1)).shape == (1, 4, 1)
    assert codec.encode(torch.zeros(1, 1, FRAME + 1)).shape == (1, 4, 2)
    t = torch.arange(5 * FRAME) / 24_000
    for wav in (
        torch.ones_like(t),  # DC at full scale
        torch.sign(torch.sin(2000 * t)) * 4,  # clipped far beyond full scale
        torch.sin(2 * torch.pi * 11_990 * t),  # next to half the sample rate
        torch.zeros_like(t),
    ):
        sound = codec.decode(codec.encode(wav[None, None]))
        assert torch.isfinite(sound).all()


def test_bad_audio_is_named() -> None:
    codec, state = fresh(), fresh().init_state(1)
    wav = torch.zeros(1, 1, FRAME)
    wav[..., 7] = float("nan")
    for bad, message in (
        (wav, "not finite"),
        (torch.zeros(FRAME), r"float \[B, 1, T\]"),
        (torch.zeros(1, 2, FRAME), r"float \[B, 1, T\]"),
        (torch.zeros(1, 1, FRAME, dtype=torch.int16), r"float \[B, 1, T\]"),
    ):
        with pytest.raises(ValueError, match=message):
            codec.encode(bad)
        with pytest.raises(ValueError, match=message):
            codec.encode_frame(bad, state)
    with pytest.raises(ValueError, match="24000 Hz, got 16000"):
        codec.encode(torch.zeros(1, 1, 100), sample_rate=16_000)
    with pytest.raises(ValueError, match="whole frames of 1920"):
        codec.encode_frame(torch.zeros(1, 1, 1000), state)
    for codes in (torch.zeros(1, 5, 2, dtype=torch.int64), torch.zeros(1, 4, 2), torch.full((1, 4, 2), 32)):
        with pytest.raises(ValueError, match="codes must"):
            codec.decode(codes)
    with pytest.raises(ValueError, match=r"rows must be bool \[1\]"):
        codec.reset(state, torch.tensor([True, False]))


def test_training_reaches_every_weight() -> None:
    codec = fresh().train()
    wav = speechlike(6, batch=2)
    z = codec.encoder_latent(wav)
    entries, codes, aux = codec.quantize(z, n_q=torch.tensor([4, 2]), unquantized=torch.tensor([False, True]))
    assert codes.shape == (2, 4, 6)
    sound, pitch_loss = codec.decode_supervised(entries, wav)
    loss = sound.square().mean() + aux.commit + pitch_loss + aux.semantic.sum()
    names, weights = zip(*codec.named_parameters(), strict=True)
    gradients = torch.autograd.grad(loss, weights)
    assert [name for name, gradient in zip(names, gradients, strict=True) if not gradient.abs().max() > 0] == []


def test_quantizer_dropout_and_unquantized_rows() -> None:
    codec, z = fresh(), fresh().encoder_latent(speechlike(5, batch=3)).detach()
    entries, codes, _ = codec.quantize(z, n_q=torch.tensor([1, 3, 4]), unquantized=torch.tensor([False, False, True]))
    torch.testing.assert_close(entries[0], codec.quantizer.decode(codes[:1, :1])[0], rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(entries[1], codec.quantizer.decode(codes[1:2, :3])[0], rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(entries[2], torch.cat(codec.quantizer.project(z), -1)[2])
    assert torch.equal(codes, codec.quantizer.encode(z))
    everything, none, aux = codec.quantize(z, unquantized=True)
    assert none.shape == (3, 0, 5)
    assert aux.traces == ()
    torch.testing.assert_close(everything[2], entries[2])


def test_codebooks_follow_their_inputs_and_revive() -> None:
    torch.manual_seed(24)
    config = dataclasses.replace(tiny().quantizer, n_q=3)
    quantizer, generator = SplitQuantizer(config, 16), torch.Generator().manual_seed(25)
    quantizer.books()[0].embedding_sum[5:] += 100.0  # far away: dead
    quantizer.books()[0].refresh()
    centres = torch.randn(40, 16, generator=generator) * 2
    errors, revived = [], 0
    for step in range(300):
        picks = torch.randint(40, (4, 16), generator=generator)
        z = centres[picks] + 0.01 * torch.randn(4, 16, 16, generator=generator)
        _, _, aux = quantizer(z)
        errors.append(aux.commit.item())
        quantizer.update(quantizer.statistics(aux.traces), decay=0.9)
        if step % 5 == 0:
            revived += quantizer.replace_dead(aux.traces, generator=generator)[0]
    assert sum(errors[-20:]) < 0.2 * sum(errors[:20])
    assert revived > 20
    assert min(quantizer.usage()) > 0.5
    assert all(10 < perplexity <= 32 for perplexity in quantizer.perplexity())
    with pytest.raises(ValueError, match="codebook 1 takes centroids"):
        quantizer.initialize(1, torch.zeros(3, 8))


def test_pitch_of_known_tones() -> None:
    t = torch.arange(24_000) / 24_000
    for hertz in (75.0, 123.4, 220.0, 410.0):
        tone = sum(torch.sin(2 * math.pi * hertz * k * t + k * k) / k for k in range(1, 12))
        pitch, periodicity = track(0.1 * torch.as_tensor(tone)[None])
        assert pitch.shape == (1, 100)
        torch.testing.assert_close(pitch[:, 10:90], torch.full((1, 80), hertz), rtol=0.01, atol=0)
        assert periodicity[:, 10:90].min() > 0.4
    noise = torch.randn(1, 24_000, generator=torch.Generator().manual_seed(26))
    assert track(noise)[1].median() < 0.3
    assert track(torch.zeros(1, 4800))[1].max() == 0


def test_the_pulse_train_has_the_pitch_asked_for() -> None:
    layer, hertz = Excitation(240, 24_000), 187.5
    pulses, _, _ = layer(torch.full((1, 100), hertz, dtype=torch.float64), layer.init_state(1))
    patches = pulses[0] * layer.taper  # analysis and synthesis windows add up to one
    wav = patches[:, :240] + torch.cat([torch.zeros(1, 240), patches[:-1, 240:]])
    power = torch.fft.rfft(wav.flatten()[2400:-2400] * torch.hann_window(19_200)).abs().square()
    bins = torch.arange(len(power)) * 24_000 / 19_200 / hertz  # in harmonics
    harmonic = (bins - bins.round()).abs() < 0.02
    audible = (bins > 0.5) & (bins < 40)
    assert power[harmonic & audible].sum() > 0.99 * power[audible].sum()
