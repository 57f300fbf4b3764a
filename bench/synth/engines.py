"""How fast each speech engine that can run here is: hours of speech made in an hour by one process.

Each engine that is ready speaks the same three sentences, several times, with the first voice it has. Pocket TTS does
the same work whatever its weights are, so its models are measured with random ones of the same shapes where its own are
not there, and marked so.
"""

from __future__ import annotations

import json
import statistics
import tempfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from rich.console import Console
from rich.table import Table

from synth.commands.engine_report import Speed, engine_row, known_engines, measured_speed
from synth.engines.pocket_config import read_config
from synth.recipe import CorpusRecipe

ROUNDS = 5
POCKET_MODELS = ("english", "english_18m_2026-10", "english_2m_2026-10")


@dataclass(frozen=True)
class Measured:
    """One engine's speeds, and the licence of what it made them with."""

    name: str
    speeds: tuple[Speed, ...]
    licence_weights: str

    @property
    def wall(self) -> list[float]:
        """Hours of speech in an hour, a figure for each round."""
        return [speed.wall for speed in self.speeds]

    @property
    def cpu(self) -> float:
        """Hours of speech in an hour of work, the median of the rounds: what other programs do changes it little."""
        return statistics.median(speed.cpu for speed in self.speeds)


def run(*, as_json: bool = False, smallest: bool = False) -> None:
    """Measure every engine that can run, and print a table; the smallest size is the default engine, once."""
    rows = [engine_row(name) for name in ([CorpusRecipe().engine] if smallest else known_engines())]
    rounds = 1 if smallest else ROUNDS
    measured = [_measured(row.name, row.name, row.licence_weights, rounds) for row in rows if row.ready]
    left_out = [row.name for row in rows if not row.ready]
    if "pocket" in left_out and find_spec("pocket_tts"):
        measured += [_random_pocket(model) for model in POCKET_MODELS]
    if as_json:
        speeds = {
            engine.name: {"median": statistics.median(engine.wall), "wall": engine.wall, "cpu": engine.cpu}
            for engine in measured
        }
        print(json.dumps({"engines": speeds, "left_out": left_out}, indent=2))
        return
    columns = ("engine", "hours/hour", "slowest", "fastest", "hours/CPU hour", "weights' licence")
    table = Table(*columns, title="Speech engines, one process")
    for engine in measured:
        figures = (statistics.median(engine.wall), min(engine.wall), max(engine.wall), engine.cpu)
        table.add_row(engine.name, *(f"{figure:.1f}" for figure in figures), engine.licence_weights)
    Console().print(table)
    if left_out:
        print(f"without weights here (synth engines): {', '.join(left_out)}")


def _measured(name: str, label: str, licence: str, rounds: int) -> Measured:
    return Measured(label, tuple(measured_speed(name) for _ in range(rounds)), licence)


def _random_pocket(model: str) -> Measured:
    """A model of Pocket TTS with random weights and a vocabulary of the right size."""
    import torch
    import yaml  # type: ignore[import-untyped]
    from pocket_tts import TTSModel  # type: ignore[import-untyped]
    from safetensors.torch import save_file
    from tokenizers import Tokenizer, models

    _, shipped = read_config(model)
    config = {key: value for key, value in shipped.items() if not key.startswith("weights_path")}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        table = config["flow_lm"]["lookup_table"]
        symbols = ["<unk>", *map(chr, range(32, 127))]
        symbols += [f"<{number}>" for number in range(table["n_bins"] - len(symbols))]
        vocabulary = {symbol: id for id, symbol in enumerate(symbols)}
        Tokenizer(models.BPE(vocabulary, [], unk_token="<unk>")).save(str(folder / "tokenizer.json"))
        table.update(tokenizer="tokenizers", tokenizer_path=str(folder / "tokenizer.json"))
        path = folder / f"{model}.yaml"
        path.write_text(yaml.safe_dump(config), encoding="utf-8")
        torch.manual_seed(0)
        weights = {name: tensor.contiguous() for name, tensor in TTSModel.load_model(config=path).state_dict().items()}
        save_file(weights, folder / "random.safetensors")
        path.write_text(yaml.safe_dump({**config, "weights_path": str(folder / "random.safetensors")}))
        return _measured(f"pocket:{path}", f"pocket:{model} (random weights)", "-", ROUNDS)
