"""The dialogues of a planner one after another, whoever writes them; what cannot be used is counted and left out."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from types import TracebackType

from corpus.record import Dialogue

from ..plan import Planner
from ..script.models.usable import UnusableError
from ..script.models.writer import ModelWriter
from .write_ahead import write_ahead


class Planned:
    """Plans in the order of their numbers, as `generate` would render them. Use as a context manager.

    Args:
        planner: says what is planned.
        count: of the numbers to plan, from 0 on; None: for ever.

    Attributes:
        refused: dialogues left out so far, each as the reason.
    """

    def __init__(self, planner: Planner, count: int | None = None) -> None:
        self.planner = planner
        self.refused: list[str] = []
        self._count = count
        self._scripts = write_ahead(planner, None, count)

    def __enter__(self) -> Planned:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._scripts:
            self._scripts.stop()

    def dialogues(self) -> Iterator[Dialogue]:
        """What comes of each number.

        Raises:
            ValueError: the model cannot be had, or writes nothing usable again and again.
        """
        for number in itertools.count() if self._count is None else range(self._count):
            try:
                lines = self._scripts.lines(number) if self._scripts else None
                dialogue = self.planner.plan(number, lines)
            except UnusableError as error:
                self.refused.append(str(error))
                continue
            yield dialogue

    def told(self, say: Callable[[str], object], *, hours: float) -> None:
        """Say in lines what a model was asked and refused; nothing of the built-in writer."""
        for reason in self.refused:
            say(f"left out: {reason}")
        if isinstance(self.planner.writer, ModelWriter):
            self.planner.writer.ledger.told(say, hours=hours, price=self.planner.recipe.writer.price)
