"""A training run from its order to its end: data opened, a trainer made or resumed, trained, written."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from codec.training.parallel import rank, world_size
from codec.training.run_state import CHECKPOINT, StoppedError, check_free, read_about
from corpus.durable import replace_text

from ..model.config import ModelConfig
from ..model.language_model import LanguageModel
from ..tokens.crops import Dialogues
from ..tokens.fit import check_alike
from ..tokens.shard_store import ShardStore
from ..tokens.shards import VALIDATION, is_tokens, read_manifest
from ..tokens.streaming import StreamedTokens
from ..tokens.unspoken import Unspoken
from .budget import TimeBudget
from .passes import rows_of
from .progress import AgentProgress
from .recipe import AgentRecipe
from .trainer import AgentTrainer
from .work import frame_work, measured_peak

STREAMED = "streamed"  # folder in the run's: manifests and vocabularies of tokens behind a URL


@dataclass(frozen=True)
class TrainingOrder:
    """What a run is asked to do."""

    data: Sequence[Path]  # folders of tokens; none if they are streamed
    out: Path  # the run's folder
    recipe: AgentRecipe
    validation: Sequence[Path] = ()  # folders of tokens to validate on; empty: those in the data's folders, or a share
    texts: Sequence[Path] = ()  # .txt files for steps on text alone
    unspoken: Sequence[Path] = ()  # dialogues without sound to read in every step
    threads: int = 0  # of the CPU; 0 is torch's choice
    resume: bool = False
    sharded: bool = False
    minutes: float | None = None  # to train in, in place of the recipe's steps; a run that goes on keeps its own
    stream: Sequence[str] = ()  # folders of tokens or URLs to read shard by shard, in place of `data`

    def check(self) -> None:
        """Raise ValueError for what cannot be done, before anything is opened."""
        check_free(self.out, self.resume)
        if bool(self.data) == bool(self.stream):
            raise ValueError("what is there to learn from? Give --data, or --stream to read it as it is needed")
        if self.stream and not self.validation and self.recipe.held_out:
            raise ValueError(
                "nothing is held out of what is streamed: give --validation FOLDER, or held_out = 0 in the recipe"
            )
        if bool(self.unspoken) != bool(self.recipe.unspoken):
            raise ValueError(
                "--unspoken names what to read, the recipe's `unspoken` how many crops of it a pass has: "
                "give both or none"
            )

    def stores(self) -> list[ShardStore]:
        """Where the streamed tokens lie. Raises ValueError for what is not there."""
        return [ShardStore(place, self.out / STREAMED / str(number)) for number, place in enumerate(self.stream)]


@dataclass(frozen=True)
class RunData:
    """What a run learns from."""

    every: Dialogues | StreamedTokens
    training: Dialogues | StreamedTokens
    held_out: Dialogues | None
    unspoken: Unspoken | None

    @classmethod
    def open(cls, order: TrainingOrder, config: ModelConfig) -> RunData:
        """The data of an order, checked, parted and counted. Raises ValueError where nothing is to be learnt."""
        recipe = order.recipe
        if order.stream:
            streamed, judged = _streamed(order, config)
            return cls(streamed, streamed, judged, _unspoken(order, config, streamed))
        apart = [*order.validation] or [path for each in order.data if is_tokens(path := each / VALIDATION)]
        every = Dialogues([*apart, *order.data], config, seed=recipe.seed, hints=recipe.hints, texts=order.texts)
        training: Dialogues = every
        held_out: Dialogues | None = None
        if apart or recipe.held_out:
            training, held_out = every.apart(len(apart)) if apart else every.split(recipe.held_out)
        training.check_words()
        return cls(every, training, held_out, _unspoken(order, config, every))

    @property
    def origin(self) -> dict[str, Any]:
        """What must stay the same when the run goes on."""
        return {
            "data": self.every.fingerprint,
            "codec": self.every.codec.sha256,
            "vocabulary": self.every.vocabulary.digest,
        }


def _unspoken(order: TrainingOrder, config: ModelConfig, tokens: Dialogues | StreamedTokens) -> Unspoken | None:
    if not order.unspoken:
        return None
    return Unspoken(order.unspoken, config, tokens.vocabulary, seed=order.recipe.seed)


def _streamed(order: TrainingOrder, config: ModelConfig) -> tuple[StreamedTokens, Dialogues | None]:
    """What is streamed, and the folders that are not, to validate on."""
    recipe, stores = order.recipe, order.stores()
    tokens = StreamedTokens(
        stores,
        config,
        lanes=rows_of(recipe.model_dump())["heard"],
        frames=recipe.frames,
        seed=recipe.seed,
        hints=recipe.hints,
        texts=order.texts,
    )
    tokens.check_words()
    if not order.validation:
        return tokens, None
    folders = [stores[0].folder, *order.validation]
    check_alike(folders, [read_manifest(folder) for folder in folders])
    return tokens, Dialogues(order.validation, config, seed=recipe.seed)


def budget_of(order: TrainingOrder) -> TimeBudget | None:
    """The time of an order, or of the run that it goes on with; None where steps are counted."""
    minutes = order.minutes
    if minutes is None and order.resume:
        minutes = read_about(order.out / CHECKPOINT).get("minutes")
    return None if minutes is None else TimeBudget(minutes)


def train(
    order: TrainingOrder,
    model: LanguageModel,
    data: RunData,
    device: torch.device,
    export: Callable[[LanguageModel, Path], object],
    say: Callable[[str], None],
    origin: Mapping[str, Any] | None = None,
    progress: AgentProgress | None = None,
) -> AgentTrainer:
    """Carry out an order, in each process of torchrun alike.

    Args:
        order: what to do, checked.
        model: to train, as it starts.
        data: to train on.
        device: of this process.
        export: writes the model for use into a folder, at validations and at the end.
        say: prints a line.
        origin: what else must stay the same when the run goes on: its base, its adapters.
        progress: what reports; lines and curves if None.

    Returns:
        The trainer at its end.

    Raises:
        StoppedError: it was interrupted, after a checkpoint.
    """
    out, recipe = order.out, order.recipe
    if order.threads:
        torch.set_num_threads(order.threads)
    budget = budget_of(order)
    trainer = AgentTrainer(
        model,
        recipe,
        data.training,
        out,
        device,
        held_out=data.held_out,
        unspoken=data.unspoken,
        export=export,
        sharded=order.sharded,
        origin={**data.origin, **(origin or {})},
        budget=budget,
    )
    work, peak = frame_work(trainer.model, recipe), world_size() * measured_peak(device)
    progress = progress or AgentProgress(out, recipe, say, data.training.hours, work=work, peak=peak)
    if order.resume:
        for change in trainer.resume():
            progress.say(f"goes on with another {change}")
    if rank() == 0:
        replace_text(out / "recipe.json", json.dumps(recipe.model_dump(), indent=1) + "\n")
    _announce(order, trainer, data, progress)
    if not trainer.run(progress):
        raise StoppedError(f"after step {trainer.step} all is saved: the same command with --resume goes on")
    return trainer


def _announce(order: TrainingOrder, trainer: AgentTrainer, data: RunData, progress: AgentProgress) -> None:
    count = sum(parameter.numel() for parameter in trainer.trained.values())
    training, recipe = data.training, order.recipe
    held_out = 0 if data.held_out is None else len(data.held_out)
    progress.say(
        f"{count / 1e6:.1f} M parameters to train on {len(training)} dialogues, {training.hours:.2f} h"
        + (f"; {held_out} held out, {data.held_out.hours:.2f} h" if data.held_out is not None else "")
    )
    if trainer.budget is not None:
        left = max(0.0, 60 * trainer.budget.minutes - trainer.budget.spent)
        progress.say(f"{left / 60:.1f} minutes to train in; the number of steps follows from how long they take")
    if data.every.twins:
        progress.say(f"{data.every.twins} dialogues sound like another one to the bit and were left out")
    if data.every.wordless:
        progress.say(f"in {data.every.wordless} of {len(data.every)} dialogues the agent says no word")
    if data.unspoken is not None:
        hours = data.unspoken.hours
        progress.say(f"and {len(data.unspoken)} dialogues to read that nobody has spoken, {hours:.1f} h")
    context = trainer.model.config.temporal.context
    if context is None or context > recipe.frames:
        progress.say(
            f"crops of {recipe.frames} frames teach nothing of what is further back, and the context is "
            f"{context or 'without end'}: a model that has not learnt it before babbles there; make them alike"
        )
