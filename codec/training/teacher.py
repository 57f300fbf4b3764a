"""Semantic teachers: what the first codebook is taught to carry.

A teacher's features are computed once per clip at 50 Hz and kept in a folder; a crop looks them up, averaged over
160 ms around each 80 ms frame (non-causal, as in Mimi, arXiv 2410.00037, section 3.3). Frames that overlap a clip's
border, a second voice or inserted silence are left out.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from corpus.audio import FRAME_SAMPLES, SAMPLE_RATE, Samples, resample
from corpus.durable import replacing

from ..layers.quantize import QuantizerAux
from .cache import identity, key_of, read_lengths, write_lengths
from .data import Audio, CropBatch
from .phones import PHONES, PhoneAligner

Features = npt.NDArray[np.float16]
Extract = Callable[[Samples, "str | None"], "Features | None"]  # [T] at 24 kHz and its text -> [50 Hz frames, D]
FEATURE_RATE = 50  # Hz
REACH = 4  # feature frames to either side of a codec frame's centre that are averaged
CHUNK_SECONDS = 10.0  # longest stretch a recognizer's encoder sees at once
KINDS = ("none", "whisper", "wavlm", "phonemes")


class Teacher(Protocol):
    """Gives targets for a batch of crops."""

    dim: int

    def targets(self, crop: CropBatch) -> tuple[Tensor, Tensor]:
        """Features `[B, F, dim]`, one per 80 ms frame, and bool `[B, F]`, True where they hold."""
        ...


class TeacherHead(nn.Module):
    """Linear map from the semantic codebook to a teacher's features, before and after quantization."""

    def __init__(self, codebook_dim: int, teacher_dim: int) -> None:
        super().__init__()
        self.linear = nn.Linear(codebook_dim, teacher_dim)

    def loss(self, aux: QuantizerAux, target: Tensor, valid: Tensor) -> Tensor:
        """Cosine distance to `target` `[B, F, D]` where `valid` `[B, F]`."""
        terms = []
        for source in (aux.semantic, aux.semantic_input):
            distance = 1.0 - functional.cosine_similarity(self.linear(source), target, dim=-1)
            terms.append((distance * valid).sum() / valid.sum().clamp(min=1))
        return torch.stack(terms).mean()


