"""Training of the codec: losses against independent values, exact resumption, several processes, clear stops."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import soundfile  # type: ignore[import-untyped]
import torch

from codec.config import CodecConfig, CodecTransformerConfig, QuantizerConfig, SeanetConfig, tiny
from codec.model import Codec
from codec.training import discriminators, losses
from codec.training.clips import find_clips, fingerprint, without_twins
from codec.training.data import Audio, CodecCrops, CropAugmentation, CropBatch, CropPiece, split_speakers
from codec.training.draws import Draw
from codec.training.optimizer_state import Average
from codec.training.progress import CodecProgress
from codec.training.recipe import CodecRecipe, read_recipe
from codec.training.run_state import TrainingError
from codec.training.step import StepLosses, hissing
from codec.training.teacher import StoredTeacher, make_teacher
from codec.training.trainer import CodecTrainer
from corpus.store import Corpus
from tests.support.places import DATASETS, ROOT
from tests.support.speechlike import speech_like
from tests.support.tiny_corpus import write_corpus

FRAME = 1920
QUICK = CodecRecipe(
    steps=12, continuous_steps=4, adversarial_steps=4, batch=2, frames=4, adversarial_frames=3, warmup=2,
    kmeans_batches=8, dead_every=2, checkpoint_every=5, validate_every=100, log_every=2, dropout=0.5,
)  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three speakers, two rates, one stereo file."""
    root = tmp_path_factory.mktemp("speech")
    for number, name in enumerate(("ada", "ben", "eve")):
        (root / name).mkdir()
        for take in range(2):
            sound = speech_like(1.5 + take, 10 * number + take, 100 + 40 * number)
            skip = 2 if name == "ben" else 1
            soundfile.write(root / name / f"{take}.wav", sound[::skip], 24_000 // skip)
    soundfile.write(root / "eve" / "stereo.flac", np.stack([speech_like(1.0, 5), np.zeros(24_000)], 1), 24_000)
    return root


def mimi_like() -> CodecConfig:
    """Mimi's architecture at a hundredth of its width."""
    transformer = CodecTransformerConfig(dim=16, heads=2, layers=1, feedforward=32, window=8)
    body = SeanetConfig(dim=16, filters=4)
    return CodecConfig("mimi", body, transformer, transformer, QuantizerConfig(8, 32, 4))


def trainer(folder: Path, run: Path, recipe: CodecRecipe = QUICK, codec: Codec | None = None) -> CodecTrainer:
    torch.manual_seed(3)
    crops = CodecCrops(Audio(find_clips([folder])), recipe.frames * FRAME, recipe.seed)
    return CodecTrainer(codec or Codec(tiny()), recipe, crops, run, torch.device("cpu"))


def everything(trainer: CodecTrainer) -> dict[str, torch.Tensor]:
    """All that trains, optimizers included, as the checkpoint holds it."""
    from safetensors.torch import load_file

    return load_file(trainer.save())


# --- losses ---------------------------------------------------------------------------------------------------------


def test_mel_error_equals_a_plain_numpy_computation() -> None:
    rng = np.random.default_rng(0)
    one, two = rng.standard_normal((2, 1, 4096)).astype(np.float32) * 0.1
    scale = losses.Scale(window=512, hop=128, mels=20)
    ours = losses.SpectralLoss([scale], floor=1e-3, fine_windows=(512,))(torch.tensor(one), torch.tensor(two), True)

    window = np.hanning(513)[:-1]
    edges = 700 * (10 ** (np.linspace(0, 2595 * np.log10(1 + 12_000 / 700), 22) / 2595) - 1)
    hertz, step = np.arange(257) * 24_000 / 512, 24_000 / 512
    bands = np.stack(
        [
            np.clip(np.minimum(1 - (c - hertz) / max(c - a, step), 1 - (hertz - c) / max(b - c, step)), 0, 1)
            for a, c, b in zip(edges[:-2], edges[1:-1], edges[2:], strict=True)
        ],
        1,
    )
    bands /= bands.sum(0)
    spectra = []
    for signal in (one[0], two[0]):
        scaled = signal / np.sqrt(np.mean(two**2))
        frames = np.stack([scaled[i : i + 512] * window for i in range(0, 4096 - 511, 128)])
        spectra.append(np.fft.rfft(frames) / window.sum())
    mel = [np.log10(np.sqrt(np.abs(s) ** 2 + 1e-8) @ bands + 1e-3) for s in spectra]
    assert ours.mel.item() == pytest.approx(np.abs(mel[0] - mel[1]).mean(), rel=1e-4)
    root = [np.sqrt(np.sqrt(np.abs(s) ** 2 + 1e-8)) for s in spectra]
    assert ours.fine.item() == pytest.approx(np.abs(root[0] - root[1]).mean(), rel=1e-4)
    error = spectra[0] - spectra[1]
    assert ours.complex.item() == pytest.approx((np.abs(error.real) + np.abs(error.imag)).mean() / 2, rel=1e-4)


def test_spectral_error_ignores_level_and_silence_has_a_gradient() -> None:
    loss = losses.SpectralLoss()
    target = torch.tensor(speech_like(0.5, 1))[None]
    output = torch.tensor(speech_like(0.5, 2))[None]
    assert loss(output, target).mel.item() == pytest.approx(loss(output / 4, target / 4).mel.item(), rel=1e-3)
    assert loss(target, target).mel.item() == 0.0
    silent = torch.zeros(1, 4096, requires_grad=True)
    loss(silent, torch.zeros(1, 4096)).mel.backward()
    assert silent.grad is not None
    assert torch.isfinite(silent.grad).all()


def test_hiss_is_faint_and_only_the_encoder_hears_it() -> None:
    wav = torch.tensor(np.stack([speech_like(0.5, seed) for seed in range(40)]))[:, None]
    heard = hissing(wav, 0.5, Draw(torch.Generator().manual_seed(0))) - wav
    level = 10 * (heard.square().mean((1, 2)) / wav.square().mean((1, 2))).log10()
    noisy = level > -200
    assert 8 < int(noisy.sum()) < 32
    assert level[noisy].min() > -61
    assert level[noisy].max() < -34
    torch.manual_seed(0)
    codec, batch = Codec(tiny()), wav[:2, :, : 5 * FRAME]
    floors = [1e-3, 0.5]
    losses_of = [StepLosses(QUICK.changed(hiss=1.0, spectral_floor=floor), codec) for floor in floors]
    found = [step(codec, batch, "continuous", Draw(torch.Generator().manual_seed(1))) for step in losses_of]
    assert found[0][1].equal(found[1][1])
    mel = [losses.SpectralLoss(floor=floor)(found[0][1][:, 0], batch[:, 0]).mel.item() for floor in floors]
    assert [each[0].parts["mel"] for each in found] == pytest.approx(mel)
    assert mel[0] > 1.5 * mel[1]  # what lies under the floor costs nothing


def test_adversarial_losses_by_hand() -> None:
    real, fake = [torch.tensor([2.0, 0.5]), torch.tensor([0.0])], [torch.tensor([-2.0, 0.5]), torch.tensor([0.0])]
    # first: relu(1 - real) = 0, 0.5 -> 0.25; relu(1 + fake) = 0, 1.5 -> 0.75; second: 1 + 1
    assert losses.hinge_discriminator(real, fake).item() == pytest.approx((1.0 + 2.0) / 2)
    assert losses.hinge_generator(fake).item() == pytest.approx(-(-0.75 + 0.0) / 2)
    features = losses.feature_matching([[torch.tensor([2.0, -4.0])]], [[torch.tensor([3.0, -1.0])]])
    assert features.item() == pytest.approx(2.0 / 3.0)


@pytest.mark.parametrize("config", [discriminators.light(), replace(discriminators.full(), image_channels=2)])
def test_discriminators_judge_any_length_and_pass_gradients(config: discriminators.DiscriminatorConfig) -> None:
    judges = discriminators.Discriminators(replace(config, period_channels=2))
    for samples in (2 * FRAME, 3 * FRAME + 7):
        audio = (0.1 * torch.randn(2, samples)).requires_grad_()
        scores, features = judges(audio)
        assert len(scores) == len(features) == len(config.image_windows + config.band_windows + config.periods)
        assert all(score.shape[0] == 2 and score.shape[1] == 1 and score.numel() > 2 for score in scores)
        losses.hinge_generator(scores).backward()  # type: ignore[no-untyped-call]
        assert audio.grad is not None
        assert audio.grad.abs().sum() > 0


# --- data -----------------------------------------------------------------------------------------------------------


def test_crops_depend_on_seed_step_rank_and_row_only(folder: Path) -> None:
    noisy = CropAugmentation(silence=0.5, noise=0.5, overlap=0.5)

    def make(seed: int) -> CodecCrops:
        return CodecCrops(Audio(find_clips([folder])), 4 * FRAME, seed, noisy)

    first = make(1).batch(7, 3)
    again = make(1)
    again.batch(3, 3)
    assert np.array_equal(first.audio, again.batch(7, 3).audio)
    assert first.pieces == again.batch(7, 3).pieces
    assert np.array_equal(first.audio[:2], make(1).batch(7, 2).audio)
    for other in (make(2).batch(7, 3), make(1).batch(8, 3), make(1).batch(7, 3, part=1)):
        assert not np.array_equal(first.audio, other.audio)
    assert np.abs(first.audio).max() <= 0.951


def test_cached_audio_equals_direct_reading(folder: Path, tmp_path: Path) -> None:
    clips = find_clips([folder])
    direct, cached = Audio(clips), Audio(clips, tmp_path)
    assert {clip.speaker for clip in clips} == {"ada", "ben", "eve"}
    for index in range(len(clips)):
        one, two = direct.whole(index), cached.whole(index)
        assert len(one) == len(two)
        assert np.abs(one - two).max() < 1e-4
    part = cached.subset([2, 4])
    assert np.array_equal(part.whole(1), cached.whole(4))
    assert np.array_equal(Audio(clips, tmp_path).segment(3, 100, 50), cached.segment(3, 100, 50))


def test_speakers_are_held_out_and_sources_weighted(folder: Path, tmp_path: Path) -> None:
    train, held_out = split_speakers(Audio(find_clips([folder])), ["eve"])
    assert {c.speaker for c in train.clips} == {"ada", "ben"}
    assert {c.speaker for c in held_out.clips} == {"eve"}
    with pytest.raises(ValueError, match="zoe"):
        split_speakers(train, ["zoe"])
    rows = [
        {"path": str(folder / "ada/0.wav"), "seconds": 1.5, "speaker": "ada", "source": "read", "text": "hello"},
        {"path": str(folder / "eve/0.wav"), "seconds": 1.5, "speaker": "eve", "source": "keywords"},
    ]
    manifest = tmp_path / "m.jsonl"
    manifest.write_text("".join(json.dumps(row) + "\n" for row in rows))
    (only,) = find_clips([manifest], {"keywords": 0.0})
    assert (only.speaker, only.text) == ("ada", "hello")
    crops = CodecCrops(Audio(find_clips([manifest], {"keywords": 1e-9})), FRAME, 0)
    assert {p.clip for step in range(20) for pieces in crops.batch(step, 4).pieces for p in pieces} == {0}
    with pytest.raises(ValueError, match="neither a folder"):
        find_clips([tmp_path / "missing"])


def test_a_corpus_gives_one_clip_per_turn(tmp_path: Path) -> None:
    directory = write_corpus(tmp_path / "corpus", dialogues=2)
    clips, corpus = find_clips([directory]), Corpus(directory)
    turns = [(dialogue, turn) for dialogue in corpus for turn in dialogue.turns]
    assert [clip.text for clip in clips] == [turn.text for _, turn in turns]
    for audio in (Audio(clips), Audio(clips, tmp_path / "cache")):
        for index in (0, 3, len(clips) - 1):
            dialogue, turn = turns[index]
            channel = next(s.channel for s in dialogue.speakers if s.id == turn.speaker)
            assert turn.start is not None
            assert turn.end is not None
            start = round(turn.start * 24_000)
            expected = corpus.audio(dialogue)[channel, start : start + round((turn.end - turn.start) * 24_000)]
            assert np.abs(audio.whole(index) - expected).max() < 1e-4


def test_a_teacher_s_targets_follow_the_crop(folder: Path, tmp_path: Path) -> None:
    audio = Audio(find_clips([folder]))

    def ramp(sound: np.ndarray, text: str | None) -> np.ndarray:
        frames = np.arange(len(sound) // 480)
        return np.stack([frames, -frames, np.full_like(frames, len(sound) // 1000)], 1).astype(np.float16)

    teacher = StoredTeacher(audio, ramp, "ramp", tmp_path)
    crop = CropBatch(np.zeros((2, 8 * FRAME), np.float32), ((CropPiece(1, 4800, FRAME // 2, 4 * FRAME),), ()))
    targets, valid = teacher.targets(crop)
    assert valid.tolist() == [[False, True, True, True, False, False, False, False], [False] * 8]
    # frame k's centre lies (k + 0.5) * 1920 - 960 + 4800 samples into the clip: feature 10 + 4 k, averaged over 8
    steps = (targets[0, 2, 0] - targets[0, 1, 0]).item() / float(teacher._scale[0])
    assert steps == pytest.approx(4.0, rel=1e-3)
    first = targets[0, 1, 0].item() / float(teacher._scale[0]) + float(teacher._mean[0])
    assert first == pytest.approx(14 - 0.5, abs=1e-2)
    assert make_teacher("none", None, audio, tmp_path) is None
    with pytest.raises(ValueError, match="--teacher-model"):
        make_teacher("wavlm", tmp_path / "missing", audio, tmp_path)


@pytest.mark.parametrize("kind", ["whisper", "wavlm"])
def test_teachers_of_transformers_follow_the_sound(kind: str, folder: Path, tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers", reason="extra lm")
    torch.manual_seed(0)
    model = tmp_path / kind
    if kind == "whisper":
        sizes = {"encoder_layers": 1, "decoder_layers": 1, "encoder_ffn_dim": 32, "decoder_ffn_dim": 32}
        config = transformers.WhisperConfig(d_model=16, encoder_attention_heads=2, decoder_attention_heads=2, **sizes)
        transformers.WhisperModel(config).save_pretrained(model)
        transformers.WhisperFeatureExtractor().save_pretrained(model)
    else:
        config = transformers.WavLMConfig(
            hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32
        )
        transformers.WavLMModel(config).save_pretrained(model)
        transformers.Wav2Vec2FeatureExtractor().save_pretrained(model)
    audio = Audio(find_clips([folder]))
    teacher = make_teacher(kind, model, audio, tmp_path / "cache")
    assert teacher is not None
    assert teacher.dim == 16
    crop = CropBatch(np.zeros((1, 8 * FRAME), np.float32), ((CropPiece(0, 0, 0, 8 * FRAME),),))
    targets, valid = teacher.targets(crop)
    assert valid.all()
    assert float(targets.std(dim=1).mean()) > 0.05


# --- the run --------------------------------------------------------------------------------------------------------


def test_stages_and_learning_rate() -> None:
    stages = [QUICK.stage(step) for step in range(12)]
    assert stages == ["continuous"] * 4 + ["quantized"] * 4 + ["adversarial"] * 4
    rates = [QUICK.changed(decay=0.5).rate(step) for step in range(12)]
    assert rates == pytest.approx([0.5, 1, 1, 1, 1, 0.75, 0.5, 0.25, 0.5, 1, 1, 0.5])
    with pytest.raises(ValueError, match="cannot hold"):
        CodecRecipe(steps=10, continuous_steps=8, adversarial_steps=4)


def test_the_shipped_recipe_is_read_and_typos_are_named(tmp_path: Path) -> None:
    recipe = read_recipe(DATASETS / "codec-laptop.toml", batch=3)
    assert recipe.batch == 3
    short = read_recipe(None, steps=400)
    assert (short.steps, short.continuous_steps, short.adversarial_steps) == (400, 40, 100)
    assert recipe.held_out
    decoder = read_recipe(DATASETS / "codec-laptop-decoder.toml")
    assert (decoder.stage(0), decoder.judged, decoder.held_out) == ("adversarial", False, recipe.held_out)
    for text, message in (
        ("stepps = 3", "unknown key 'stepps'; did you mean 'steps'?"),
        ('steps = "100"', "steps: Input should be a valid integer, got '100'"),
        ("batch = 2.5", "batch: Input should be a valid integer, got 2.5"),
        ("log_every = 0", "log_every: Input should be greater than or equal to 1, got 0"),
        ("learning_rate = -1e-3", "learning_rate: Input should be greater than or equal to 0, got -0.001"),
        ('held_out = "LS19"', "held_out: Input should be a valid array, got 'LS19'"),
        ('precision = "bf16"', "precision: Input should be 'auto', 'float32' or 'bfloat16', got 'bf16'"),
        ('discriminators = "ful"', "discriminators: Input should be 'light' or 'full', got 'ful'"),
        ("source_weights = {a = -1}", "source_weights.a must not be negative"),
    ):
        (tmp_path / "bad.toml").write_text(text)
        with pytest.raises(ValueError, match=r"bad\.toml: ") as error:
            read_recipe(tmp_path / "bad.toml")
        assert message in str(error.value)
    assert CodecRecipe(warmup=0).rate(0) == 1.0


def test_resuming_equals_an_undisturbed_run_to_the_bit(folder: Path, tmp_path: Path) -> None:
    silent = CodecProgress(tmp_path, say=lambda _: None)
    straight = trainer(folder, tmp_path / "straight")
    straight.run(silent)
    killed = trainer(folder, tmp_path / "killed")
    killed.run(silent, until=7)  # the last checkpoint is that of step 5, within the quantized stage
    for until in (11, None):
        again = trainer(folder, tmp_path / "killed")
        again.codec.load_state_dict(Codec(tiny()).state_dict())  # whatever it starts from is overwritten
        again.resume()
        again.run(silent, until=until)
    expected, found = everything(straight), everything(again)
    assert expected.keys() == found.keys()
    assert [name for name in expected if not torch.equal(expected[name], found[name])] == []


@pytest.mark.parametrize("judged", [True, False])
def test_the_last_stage_leaves_encoder_and_codes_alone(judged: bool, folder: Path, tmp_path: Path) -> None:
    alone = {} if judged else {"adversarial_weight": 0.0, "feature_weight": 0.0}
    run = trainer(folder, tmp_path, QUICK.changed(**alone))
    assert (run.judges is not None) == judged
    run.run(CodecProgress(tmp_path, say=lambda _: None), until=8)
    wav = torch.tensor(speech_like(1.0, 9))[None, None]
    codes, audio = run.codec.encode(wav), run.codec.decode(run.codec.encode(wav))
    run.run(CodecProgress(tmp_path, say=lambda _: None))
    assert torch.equal(codes, run.codec.encode(wav))
    assert not torch.allclose(audio, run.codec.decode(codes))
    exported = Codec.load(run.export())
    with run.averaged():
        assert torch.allclose(exported.decode(codes), run.codec.decode(codes), atol=1e-5)


def test_a_tiny_codec_overfits_four_seconds(tmp_path: Path) -> None:
    sound = speech_like(4.0, 0)
    soundfile.write(tmp_path / "a.wav", sound, 24_000)
    recipe = CodecRecipe(
        steps=130, continuous_steps=50, adversarial_steps=0, batch=2, frames=16, warmup=10, learning_rate=4e-3,
        kmeans_batches=4, average=0.9, validate_every=10_000, checkpoint_every=10_000, log_every=50, unquantized=0.1,
        dropout=0.0,
    )  # fmt: skip
    torch.manual_seed(0)
    plain = CropAugmentation(peak=(0.5, 0.5), silence=0.0, noise=0.0, overlap=0.0)
    crops = CodecCrops(Audio(find_clips([tmp_path])), recipe.frames * FRAME, 0, plain)
    lines: list[str] = []
    run = CodecTrainer(Codec(tiny()), recipe, crops, tmp_path / "run", torch.device("cpu"))
    progress = CodecProgress(tmp_path / "run", [sound], lines.append)
    (tmp_path / "run").mkdir(exist_ok=True)
    before = progress.validate(0, run.codec)
    run.run(progress)
    with run.averaged():
        after = progress.validate(recipe.steps, run.codec)
    assert after["mel"] < 0.6 < 1.0 < before["mel"], (before, after)
    assert any("perplexity" in line and "used" in line and "left" in line for line in lines)
    assert (tmp_path / "run" / "samples" / "0-original.flac").exists()


def test_a_loss_that_is_not_finite_stops_the_run(folder: Path, tmp_path: Path) -> None:
    run = trainer(folder, tmp_path)
    with torch.no_grad():
        next(run.codec.decoder.parameters()).fill_(float("nan"))
    with pytest.raises(TrainingError, match=r"step 0: the loss is not finite .*mel.*learning rate"):
        run.run(CodecProgress(tmp_path, say=lambda _: None))
    assert not (tmp_path / "checkpoint.safetensors").exists()


def test_a_collapsed_codebook_stops_the_run(folder: Path, tmp_path: Path) -> None:
    recipe = QUICK.changed(collapse_patience=1, dead_every=100, collapse_perplexity=0.1)
    run = trainer(folder, tmp_path, recipe)
    run.run(CodecProgress(tmp_path, say=lambda _: None), until=5)
    book = run.codec.quantizer.books()[2]
    book.cluster_usage.fill_(1e-6)
    book.cluster_usage[0] = 1.0
    with pytest.raises(TrainingError, match="codebook 2 has collapsed"):
        run.run(CodecProgress(tmp_path, say=lambda _: None))


def test_an_average_swaps_in_and_out() -> None:
    layer = torch.nn.Linear(2, 2, bias=False)
    average = Average(layer, 0.5)
    start = layer.weight.detach().clone()
    with torch.no_grad():
        layer.weight.add_(1.0)
    average.update(layer, 1000)
    average.swap(layer)
    assert torch.allclose(layer.weight, start + 0.5)
    average.swap(layer)
    assert torch.allclose(layer.weight, start + 1.0)


def test_resuming_another_model_is_refused(folder: Path, tmp_path: Path) -> None:
    trainer(folder, tmp_path).save()
    with pytest.raises(ValueError, match=r"codec\.quantizer\.n_q was 4, is 2"):
        trainer(folder, tmp_path, codec=Codec(tiny(n_q=2))).resume()
    (tmp_path / "checkpoint.safetensors").write_bytes(b"short")
    with pytest.raises(ValueError, match="cannot read"):
        trainer(folder, tmp_path).resume()


WORKER = """
import sys, torch
from pathlib import Path
from safetensors.torch import save_file
from codec.training import parallel
from codec.config import tiny
from codec.training.clips import find_clips
from codec.training.data import Audio, CodecCrops
from codec.model import Codec
from codec.training.progress import CodecProgress
from codec.training.recipe import CodecRecipe
from codec.training.trainer import CodecTrainer
torch.set_num_threads(1)
out = Path(sys.argv[2])
recipe = CodecRecipe(steps=7, continuous_steps=2, adversarial_steps=2, batch=1, frames=4, adversarial_frames=3,
                kmeans_batches=16, dead_every=2, checkpoint_every=100, validate_every=100)
with parallel.process_group(torch.device("cpu")) as device:
    torch.manual_seed(parallel.rank())  # fresh weights differ until the first process's are copied
    crops = CodecCrops(Audio(find_clips([sys.argv[1]])), 4 * 1920, 0)
    trainer = CodecTrainer(Codec(tiny()), recipe, crops, out, device)
    trainer.run(CodecProgress(out, say=lambda line: None))
    state = {n: t.contiguous().clone() for n, t in trainer.codec.state_dict().items()}
    save_file(state, out / f"{parallel.rank()}.safetensors")
"""


def test_two_processes_train_one_codec(folder: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file

    script = tmp_path / "worker.py"
    script.write_text(WORKER)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command += [str(script), str(folder), str(tmp_path)]
    subprocess.run(command, check=True, env=environment, timeout=120, capture_output=True)
    one, two = (load_file(tmp_path / f"{rank}.safetensors") for rank in (0, 1))
    assert [name for name in one if not torch.equal(one[name], two[name])] == []
    recipe = QUICK.changed(steps=7, continuous_steps=2, adversarial_steps=2, batch=1, kmeans_batches=16)
    torch.manual_seed(0)
    alone = CodecTrainer(
        Codec(tiny()),
        recipe,
        CodecCrops(Audio(find_clips([folder])), 4 * FRAME, 0),
        tmp_path / "alone",
        torch.device("cpu"),
    )
    alone.run(CodecProgress(tmp_path, say=lambda _: None))
    moved = alone.codec.state_dict()["encoder.embed.weight"]
    assert not torch.allclose(one["encoder.embed.weight"], moved, atol=1e-6)  # the second process's crops counted


@pytest.mark.parametrize(("body", "precision"), [("mimi", "auto"), ("laptop", "auto"), ("laptop", "bfloat16")])
def test_both_architectures_take_a_step_of_every_stage(
    body: str, precision: Literal["auto", "bfloat16"], folder: Path, tmp_path: Path
) -> None:
    small = mimi_like() if body == "mimi" else tiny()
    recipe = QUICK.changed(steps=3, continuous_steps=1, adversarial_steps=1, precision=precision)
    run = trainer(folder, tmp_path, recipe, Codec(small))
    before = {name: p.detach().clone() for name, p in run.codec.named_parameters()}
    run.run(CodecProgress(tmp_path, say=lambda _: None))
    still = [name for name, p in run.codec.named_parameters() if torch.equal(p, before[name])]
    assert still == []


def test_passes_add_up_to_one_step(folder: Path, tmp_path: Path) -> None:
    """With the default weights, dropout and skipped rows: the same rows and draws, however a step is cut."""
    found = []
    for batch, accumulate in ((4, 1), (2, 2), (1, 4)):
        recipe = QUICK.changed(batch=batch, accumulate=accumulate, precision="float32", hiss=0.5, dead_every=100)
        run = trainer(folder, tmp_path, recipe)
        run.step, run.has_codebooks = 5, True
        assert recipe.stage(run.step) == "quantized"
        names, gradients = run._names(), dict[str, torch.Tensor]()

        def note(run: CodecTrainer = run, names: dict[torch.Tensor, str] = names, into: dict = gradients) -> None:  # type: ignore[type-arg]
            for group in run.optimizers["codec"].param_groups:
                into.update({names[p]: p.grad.clone() for p in group["params"] if p.grad is not None})

        run.optimizers["codec"].step = note  # type: ignore[method-assign,assignment]
        parts, counts = run.train_step()
        assert counts is not None
        found.append((gradients, parts, counts))
    for gradients, parts, counts in found[1:]:
        assert parts == pytest.approx(found[0][1], rel=1e-4)
        assert torch.equal(counts, found[0][2])
        for name, gradient in found[0][0].items():
            assert (gradients[name] - gradient).norm() <= 2e-3 * gradient.norm() + 1e-9, name


def test_more_steps_leave_a_run_in_its_stage(folder: Path, tmp_path: Path) -> None:
    run = trainer(folder, tmp_path)
    run.run(CodecProgress(tmp_path, say=lambda _: None), until=6)
    longer = read_recipe(None, steps=None, batch=None).changed(**QUICK.model_dump())
    longer = longer.changed(steps=120, continuous_steps=40, adversarial_steps=40)
    assert longer.stage(6) == "continuous"  # as its stages were stretched
    again = trainer(folder, tmp_path, longer)
    changes = again.resume()
    assert any(change.startswith("recipe.steps 12 -> 120") for change in changes)
    assert again.recipe.stage(6) == "quantized"
    assert (again.recipe.continuous_steps, again.recipe.adversarial_steps) == (4, 40)
    assert longer.going_on(QUICK, 11).stage(11) == "adversarial"
    assert longer.going_on(QUICK, 3).stage(3) == "continuous"
    with pytest.raises(ValueError, match="has taken 6 steps already; 5 are asked for"):
        trainer(folder, tmp_path, QUICK.changed(steps=5, continuous_steps=1, adversarial_steps=1)).resume()
    with pytest.raises(ValueError, match=r"with something else: recipe\.batch was 2, is 1; recipe\.seed was 0, is 7"):
        trainer(folder, tmp_path, QUICK.changed(seed=7, batch=1)).resume()


def test_a_cache_is_checked_when_it_is_read(tmp_path: Path) -> None:
    place, cache = tmp_path / "ada.wav", tmp_path / "cache"
    soundfile.write(place, speech_like(1.0, 1, 120), 24_000)
    clips = find_clips([place.parent])
    first = Audio(clips, cache).whole(0).copy()
    (pcm,) = cache.glob("*.i16")
    os.truncate(pcm, 1000)
    assert np.array_equal(Audio(clips, cache).whole(0), first)
    soundfile.write(place, speech_like(1.0, 2, 120), 24_000)  # as long as before
    os.utime(place, ns=(1, 1))
    assert not np.array_equal(Audio(clips, cache).whole(0), first)
    assert [path for path in cache.iterdir() if ".part" in path.name] == []


def test_the_same_sound_under_two_names_is_one_clip(folder: Path, tmp_path: Path) -> None:
    clips = find_clips([folder])
    assert without_twins(clips) == (clips, 0)
    copied = tmp_path / "twin.wav"
    copied.write_bytes((folder / "ada" / "0.wav").read_bytes())
    kept, gone = without_twins(find_clips([folder, folder, tmp_path]))
    assert (kept, gone) == (clips, len(clips) + 1)
    assert fingerprint(clips) != fingerprint(clips[1:])
