"""`agent train`: the model from scratch, from an open language model, or further."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import torch

    from ..model.language_model import LanguageModel
    from ..tokens.crops import Dialogues
    from ..tokens.shards import TokenManifest


def train(
    data: Annotated[list[Path], typer.Option("--data", help="folder that `agent tokenize` wrote; repeatable")],
    out: Annotated[Path, typer.Option(help="the run's folder: checkpoint, model, curves")] = Path("runs/agent"),
    preset: Annotated[str | None, typer.Option(help="laptop, tiny or moshi-7b; before the recipe's")] = None,
    recipe: Annotated[Path | None, typer.Option(help="TOML with settings of agent.training.recipe.AgentRecipe")] = None,
    init_lm: Annotated[
        str | None, typer.Option("--init-lm", help="start as this language model: folder or id of the hub")
    ] = None,
    init: Annotated[str | None, typer.Option(help="train this model further: shipped name or folder")] = None,
    text: Annotated[list[Path] | None, typer.Option(help=".txt for steps on text alone; repeatable")] = None,
    unspoken: Annotated[
        list[Path] | None, typer.Option(help="dialogues to read, from `synth plan --timed`; repeatable")
    ] = None,
    steps: Annotated[int | None, typer.Option(help="steps in all")] = None,
    batch: Annotated[int | None, typer.Option(help="crops per process and step")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda")] = "auto",
    threads: Annotated[int, typer.Option(help="CPU threads; 0: torch's choice")] = 0,
    sharded: Annotated[bool, typer.Option("--sharded", help="share the model among torchrun's processes")] = False,
    download: Annotated[bool, typer.Option("--download", help="fetch --init-lm from the hub")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="go on from the run's checkpoint")] = False,
) -> None:
    """Train the full-duplex model on token shards; run it under torchrun for several devices."""
    from codec.device import pick_device

    from ..files.bundle import save_bundle
    from ..training.recipe import read_recipe
    from ..training.run import TrainingOrder, launch
    from ..training.start import fresh_model, model_of_language_model, trained_model, without_own_voice

    if init is not None and init_lm is not None:
        raise ValueError("--init and --init-lm exclude each other")
    plan = read_recipe(recipe, preset=preset, steps=steps, batch=batch)

    def start(tokens: TokenManifest, on: torch.device) -> LanguageModel:
        if init is not None:
            model = trained_model(init, tokens, data[0])
            return without_own_voice(model) if plan.model.hears_itself is False else model
        if init_lm is not None:
            return model_of_language_model(plan, tokens, data[0], init_lm, out / "language-model", download)
        return fresh_model(plan, tokens)

    chosen = pick_device(device)
    order = TrainingOrder(
        data, out, plan, chosen, text or (), unspoken or (), threads=threads, resume=resume, sharded=sharded
    )

    def export(model: LanguageModel, tokens: Dialogues, folder: Path) -> None:
        save_bundle(folder, model, tokens.vocabulary, tokens.codec)

    if not launch(order, start, export, typer.echo):
        raise KeyboardInterrupt
    typer.echo(str(out))