class StoredTeacher:
    """Features of every clip of `audio`, standardised per dimension, computed by `extract` or read from `folder`."""

    def __init__(self, audio: Audio, extract: Extract, name: str, folder: Path) -> None:
        """`name` tells teachers apart in the folder. A clip without features gives no targets."""
        self._features, self._begins, self._lengths = _stored(audio, extract, name, folder)
        self.dim = self._features.shape[1]
        sample = self._features[:: max(1, len(self._features) // 50_000)].astype(np.float32)
        self._mean, self._scale = sample.mean(axis=0), 1.0 / np.maximum(sample.std(axis=0), 1e-3)

    def targets(self, crop: CropBatch) -> tuple[Tensor, Tensor]:
        """See `Teacher.targets`."""
        rows, frames = len(crop.audio), crop.audio.shape[1] // FRAME_SAMPLES
        features, valid = np.zeros((rows, frames, self.dim), np.float32), np.zeros((rows, frames), bool)
        for row, pieces in enumerate(crop.pieces):
            for piece in pieces:
                first = -(-piece.offset // FRAME_SAMPLES)
                for frame in range(first, (piece.offset + piece.length) // FRAME_SAMPLES):
                    centre = (frame + 0.5) * FRAME_SAMPLES - piece.offset + piece.start
                    middle = round(centre / SAMPLE_RATE * FEATURE_RATE)
                    span = slice(max(middle - REACH, 0), min(middle + REACH, self._lengths[piece.clip]))
                    if span.stop > span.start:
                        begin = self._begins[piece.clip]
                        block = self._features[begin + span.start : begin + span.stop].astype(np.float32)
                        features[row, frame] = (block.mean(axis=0) - self._mean) * self._scale
                        valid[row, frame] = True
        return torch.from_numpy(features), torch.from_numpy(valid)


def _stored(audio: Audio, extract: Extract, name: str, folder: Path) -> tuple[Features, list[int], list[int]]:
    """All clips' features as one mapped file, where each begins and how long it is; anew unless what is there fits."""
    key = key_of([name, [identity(clip) for clip in audio.clips]])
    values, index = folder / f"{key}.npy", folder / f"{key}.json"
    lengths = read_lengths(index, len(audio))
    features = None if lengths is None else _whole(values, sum(lengths))
    if lengths is None or features is None:
        parts = [extract(audio.whole(i), clip.text) for i, clip in enumerate(audio.clips)]
        known = [part for part in parts if part is not None]
        if not known:
            raise ValueError(f"the teacher {name} found features in no clip; the phoneme teacher needs transcripts")
        lengths = [0 if part is None else len(part) for part in parts]
        with replacing(values, shared=True) as partial, partial.open("wb") as out:
            np.save(out, np.concatenate(known))
        write_lengths(index, lengths)
        features = np.load(values, mmap_mode="r", allow_pickle=False)
    begins = (np.cumsum(lengths) - lengths).tolist()
    return features, begins, lengths


def _whole(values: Path, rows: int) -> Features | None:
    """A file of features with so many rows; None where it is missing, torn or another."""
    try:
        features: Features = np.load(values, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError):
        return None
    return features if features.ndim == 2 and len(features) == rows else None


def whisper_ctranslate2(model: str | Path, threads: int = 1) -> Extract:
    """The encoder of a Whisper model folder in CTranslate2 form (as faster-whisper uses), last layer, 50 Hz."""
    import ctranslate2  # type: ignore[import-untyped]
    from faster_whisper.feature_extractor import FeatureExtractor  # type: ignore[import-untyped]

    encoder = ctranslate2.models.Whisper(str(model), device="cpu", compute_type="int8", intra_threads=threads)
    mel = FeatureExtractor()

    def extract(audio: Samples, text: str | None) -> Features:
        parts = []
        for chunk in _chunks(audio):
            spectrum = np.ascontiguousarray(mel(chunk)[None, :, : 2 * _frames(chunk)], np.float32)
            encoded = np.array(encoder.encode(ctranslate2.StorageView.from_array(spectrum)))
            parts.append(encoded[0].astype(np.float16))
        return np.concatenate(parts)

    return extract


def transformers_encoder(model: str | Path, device: str = "cpu") -> Extract:
    """The encoder of a Whisper or WavLM folder in Hugging Face's form, last layer, 50 Hz; nothing is downloaded."""
    from transformers import AutoFeatureExtractor, AutoModel

    features: Any = AutoFeatureExtractor.from_pretrained(  # type: ignore[no-untyped-call]
        str(model), local_files_only=True
    )
    loaded: Any = AutoModel.from_pretrained(str(model), local_files_only=True)
    encoder = (loaded.get_encoder() if loaded.config.model_type == "whisper" else loaded).to(device).eval()

    @torch.inference_mode()
    def extract(audio: Samples, text: str | None) -> Features:
        parts = []
        for chunk in _chunks(audio):
            inputs = features(chunk, sampling_rate=16_000, return_tensors="pt")
            values = next(iter(inputs.values())).to(device)
            parts.append(encoder(values).last_hidden_state[0, : _frames(chunk)].cpu().numpy().astype(np.float16))
        return np.concatenate(parts)

    return extract


def phonemes() -> Extract:
    """One-hot phones by forced alignment of a clip's transcript; no features for clips without one."""
    aligner = PhoneAligner()

    def extract(audio: Samples, text: str | None) -> Features | None:
        spans = aligner.align(audio, text) if text else None
        if not spans:
            return None
        frames = np.zeros((round(len(audio) / SAMPLE_RATE * FEATURE_RATE), len(PHONES)), np.float16)
        for span in spans:
            frames[round(span.start * FEATURE_RATE) : round(span.end * FEATURE_RATE), PHONES.index(span.phone)] = 1.0
        return frames

    return extract


def make_teacher(kind: str, model: str | Path | None, audio: Audio, folder: Path) -> StoredTeacher | None:
    """A teacher by name.

    Args:
        kind: `none`, `whisper` or `wavlm` (a model folder is needed), or `phonemes`.

    Raises:
        ValueError: an unknown kind, a missing model folder or a missing package.
    """
    if kind not in KINDS:
        raise ValueError(f"there is no teacher {kind!r}; choose one of {', '.join(KINDS)}")
    if kind == "none":
        return None
    if kind == "phonemes":
        _require("pocketsphinx", "pocketsphinx")
        return StoredTeacher(audio, phonemes(), kind, folder)
    if model is None or not Path(model).is_dir():
        raise ValueError(f"the {kind} teacher needs its model's folder: --teacher-model DIR")
    if kind == "whisper" and (Path(model) / "model.bin").exists():
        _require("faster_whisper", "faster-whisper")
        extract = whisper_ctranslate2(model)
    else:
        _require("transformers", "transformers")
        extract = transformers_encoder(model)
    return StoredTeacher(audio, extract, f"{kind} {Path(model).resolve()}", folder)


def _require(module: str, package: str) -> None:
    if importlib.util.find_spec(module) is None:
        raise ValueError(f"this teacher needs {package}: pip install {package}")


def _chunks(audio: Samples) -> list[Samples]:
    """At 16 kHz, cut into stretches of at most CHUNK_SECONDS, each at least 25 ms."""
    low = resample(audio, SAMPLE_RATE, 16_000)
    count = max(1, -(-len(low) // int(CHUNK_SECONDS * 16_000)))
    return [np.pad(part, (0, max(0, 400 - len(part)))) for part in np.array_split(low, count)]


def _frames(chunk: Samples) -> int:
    return max(1, round(len(chunk) / 16_000 * FEATURE_RATE))
