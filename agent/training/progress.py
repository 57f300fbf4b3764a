"""What a training run reports: progress lines, TensorBoard curves, validation losses."""

from __future__ import annotations

import datetime
import importlib.util
import json
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from codec.training import parallel

from .recipe import AgentRecipe

FRAME_SECONDS = 0.08
SPEED_LINES = 10  # progress lines over which speed is measured


class Progress:
    """Collects losses between lines; silent in all processes but the first."""

    def __init__(
        self, folder: Path, recipe: AgentRecipe, say: Callable[[str], None] = print, hours: float = 0.0
    ) -> None:
        """`hours`: of the corpus, for the number of times it was seen; 0 if unknown."""
        self.folder, self.recipe, self.hours = folder, recipe, hours
        first = parallel.rank() == 0
        self._print = say if first else lambda _: None
        self._parts: dict[str, list[float]] = defaultdict(list)
        self._marks: list[tuple[float, int]] = []  # (time, step) of the last lines
        self._board = _tensorboard(folder) if first else None

    def say(self, line: str) -> None:
        """Print a line, in the first process only."""
        self._print(line)

    def record(self, step: int, parts: dict[str, float], frames: int, rate: float) -> None:
        """Take in one step's losses and frames (of one process); prints every `log_every` steps."""
        if not self._marks:
            self._marks.append((time.monotonic(), step))
        for name, value in parts.items():
            self._parts[name].append(value)
        if step % self.recipe.log_every:
            return
        means = {name: sum(values) / len(values) for name, values in self._parts.items()}
        self._parts.clear()
        words = [f"{step}/{self.recipe.steps}", *(f"{name} {value:.3f}" for name, value in means.items())]
        seen = frames * parallel.world_size() * FRAME_SECONDS
        words += [f"lr x{rate:.2f}", self._seen(seen * step / 3600)]
        self._marks = [*self._marks[-SPEED_LINES:], (time.monotonic(), step)]
        (began, start), (now, _) = self._marks[0], self._marks[-1]
        per_step = (now - began) / max(step - start, 1)
        if step > start:
            left = datetime.timedelta(seconds=round(per_step * (self.recipe.steps - step)))
            words += [f"{seen / FRAME_SECONDS / per_step:.0f} frames/s", f"{seen / per_step:.0f}x real time"]
            words += [f"left {left}"]
        self._print("  ".join(words))
        self._plot("loss", means, step)
        self._plot("run", {"learning_rate": rate, "seconds_per_step": per_step}, step)

    def _seen(self, hours: float) -> str:
        return f"{hours:.1f} h" + (f" = {hours / self.hours:.1f} epochs" if self.hours else "")

    def validation(self, step: int, means: dict[str, float]) -> None:
        """Take in the losses on held-out crops, also written to `validation.jsonl`."""
        if not means:
            return
        self._print(f"validation at {step}: " + "  ".join(f"{name} {value:.3f}" for name, value in means.items()))
        self._plot("validation", means, step)
        if parallel.rank() == 0:
            with (self.folder / "validation.jsonl").open("a", encoding="utf-8") as out:
                out.write(json.dumps({"step": step, **{k: round(v, 4) for k, v in means.items()}}) + "\n")

    def _plot(self, group: str, values: dict[str, float], step: int) -> None:
        if self._board is not None:
            for name, value in values.items():
                self._board.add_scalar(f"{group}/{name}", value, step)


def _tensorboard(folder: Path) -> Any:
    """A TensorBoard writer, or None where tensorboard is not installed."""
    if importlib.util.find_spec("tensorboard") is None:
        return None
    from torch.utils.tensorboard import SummaryWriter

    return SummaryWriter(str(folder / "tensorboard"))
