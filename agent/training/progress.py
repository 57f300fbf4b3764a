"""What a training run reports: progress lines, curves, losses on held-out dialogues."""

from __future__ import annotations

import datetime
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from codec.training import parallel
from codec.training.curves import Curves
from codec.training.pace import Pace
from corpus.audio import FRAME_RATE

from .recipe import AgentRecipe

PATIENCE = 20.0  # s after which a line is printed, wherever the run is


@dataclass(frozen=True)
class Seen:
    """What was trained on, in all processes; what fills up short crops is no part of it."""

    frames: int = 0  # of sound
    tokens: int = 0  # of text without sound
    places: int = 0  # frames that crops had room for

    @classmethod
    def of(cls, values: Tensor) -> Seen:
        """Of `[3]`: frames, tokens, places."""
        frames, tokens, places = (round(value) for value in values.tolist())
        return cls(frames, tokens, places)

    def as_list(self) -> list[int]:
        """Frames, tokens, places."""
        return [self.frames, self.tokens, self.places]

    @property
    def hours(self) -> float:
        """Of sound."""
        return self.frames / FRAME_RATE / 3600.0

    def __add__(self, other: Seen) -> Seen:
        return Seen(self.frames + other.frames, self.tokens + other.tokens, self.places + other.places)


@dataclass(frozen=True)
class StepReport:
    """One step, of all processes together."""

    parts: Mapping[str, float]  # of the loss, and the gradient's norm
    seen: Seen


class AgentProgress:
    """Collects losses between lines; silent in all processes but the first."""

    def __init__(
        self,
        folder: Path,
        recipe: AgentRecipe,
        say: Callable[[str], None] = print,
        hours: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
        *,
        work: float = 0.0,
        peak: float = 0.0,
    ) -> None:
        """What is 0 is unknown, and not told.

        Args:
            folder: of the run.
            recipe: for its rhythm.
            say: prints a line.
            hours: of the corpus, for the number of times it was seen.
            clock: seconds.
            work: operations per frame, see `frame_work`.
            peak: operations per second that all cards can do.
        """
        self.recipe, self.hours, self._work, self._peak = recipe, hours, work, peak
        self._print = say if parallel.rank() == 0 else lambda _: None
        self._parts: dict[str, list[float]] = defaultdict(list)
        self._recent = Seen()
        self._pace, self._curves = Pace(), Curves(folder)
        self.steps = recipe.steps  # in all, as far as is known
        self._clock = clock
        self._first: float | None = None  # when the first step began
        self._told = clock()  # when a line was printed last

    def begin(self, step: int, seen: Seen, recipe: AgentRecipe | None = None) -> None:
        """Go on from a step at which so much was seen."""
        self._pace, self._recent = Pace(), Seen()
        self.steps = self.steps if recipe is None else recipe.steps
        self._first = self._told = self._clock()
        self._parts.clear()
        self._curves.begin(step)

    def say(self, line: str) -> None:
        """Print a line, in the first process only."""
        self._print(line)

    def passed(self, step: int, done: int, passes: int) -> None:
        """Tell how many passes of a step are done, where no line was printed for a while."""
        if self._clock() - self._told >= PATIENCE:
            self._tell(f"step {step + 1}: pass {done} of {passes}")

    def _tell(self, line: str) -> None:
        self._told = self._clock()
        self._print(line)

    def _between_lines(self, step: int, report: StepReport) -> None:
        """Tell how long the first step took, and where no line was printed for a while, that it goes on."""
        loss = next((f"  {name} {report.parts[name]:.3f}" for name in ("loss", "wording") if name in report.parts), "")
        if self._first is not None:
            took, self._first = self._clock() - self._first, None
            left = datetime.timedelta(seconds=round(took * max(0, self.steps - step)))
            self._tell(f"{step}/{self.steps}{loss}  the first step took {took:.1f} s, at that pace left {left}")
        elif self._clock() - self._told >= PATIENCE:
            self._tell(f"{step}/{self.steps}{loss}")

    def record(self, step: int, report: StepReport, seen: Seen, rate: float) -> None:
        """Take in one step and all that was seen up to it; prints every `log_every` steps."""
        if not self._pace.begun:
            self._pace.mark(step, seen.frames)
        for name, value in report.parts.items():
            self._parts[name].append(value)
        self._recent = self._recent + report.seen
        if step % self.recipe.log_every:
            self._between_lines(step, report)
            return
        self._first = None
        means = {name: sum(values) / len(values) for name, values in self._parts.items()}
        words = [f"{step}/{self.steps}", *(f"{name} {value:.3f}" for name, value in means.items())]
        words += [f"lr x{rate:.2f}", *self._amounts(seen)]
        self._pace.mark(step, seen.frames)
        speed = self._pace.speed()
        if speed is not None:
            words += [f"{speed[1]:.0f} frames/s", f"{speed[1] / FRAME_RATE:.0f}x real time"]
            if self._work and self._peak:
                words.append(f"MFU {100 * speed[1] * self._work / self._peak:.0f} %")
            words += [f"left {self._pace.left(self.steps - step)}"]
        self._tell("  ".join(words))
        self._curves.plot("loss", means, step)
        self._curves.plot("run", {"learning_rate": rate, "hours": seen.hours} | _timed(speed), step)
        self._parts.clear()
        self._recent = Seen()

    def _amounts(self, seen: Seen) -> list[str]:
        """How much sound and text was trained on, and how much of the crops was none."""
        words = [f"{seen.hours:.2f} h" + (f" = {seen.hours / self.hours:.1f} epochs" if self.hours else "")]
        recent = self._recent
        if recent.frames:
            words.append(f"padding {100 * max(0.0, 1 - recent.frames / max(recent.places, 1)):.0f} %")
        if seen.tokens:
            words.append(f"{seen.tokens} tokens read")
        return words

    def validation(self, step: int, means: dict[str, float]) -> None:
        """Take in the losses on held-out dialogues, also written to `validation.jsonl`."""
        if means:
            line = "  ".join(f"{name} {value:.3f}" for name, value in means.items())
            self._print(f"validation at {step}: {line}")
            self._curves.validation(step, means)


def _timed(speed: tuple[float, float] | None) -> dict[str, float]:
    return {} if speed is None else {"seconds_per_step": speed[0]}
