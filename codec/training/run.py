"""A training run from its order to its end: audio found, a codec made or taken further, trained, written."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from corpus.durable import replace_text, sha256_of

from ..locate import find
from .clips import Clip, find_clips, fingerprint, without_twins
from .data import Audio, CodecCrops, split_speakers
from .held_out import HeldOut
from .parallel import rank
from .progress import CodecProgress
from .reading import with_sound
from .recipe import CodecRecipe
from .recognizer import RecognizerLoss
from .run_state import StoppedError, check_free
from .start import starting_codec
from .teacher import make_teacher
from .trainer import CodecTrainer


@dataclass(frozen=True)
class CodecOrder:
    """What a run is asked to do."""

    data: Sequence[Path]  # folders of audio, corpora, manifests
    out: Path  # the run's folder
    recipe: CodecRecipe
    preset: str = "laptop"
    init: str | None = None  # a codec to train further
    noise: Sequence[Path] = ()  # recordings to mix in
    cache: Path | None = None  # where audio and features are kept
    teacher: str = "none"
    teacher_model: Path | None = None
    recognizer: Path | None = None  # a Whisper folder
    threads: int = 0  # of the CPU; 0 is torch's choice
    resume: bool = False

    def check(self) -> None:
        """Raise ValueError for what cannot be done, before anything is opened."""
        check_free(self.out, self.resume)


@dataclass(frozen=True)
class RunAudio:
    """What a run learns from."""

    clips: Sequence[Clip]
    training: Audio
    held_out: Audio
    told: Sequence[str]  # what was left out, in lines

    @classmethod
    def open(cls, order: CodecOrder) -> RunAudio:
        """The audio of an order, checked, parted and counted. Raises ValueError where nothing is to be learnt."""
        found, told = with_sound(find_clips(order.data, order.recipe.source_weights))
        clips, twins = without_twins(found)
        if twins:
            told = [*told, f"{twins} clips sound like another one and were left out"]
        training, held_out = split_speakers(Audio(clips, order.cache), order.recipe.held_out)
        return cls(clips, training, held_out, told)


def train(order: CodecOrder, device: torch.device, say: Callable[[str], None]) -> CodecTrainer:
    """Carry out an order, in each process of torchrun alike.

    Args:
        order: what to do, checked.
        device: of this process.
        say: prints a line.

    Returns:
        The trainer at its end; its codec is written.

    Raises:
        StoppedError: it was interrupted, after a checkpoint.
        ValueError: the audio or what else it is given cannot be used.
    """
    if order.threads:
        torch.set_num_threads(order.threads)
    audio, out = RunAudio.open(order), order.out
    trainer = _trainer(order, audio, device)
    progress = CodecProgress(out, HeldOut(audio.held_out, order.recipe.validation_crops), say)
    if order.resume:
        for change in trainer.resume():
            progress.say(f"goes on with another {change}")
    if rank() == 0:
        settings = {"preset": order.preset, **trainer.recipe.model_dump()}
        replace_text(out / "recipe.json", json.dumps(settings, indent=1) + "\n")
    _announce(audio, progress)
    if not trainer.run(progress):
        raise StoppedError(f"after step {trainer.step} all is saved: the same command with --resume goes on")
    trainer.export()
    return trainer


def _trainer(order: CodecOrder, audio: RunAudio, device: torch.device) -> CodecTrainer:
    recipe = order.recipe
    noise = Audio(with_sound(find_clips(order.noise))[0], order.cache) if order.noise else None
    start = starting_codec(order.preset, recipe, order.init)
    crops = CodecCrops(audio.training, recipe.frames * start.config.frame_samples, recipe.seed, noise=noise)
    teacher = make_teacher(order.teacher, order.teacher_model, audio.training, order.cache or order.out)
    recognizer = RecognizerLoss(order.recognizer, device) if order.recognizer is not None else None
    init = None if order.init is None else sha256_of(find(order.init))
    origin = {"data": fingerprint(audio.clips), "teacher": order.teacher, "init": init}
    return CodecTrainer(start, recipe, crops, order.out, device, teacher, order.init is not None, recognizer, origin)


def _announce(audio: RunAudio, progress: CodecProgress) -> None:
    for line in audio.told:
        progress.say(line)
    hours = [sum(clip.seconds for clip in part.clips) / 3600 for part in (audio.training, audio.held_out)]
    line = f"{len(audio.training)} clips to train on, {hours[0]:.2f} h"
    if len(audio.held_out):
        line += f"; {len(audio.held_out)} held out, {hours[1]:.2f} h"
    progress.say(line)
