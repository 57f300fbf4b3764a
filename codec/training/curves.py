"""The curves of a run: TensorBoard and `validation.jsonl`, without repeats when a run goes on from before its end."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from corpus.audio import SAMPLE_RATE, Samples
from corpus.durable import replace_text

from . import parallel

VALIDATION = "validation.jsonl"


class Curves:
    """What is plotted and written; nothing in all processes but the first."""

    def __init__(self, folder: Path) -> None:
        self.folder, self._board = folder, None
        self._first = parallel.rank() == 0

    def begin(self, step: int) -> None:
        """Go on from a step: what was written of later ones is dropped, since they come again."""
        if not self._first:
            return
        path = self.folder / VALIDATION
        if path.exists():
            lines = path.read_text(encoding="utf-8").splitlines()
            kept = [line for line in lines if _step(line) <= step]
            if len(kept) < len(lines):
                replace_text(path, "".join(f"{line}\n" for line in kept))
        self._board = _tensorboard(self.folder, step)

    def plot(self, group: str, values: Mapping[str, float], step: int) -> None:
        """Add points to curves."""
        if self._board is not None:
            for name, value in values.items():
                self._board.add_scalar(f"{group}/{name}", value, step)

    def sound(self, name: str, audio: Samples, step: int) -> None:
        """Add a sound float32 `[T]` at 24 kHz."""
        if self._board is not None:
            self._board.add_audio(name, audio[None], step, SAMPLE_RATE)

    def validation(self, step: int, values: Mapping[str, float]) -> None:
        """Plot figures on held-out data and add a line to `validation.jsonl`."""
        self.plot("validation", values, step)
        if self._first:
            with (self.folder / VALIDATION).open("a", encoding="utf-8") as out:
                out.write(json.dumps({"step": step, **{k: round(v, 4) for k, v in values.items()}}) + "\n")


def _step(line: str) -> float:
    """The step of a line of `validation.jsonl`; a torn one is of no step that was."""
    try:
        return float(json.loads(line)["step"])
    except (ValueError, KeyError, TypeError):
        return float("inf")


def _tensorboard(folder: Path, step: int) -> Any:
    """A TensorBoard writer, or None where tensorboard is not installed."""
    if importlib.util.find_spec("tensorboard") is None:
        return None
    from torch.utils.tensorboard import SummaryWriter

    return SummaryWriter(str(folder / "tensorboard"), purge_step=step + 1)
