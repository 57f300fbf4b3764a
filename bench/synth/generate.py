"""How fast and how large `synth` is: planning, generating with one and two workers, local and on Ray, and the engine.

Speeds are hours of finished dialogue per hour of wall time; the peer in the same run is the engine speaking the same
turns with nothing else done, in one process.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

from corpus.store import Corpus
from synth.engines.protocol import Style
from synth.recipe import CorpusRecipe
from synth.voices.bank import load_bank
from synth.voices.casting import load_engine

SMALLEST = 'name = "short"\n[length]\nshortest = 20\nlongest = 25\n'
POLL = 0.1  # s between readings of memory


@dataclass(frozen=True)
class Run:
    """One measured command."""

    name: str
    hours: float  # of dialogue
    wall: float  # s
    peak_gib: float  # resident memory of the whole process tree

    @property
    def speed(self) -> float:
        """Hours of dialogue per hour of wall time."""
        return self.hours * 3600 / self.wall


def measured(command: list[str]) -> tuple[float, float]:
    """Wall seconds and peak resident GiB (all processes together) of a command. Raises when it fails."""
    began, peak = time.monotonic(), 0
    process = psutil.Popen(command, stdout=subprocess.DEVNULL)
    while process.poll() is None:
        resident = 0
        for each in (process, *process.children(recursive=True)):
            try:
                resident += each.memory_info().rss
            except psutil.NoSuchProcess:
                continue
        peak = max(peak, resident)
        time.sleep(POLL)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} failed with exit status {process.returncode}")
    return time.monotonic() - began, peak / 2**30


def synth(*arguments: str) -> list[str]:
    """The command line of `synth` in this environment."""
    return [sys.executable, "-c", "from synth.cli import main; main()", *arguments]


def run(hours: float = 0.3, plan_hours: float = 100.0, as_json: bool = False, smallest: bool = False) -> None:
    """Measure planning `plan_hours` and generating `hours` with one and two workers of each kind there is.

    The smallest size is a single short dialogue by one local worker.
    """
    hours, plan_hours, counts = (0.001, 0.1, (1,)) if smallest else (hours, plan_hours, (1, 2))
    with tempfile.TemporaryDirectory() as folder:
        plans, recipe = Path(folder) / "plans.jsonl.gz", Path(folder) / "recipe.toml"
        made = ("--recipe", str(recipe), "--hours", str(hours))
        recipe.write_text(SMALLEST if smallest else 'name = "default"\n')
        wall, peak = measured(synth("plan", "--hours", str(plan_hours), "--out", str(plans)))
        runs = [Run(f"plan {plan_hours:g} h", plan_hours, wall, peak)]
        pools: dict[str, tuple[str, ...]] = {"local": ()}
        if importlib.util.find_spec("ray") is not None and not smallest:
            pools["Ray"] = ("--ray", "local")
        for pool, chosen in pools.items():
            for workers in counts:
                out = Path(folder) / f"corpus-{pool}-{workers}"
                options = (*made, "--out", str(out), "--workers", str(workers), "--json", *chosen)
                wall, peak = measured(synth("generate", *options))
                name = f"generate, {workers} {pool} worker{'s' * (workers > 1)}"
                runs.append(Run(name, Corpus(out).seconds / 3600, wall, peak))
        runs.append(bare_engine(Corpus(out)))
    if as_json:
        print(json.dumps([{**asdict(each), "speed": each.speed} for each in runs], indent=2))
        return
    table = Table("run", "dialogue", "wall", "speed", "peak memory", box=None)
    for each in runs:
        table.add_row(
            each.name, f"{each.hours:.3f} h", f"{each.wall:.1f} s", f"{each.speed:.1f}x", f"{each.peak_gib:.2f} GiB"
        )
    Console().print(table)


def bare_engine(corpus: Corpus) -> Run:
    """The engine alone, unwrapped, speaking every turn of a corpus in this process."""
    engine, base = load_engine(CorpusRecipe().engine), load_bank()["joe"]
    began = time.monotonic()
    for dialogue in corpus:
        for turn in dialogue.turns:
            if turn.event != "backchannel":
                engine.speak(turn.text, base, Style(), 0)
    wall = time.monotonic() - began
    return Run("the engine alone", corpus.seconds / 3600, wall, psutil.Process().memory_info().rss / 2**30)
