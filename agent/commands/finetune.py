"""`agent finetune`: a trained model adapted to a corpus, by low-rank adapters or as a whole."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import torch

    from ..model.language_model import LanguageModel
    from ..tokens.crops import Dialogues
    from ..tokens.shards import TokenManifest


def finetune(
    base: Annotated[str, typer.Option(help="model to start from: shipped name, folder or id of the hub")],
    data: Annotated[list[Path], typer.Option("--data", help="folder that `agent tokenize` wrote; repeatable")],
    out: Annotated[Path, typer.Option(help="the run's folder")] = Path("runs/finetune"),
    lora: Annotated[int, typer.Option(min=1, help="rank of the adapters")] = 128,
    scaling: Annotated[float, typer.Option(help="of the adapters")] = 2.0,
    full: Annotated[bool, typer.Option("--full", help="train all weights, no adapters")] = False,
    both_sides: Annotated[bool, typer.Option("--both-sides", help="learn to predict the user's codebooks too")] = False,
    merge: Annotated[bool, typer.Option(help="write the model with its adapters folded in, in OUT/merged")] = True,
    recipe: Annotated[Path | None, typer.Option(help="TOML with settings of agent.training.recipe.AgentRecipe")] = None,
    steps: Annotated[int | None, typer.Option(help="steps in all")] = None,
    batch: Annotated[int | None, typer.Option(help="crops per process and step")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda")] = "auto",
    threads: Annotated[int, typer.Option(help="CPU threads; 0: torch's choice")] = 0,
    sharded: Annotated[bool, typer.Option("--sharded", help="share the model among torchrun's processes")] = False,
    download: Annotated[bool, typer.Option("--download", help="fetch --base from the hub")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="go on from the run's checkpoint")] = False,
) -> None:
    """Adapt a trained model to a corpus; lora.safetensors has moshi-finetune's names."""
    import torch

    from codec.device import pick_device

    from ..files.bundle import save_bundle
    from ..training.finetune import DEFAULTS, adapt, hub_folder, write_adapters, write_merged
    from ..training.recipe import read_recipe
    from ..training.run import TrainingOrder, launch
    from ..training.start import trained_model
    from ..training.trainer import shortened

    plan = read_recipe(recipe, DEFAULTS, steps=steps, batch=batch)

    def start(tokens: TokenManifest, on: torch.device) -> LanguageModel:
        frozen = torch.bfloat16 if on.type == "cuda" and shortened(plan, on) else torch.float32
        dtype = torch.float32 if full else frozen
        model = trained_model(hub_folder(base, download), tokens, data[0], dtype, both_sides)
        return model if full else adapt(model, lora, scaling, plan.seed)

    last: list[tuple[LanguageModel, Dialogues]] = []

    def export(model: LanguageModel, tokens: Dialogues, folder: Path) -> None:
        if full:
            save_bundle(folder, model, tokens.vocabulary, tokens.codec)
        else:
            write_adapters(model, folder)
            last[:] = [(model, tokens)]

    order = TrainingOrder(data, out, plan, pick_device(device), threads=threads, resume=resume, sharded=sharded)
    if not launch(order, start, export, typer.echo):
        raise KeyboardInterrupt
    typer.echo(str(out if full else out / "lora.safetensors"))
    for model, tokens in last if merge else ():
        typer.echo(str(write_merged(model, tokens, out / "merged")))
