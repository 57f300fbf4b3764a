"""`agent train`: the model from scratch, from an open language model, or further."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def train(
    data: Annotated[
        list[Path] | None, typer.Option("--data", help="folder that `agent tokenize` wrote; repeatable")
    ] = None,
    out: Annotated[Path, typer.Option(help="the run's folder: checkpoint, model, curves")] = Path("runs/agent"),
    preset: Annotated[str | None, typer.Option(help="laptop, tiny or moshi-7b; before the recipe's")] = None,
    stream: Annotated[
        list[str] | None, typer.Option(help="tokens to read shard by shard, folder or URL of fsspec; for --data")
    ] = None,
    recipe: Annotated[Path | None, typer.Option(help="TOML with settings of agent.training.recipe.AgentRecipe")] = None,
    validation: Annotated[
        list[Path] | None, typer.Option(help="tokens to validate on; repeatable, in place of a share of the data's")
    ] = None,
    init_lm: Annotated[
        str | None, typer.Option("--init-lm", help="start as this language model: folder or id of the hub")
    ] = None,
    init: Annotated[str | None, typer.Option(help="train this model further: shipped name or folder")] = None,
    text: Annotated[list[Path] | None, typer.Option(help=".txt for steps on text alone; repeatable")] = None,
    unspoken: Annotated[
        list[Path] | None, typer.Option(help="dialogues to read, from `synth plan --timed`; repeatable")
    ] = None,
    steps: Annotated[int | None, typer.Option(help="steps in all")] = None,
    batch: Annotated[int | None, typer.Option(help="crops per process and pass")] = None,
    accumulate: Annotated[int | None, typer.Option(help="passes whose gradients make one step")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda")] = "auto",
    threads: Annotated[int, typer.Option(help="CPU threads; 0: torch's choice")] = 0,
    sharded: Annotated[bool, typer.Option("--sharded", help="share the model among torchrun's processes")] = False,
    moshi: Annotated[
        bool, typer.Option("--moshi", help="also write OUT/moshi, the nearest model that Kyutai's moshi reads")
    ] = False,
    download: Annotated[bool, typer.Option("--download", help="fetch --init-lm from the hub")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="go on from the run's checkpoint")] = False,
) -> None:
    """Train the full-duplex model on token shards; run it under torchrun for several devices."""
    from functools import partial

    from codec.device import pick_device
    from codec.training.parallel import process_group, rank

    from ..tokens.shards import read_manifest
    from ..training.products import moshi_product, write_bundle
    from ..training.recipe import read_recipe
    from ..training.run import RunData, TrainingOrder
    from ..training.run import train as run
    from ..training.start import keys_of, starting_model

    plan = read_recipe(recipe, preset=preset, steps=steps, batch=batch, accumulate=accumulate)
    order = TrainingOrder(
        data or (),
        out,
        plan,
        validation or (),
        text or (),
        unspoken or (),
        threads,
        resume,
        sharded,
        stream=stream or (),
    )
    order.check()
    with process_group(pick_device(device)) as here:
        first = order.stores()[0].folder if order.stream else order.data[0]
        model = starting_model(plan, read_manifest(first), first, init, init_lm, out / "language-model", download)
        tokens, kept = RunData.open(order, model.config), keys_of(init)
        trainer = run(order, model, tokens, here, partial(write_bundle, tokens.every, kept), typer.echo)
        trained = trainer.whole_model()
        if rank() == 0:
            moshi_product(tokens.every, kept, trained, out, typer.echo, moshi)
    typer.echo(str(out))
