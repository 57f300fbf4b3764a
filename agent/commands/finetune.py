"""`agent finetune`: a trained model adapted to a corpus, by low-rank adapters or as a whole."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def finetune(
    base: Annotated[str, typer.Option(help="model to start from: shipped name, folder or id of the hub")],
    data: Annotated[list[Path], typer.Option("--data", help="folder that `agent tokenize` wrote; repeatable")],
    out: Annotated[Path, typer.Option(help="the run's folder")] = Path("runs/finetune"),
    validation: Annotated[
        list[Path] | None, typer.Option(help="tokens to validate on; repeatable, in place of a share of the data's")
    ] = None,
    lora: Annotated[int, typer.Option(min=1, help="rank of the adapters")] = 128,
    scaling: Annotated[float, typer.Option(help="of the adapters")] = 2.0,
    full: Annotated[bool, typer.Option("--full", help="train all weights, no adapters")] = False,
    both_sides: Annotated[bool, typer.Option("--both-sides", help="learn to predict the user's codebooks too")] = False,
    merge: Annotated[bool, typer.Option(help="write the model with its adapters folded in, in OUT/merged")] = True,
    recipe: Annotated[Path | None, typer.Option(help="TOML with settings of agent.training.recipe.AgentRecipe")] = None,
    steps: Annotated[int | None, typer.Option(help="steps in all")] = None,
    batch: Annotated[int | None, typer.Option(help="crops per process and pass")] = None,
    accumulate: Annotated[int | None, typer.Option(help="passes whose gradients make one step")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda")] = "auto",
    threads: Annotated[int, typer.Option(help="CPU threads; 0: torch's choice")] = 0,
    sharded: Annotated[bool, typer.Option("--sharded", help="share the model among torchrun's processes")] = False,
    moshi: Annotated[
        bool, typer.Option("--moshi", help="also write OUT/moshi, the nearest model that Kyutai's moshi reads")
    ] = False,
    download: Annotated[bool, typer.Option("--download", help="fetch --base from the hub")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="go on from the run's checkpoint")] = False,
) -> None:
    """Adapt a trained model to a corpus; lora.safetensors has moshi-finetune's names."""
    from functools import partial

    from codec.device import pick_device
    from codec.training.parallel import process_group, rank

    from ..files.hub import hub_folder
    from ..tokens.shards import read_manifest
    from ..training.finetune import DEFAULTS, adapters_origin, base_model
    from ..training.products import MERGED, moshi_product, without_adapters, write_adapters, write_bundle
    from ..training.recipe import read_recipe
    from ..training.run import RunData, TrainingOrder
    from ..training.run import train as run
    from ..training.start import keys_of

    plan = read_recipe(recipe, DEFAULTS, steps=steps, batch=batch, accumulate=accumulate)
    order = TrainingOrder(data, out, plan, validation or (), threads=threads, resume=resume, sharded=sharded)
    order.check()
    adapters = None if full else (lora, scaling)
    with process_group(pick_device(device)) as here:
        model = base_model(base, plan, read_manifest(data[0]), data[0], here, adapters, both_sides, download)
        tokens, place = RunData.open(order, model.config), hub_folder(base)
        kept, beside = keys_of(place), keys_of(place, files=True)
        export = partial(write_bundle, tokens.every, kept) if full else partial(write_adapters, beside)
        trainer = run(order, model, tokens, here, export, typer.echo, adapters_origin(model, adapters))
        trained = trainer.whole_model()
        if rank():
            return
        typer.echo(str(out if full else out / "lora.safetensors"))
        if not full and (merge or moshi):
            trained = without_adapters(trained)
        if merge and not full:
            typer.echo(str(write_bundle(tokens.every, kept, trained, out / MERGED)))
        moshi_product(tokens.every, kept, trained, out, typer.echo, moshi)
