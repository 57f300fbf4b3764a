"""`codec train`: a codec from scratch or from a checkpoint."""

from __future__ import annotations

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
    from ..device import pick_device
    from ..training.parallel import process_group
    from ..training.recipe import read_recipe
    from ..training.run import CodecOrder
    from ..training.run import train as run

    plan = read_recipe(recipe, steps=steps, batch=batch, accumulate=accumulate)
    if init is not None:
        plan = plan.changed(continuous_steps=0)  # its codebooks are kept from the first step
    order = CodecOrder(
        data, out, plan, preset, init, noise or (), cache, teacher, teacher_model, recognizer, threads, resume
    )
    order.check()
    with process_group(pick_device(device)) as here:
        run(order, here, typer.echo)
    typer.echo(str(out / "codec.safetensors"))
