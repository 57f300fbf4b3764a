"""The recognizer that a codec is trained with: it hears what Whisper hears, and is no part of the codec."""

from __future__ import annotations

from pathlib import Path

import pytest
import soundfile  # type: ignore[import-untyped]
import torch
import transformers
from safetensors import safe_open

from codec.config import tiny
from codec.model import Codec
from codec.training.clips import find_clips
from codec.training.data import Audio, CodecCrops
from codec.training.recipe import CodecRecipe
from codec.training.recognizer import RecognizerLoss
from codec.training.trainer import CodecTrainer
from corpus.audio import FRAME_SAMPLES, resample
from tests.support.speechlike import speech_like


def whisper_folder(folder: Path) -> Path:
    """A tiny random Whisper."""
    torch.manual_seed(0)
    sizes = {"encoder_layers": 2, "decoder_layers": 1, "encoder_ffn_dim": 32, "decoder_ffn_dim": 32}
    config = transformers.WhisperConfig(d_model=16, encoder_attention_heads=2, decoder_attention_heads=2, **sizes)
    transformers.WhisperModel(config).save_pretrained(folder)
    return folder


def test_the_recognizer_hears_what_whisper_hears(tmp_path: Path) -> None:
    recognizer = RecognizerLoss(whisper_folder(tmp_path))
    audio = speech_like(30.0, 1)
    extractor = transformers.WhisperFeatureExtractor()
    inputs = extractor(resample(audio, 24_000, 16_000), sampling_rate=16_000, return_tensors="pt").input_features
    with torch.no_grad():
        wanted = transformers.WhisperModel.from_pretrained(tmp_path).eval().get_encoder()(inputs).last_hidden_state
        found = recognizer.features(torch.from_numpy(audio)[None])[-1]
    assert found.shape == wanted.shape
    assert float(torch.corrcoef(torch.stack([found.flatten(), wanted.flatten()]))[0, 1]) > 0.999


def test_the_recognizers_loss_reaches_the_audio_and_is_zero_for_the_same(tmp_path: Path) -> None:
    recognizer = RecognizerLoss(whisper_folder(tmp_path))
    target = torch.from_numpy(speech_like(1.0, 2))[None]
    assert float(recognizer.loss(target, target)) == 0.0
    output = (target + 0.01 * torch.randn(target.shape)).requires_grad_()
    recognizer.loss(output, target).backward()
    assert output.grad is not None
    assert torch.isfinite(output.grad).all()
    assert float(output.grad.abs().max()) > 0.0


def test_a_recognizer_trains_along_and_is_not_saved(tmp_path: Path) -> None:
    (tmp_path / "speech").mkdir()
    soundfile.write(tmp_path / "speech" / "one.wav", speech_like(2.0, 3), 24_000)
    recipe = CodecRecipe(steps=2, continuous_steps=2, adversarial_steps=0, batch=2, frames=4, warmup=1)
    crops = CodecCrops(Audio(find_clips([tmp_path / "speech"])), recipe.frames * FRAME_SAMPLES, 0)
    recognizer = RecognizerLoss(whisper_folder(tmp_path / "whisper"))
    trainer = CodecTrainer(Codec(tiny()), recipe, crops, tmp_path / "run", torch.device("cpu"), recognizer=recognizer)
    parts, _ = trainer.train_step()
    assert parts["recognizer"] > 0.0
    with safe_open(str(trainer.save()), "pt") as file:
        assert not [name for name in file.keys() if "recognizer" in name or "encoder.layers" in name]  # noqa: SIM118


def test_a_folder_without_whisper_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no folder"):
        RecognizerLoss(tmp_path / "nothing")
    with pytest.raises(ValueError, match="holds no Whisper"):
        RecognizerLoss(tmp_path)
