"""A training run from its order to its end: data opened, model made or resumed, trained, written."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from codec.training.parallel import process_group, rank

from ..model.language_model import LanguageModel
from ..tokens.crops import Dialogues
from ..tokens.shards import TokenManifest, read_manifest
from ..tokens.unspoken import Unspoken
from .progress import Progress
from .recipe import AgentRecipe
from .trainer import CHECKPOINT, Trainer


@dataclass(frozen=True)
class TrainingOrder:
    """What a run is asked to do."""

    data: Sequence[Path]  # folders of tokens
    out: Path  # the run's folder
    recipe: AgentRecipe
    device: torch.device
    texts: Sequence[Path] = ()  # .txt files for steps on text alone
    unspoken: Sequence[Path] = ()  # dialogues without sound to read in every step
    threads: int = 0  # of the CPU; 0 is torch's choice
    resume: bool = False
    sharded: bool = False


def launch(
    order: TrainingOrder,
    start: Callable[[TokenManifest, torch.device], LanguageModel],
    export: Callable[[LanguageModel, Dialogues, Path], object],
    say: Callable[[str], None],
) -> bool:
    """Carry out an order, in each process of torchrun alike.

    Args:
        order: what to do.
        start: makes the model from the tokens' manifest, for a device.
        export: writes the model for use into a folder, at validations and at the end.
        say: prints a line.

    Returns:
        Whether it came to its end; False when it was interrupted, after a checkpoint.
    """
    out, recipe = order.out, order.recipe
    if not order.resume and (out / CHECKPOINT).exists():
        raise ValueError(f"{out} holds a run already: add --resume to go on with it, or choose another --out")
    if order.threads:
        torch.set_num_threads(order.threads)
    if bool(order.unspoken) != bool(recipe.unspoken):
        raise ValueError(
            "--unspoken names what to read, the recipe's `unspoken` how many crops of it a step has: give both or none"
        )
    with process_group(order.device) as device:
        model = start(read_manifest(order.data[0]), device)
        every = Dialogues(order.data, model.config, seed=recipe.seed, hints=recipe.hints, texts=order.texts)
        data, held_out = every.split(recipe.held_out) if recipe.held_out else (every, None)
        unspoken = None
        if order.unspoken:
            unspoken = Unspoken(order.unspoken, model.config, every.vocabulary, seed=recipe.seed)
        trainer = Trainer(
            model,
            recipe,
            data,
            out,
            device,
            held_out=held_out,
            unspoken=unspoken,
            export=lambda trained, folder: export(trained, every, folder),
            sharded=order.sharded,
        )
        if order.resume:
            trainer.resume()
        if rank() == 0:
            out.mkdir(parents=True, exist_ok=True)
            (out / "recipe.json").write_text(json.dumps(recipe.model_dump(), indent=1) + "\n", encoding="utf-8")
        progress = Progress(out, recipe, say, data.hours)
        count = sum(parameter.numel() for parameter in trainer.trained.values())
        progress.say(f"{count / 1e6:.1f} M parameters to train on {len(data)} dialogues, {data.hours:.1f} h")
        if unspoken is not None:
            progress.say(f"and {len(unspoken)} dialogues to read that nobody has spoken, {unspoken.hours:.1f} h")
        context = model.config.temporal.context
        if context is None or context > recipe.frames:
            progress.say(
                f"crops of {recipe.frames} frames teach nothing of what is further back, and the context is "
                f"{context or 'without end'}: a model that has not learnt it before babbles there; make them alike"
            )
        finished = trainer.run(progress)
        if not finished:
            progress.say(f"stopped after step {trainer.step}, all is saved: the same command with --resume goes on")
        return finished
