"""`agent finetune`: a trained model adapted to a corpus, as a whole or by low-rank adapters."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def finetune(
    base: Annotated[str, typer.Option(help="model to start from: shipped name, folder or id of the hub")],
    data: Annotated[
        list[Path] | None, typer.Option("--data", help="corpus, or folder that `agent tokenize` wrote; repeatable")
    ] = None,
    out: Annotated[Path, typer.Option(help="the run's folder")] = Path("runs/finetune"),
    validation: Annotated[
        list[Path] | None, typer.Option(help="tokens to validate on; repeatable, in place of a share of the data's")
    ] = None,
    stream: Annotated[
        list[str] | None, typer.Option(help="tokens to read shard by shard, folder or URL of fsspec; for --data")
    ] = None,
    minutes: Annotated[
        float | None, typer.Option(help="to train in, all in all, in place of --steps; the schedule ends with them")
    ] = None,
    lora: Annotated[
        int | None, typer.Option(min=1, help="rank of adapters; 128 for a large model, none for a small one")
    ] = None,
    scaling: Annotated[float, typer.Option(help="of the adapters")] = 2.0,
    full: Annotated[bool, typer.Option("--full", help="train all weights of a large model, too")] = False,
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
    """Adapt a trained model to a corpus; what is not said follows from the model's size. --resume goes on."""
    from dataclasses import replace
    from functools import partial

    from codec.device import pick_device
    from codec.training.parallel import process_group, rank

    from ..files.hub import hub_folder
    from ..files.shipped import MERGED
    from ..tokens.shards import read_manifest
    from ..training.finetune import TuningWishes, adapters_origin, as_tokens, base_model, planned
    from ..training.products import moshi_product, without_adapters, write_adapters, write_bundle
    from ..training.run import RunData, TrainingOrder
    from ..training.run import train as run
    from ..training.start import keys_of

    place = hub_folder(base, download)
    asked = TuningWishes(
        lora, scaling, full, recipe, {"steps": steps, "batch": batch, "accumulate": accumulate}, minutes
    )
    plan = planned(place, asked, out, resume)
    order = TrainingOrder(
        data or (),
        out,
        plan.recipe,
        validation or (),
        threads=threads,
        resume=resume,
        sharded=sharded,
        minutes=minutes,
        stream=stream or (),
    )
    order.check()
    typer.echo(plan.told)
    with process_group(pick_device(device)) as here:
        made = as_tokens(place, order.data, out, typer.echo)
        first = order.stores()[0].folder if order.stream else made[0]
        manifest = read_manifest(first)
        model = base_model(place, plan.recipe, manifest, first, here, plan.adapters, both_sides, download)
        tokens = RunData.open(replace(order, data=made), model.config)
        kept, beside = keys_of(place), keys_of(place, files=True)
        full = plan.adapters is None
        export = partial(write_bundle, tokens.every, kept) if full else partial(write_adapters, beside)
        trainer = run(order, model, tokens, here, export, typer.echo, adapters_origin(model, plan.adapters))
        trained = trainer.whole_model()
        if rank():
            return
        typer.echo(str(out if full else out / "lora.safetensors"))
        if not full and (merge or moshi):
            trained = without_adapters(trained)
        if merge and not full:
            typer.echo(str(write_bundle(tokens.every, kept, trained, out / MERGED)))
        moshi_product(tokens.every, kept, trained, out, typer.echo, moshi)
