"""What the agent's two additional streams cost and bring: the user's words as heard, and hints of its own words.

The same small model is trained from the same seed without either, with the user's words, and with both, on the same
crops. Cost: frames a second in training, and the held-out losses of what all three predict. Gain: a transcript of the
user (its held-out loss), and the loss of the agent's words once a random share of them is hinted.
"""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table

from agent.model.size import ModelSize
from agent.tokens.crops import Dialogues
from agent.tokens.shards import read_manifest
from agent.training.recipe import AgentRecipe
from agent.training.start import fresh_model
from agent.training.trainer import AgentTrainer

SIZE = ModelSize(dim=192, layers=4, heads=4, context=250, depth_dim=96, depth_layers=2, depth_heads=2, both_sides=False)
RECIPE = AgentRecipe(
    batch=8,
    frames=200,
    learning_rate=2e-3,
    depth_learning_rate=2e-3,
    warmup=40,
    decay=0.5,
    pad_weight=0.4,
    semantic_weight=3.0,
    depth_frames=0.5,
    silent_frames=0.1,
    held_out=0.1,
)
SMALLEST = RECIPE.changed(batch=1, frames=25, validation_batches=1, warmup=1, held_out=0.5)
COMMANDS = (
    ("synth.cli", "generate", "--recipe", "datasets/conversation.toml", "--hours", "{hours}", "--out", "{corpus}"),
    ("agent.cli", "tokenize", "{corpus}", "--vocabulary-size", "800", "--workers", "0", "--out", "{tokens}"),
)


@dataclass(frozen=True)
class Trained:
    """One of the three models."""

    name: str
    parameters: float  # millions
    speed: float  # frames/s in training
    held_out: dict[str, float]  # parts of the loss
    hinted: float | None  # nats a word of the agent when a share of the words is hinted


def run(as_json: bool = False, tokens: Path | None = None, steps: int = 400, smallest: bool = False) -> None:
    """Measure on `tokens`, or on those of an hour of dialogue made for it; the smallest size is one step each."""
    recipe = (SMALLEST if smallest else RECIPE).changed(steps=1 if smallest else steps)
    with tempfile.TemporaryDirectory() as folder:
        if tokens is None:
            corpus, tokens = Path(folder) / "corpus", Path(folder) / "tokens"
            for module, *arguments in COMMANDS:
                words = [each.format(corpus=corpus, tokens=tokens, hours=0.01 if smallest else 1) for each in arguments]
                start = f"from {module} import main; main()"
                subprocess.run([sys.executable, "-c", start, *words], check=True, stdout=subprocess.DEVNULL)
        without = SIZE.changed(user_text_delay=-1, hint=False)
        heard = SIZE.changed(hint=False)
        models = [
            trained("neither", tokens, recipe.changed(model=without)),
            trained("the user's words", tokens, recipe.changed(model=heard)),
            trained("the user's words and hints", tokens, recipe.changed(model=SIZE, hints=0.5)),
        ]
    if as_json:
        print(json.dumps([dataclasses.asdict(each) for each in models], indent=2))
        return
    table = Table("streams", "parameters", "training", "words", "codebook 0", "others", "heard", "hinted", box=None)
    for each in models:
        losses = [f"{each.held_out[name]:.2f}" for name in ("words", "semantic", "acoustic")]
        heard_words = f"{each.held_out['user_words']:.2f}" if "user_words" in each.held_out else "-"
        hinted = "-" if each.hinted is None else f"{each.hinted:.2f}"
        table.add_row(each.name, f"{each.parameters:.1f} M", f"{each.speed:.0f} frames/s", *losses, heard_words, hinted)
    Console().print(table)
    Console().print(
        f"held-out losses in nats a token after {recipe.steps} steps of {recipe.batch * recipe.frames} frames"
    )


def trained(name: str, tokens: Path, recipe: AgentRecipe) -> Trained:
    """Train a model and judge it."""
    model = fresh_model(recipe, read_manifest(tokens))
    data, held_out = Dialogues([tokens], model.config, seed=recipe.seed, hints=recipe.hints).split(recipe.held_out)
    trainer = AgentTrainer(model, recipe, data, tokens, torch.device("cpu"), held_out=held_out)
    began, frames = time.monotonic(), 0
    with trainer.products():
        for trainer.step in range(recipe.steps):
            frames += trainer.train_step().seen.frames
        speed = frames / (time.monotonic() - began)
        plain = trainer.validate()
        hinted = None
        if recipe.hints:
            held_out.hints = 1.0
            hinted = trainer.validate()["words"]
    count = sum(parameter.numel() for parameter in model.parameters()) / 1e6
    return Trained(name, count, speed, plain, hinted)
