"""`codec train`: a codec from scratch or from a checkpoint."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from .options import DataOption


def train(
    data: DataOption,
    out: Annotated[Path, typer.Option(help="the run's folder: checkpoint, samples, curves")] = Path("runs/codec"),
    preset: Annotated[str, typer.Option(help="laptop, mimi or tiny")] = "laptop",
    recipe: Annotated[Path | None, typer.Option(help="TOML with settings of codec.training.recipe.CodecRecipe")] = None,
    init: Annotated[str | None, typer.Option(help="fine-tune this codec: shipped name, file, folder, hub id")] = None,
    steps: Annotated[int | None, typer.Option(help="steps in all; the stages keep their shares")] = None,
    batch: Annotated[int | None, typer.Option(help="crops per process and pass")] = None,
    accumulate: Annotated[int | None, typer.Option(help="passes whose gradients make one step")] = None,
    noise: Annotated[list[Path] | None, typer.Option(help="recordings of background noise to mix in")] = None,
    cache: Annotated[Path | None, typer.Option(help="keep audio (24 kHz, 16 bit) and teacher features here")] = None,
    teacher: Annotated[str, typer.Option(help="none, whisper, wavlm or phonemes")] = "none",
    teacher_model: Annotated[Path | None, typer.Option(help="the teacher's model folder")] = None,
    recognizer: Annotated[
        Path | None, typer.Option(help="a Whisper folder in Hugging Face's form: also train on what it hears")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda")] = "auto",
    threads: Annotated[int, typer.Option(help="CPU threads; 0: torch's choice")] = 0,
    resume: Annotated[bool, typer.Option("--resume", help="go on from the run's checkpoint")] = False,
) -> None:
    """Train a codec from scratch or from a checkpoint; run it under torchrun for several devices."""
    import torch

    from corpus.durable import replace_text

    from ..device import pick_device
    from ..training.clips import find_clips, fingerprint, without_twins
    from ..training.data import Audio, CodecCrops, split_speakers
    from ..training.parallel import process_group, rank
    from ..training.progress import CodecProgress, validation_clips
    from ..training.recipe import read_recipe
    from ..training.recognizer import RecognizerLoss
    from ..training.run_state import StoppedError, check_free
    from ..training.start import starting_codec
    from ..training.teacher import make_teacher
    from ..training.trainer import CodecTrainer

    plan = read_recipe(recipe, steps=steps, batch=batch, accumulate=accumulate)
    if init is not None:
        plan = plan.changed(continuous_steps=0)  # its codebooks are kept from the first step
    check_free(out, resume)
    if threads:
        torch.set_num_threads(threads)
    with process_group(pick_device(device)) as device_here:
        clips, twins = without_twins(find_clips(data, plan.source_weights))
        speech, held_out = split_speakers(Audio(clips, cache), plan.held_out)
        loud = Audio(find_clips(noise), cache) if noise else None
        start = starting_codec(preset, plan, init)
        crops = CodecCrops(speech, plan.frames * start.config.frame_samples, plan.seed, noise=loud)
        guide = make_teacher(teacher, teacher_model, speech, cache or out)
        listener = RecognizerLoss(recognizer, device_here) if recognizer is not None else None
        origin = {"data": fingerprint(clips), "teacher": teacher}
        trainer = CodecTrainer(start, plan, crops, out, device_here, guide, init is not None, listener, origin)
        progress = CodecProgress(out, validation_clips(held_out), typer.echo)
        if twins:
            progress.say(f"{twins} clips sound like another one and were left out")
        if resume:
            for change in trainer.resume():
                progress.say(f"goes on with another {change}")
        if rank() == 0:
            settings = {"preset": preset, **trainer.recipe.model_dump()}
            replace_text(out / "recipe.json", json.dumps(settings, indent=1) + "\n")
        if not trainer.run(progress):
            raise StoppedError(f"after step {trainer.step} all is saved: the same command with --resume goes on")
        typer.echo(str(trainer.export()))
