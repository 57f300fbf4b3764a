"""The dialogues of a planner one after another, whoever writes them; what cannot be used is counted and left out."""

from __future__ import annotations

import contextlib
import gzip
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import TextIO, cast

from corpus.durable import replacing
from corpus.record import Dialogue

from ..plan import Planner, estimated_seconds
from ..script.models.usable import UnusableError
from ..script.models.writer import ModelWriter
from ..speaking.rehearse import rehearse
from .casts import prepare_casts
from .generate import CorpusOrder
from .people import prepare_people
from .workers import CorpusJob
from .write_ahead import write_ahead


class Planned:
    """Plans in the order of their numbers, as `generate` would render them. Use as a context manager.

    Args:
        planner: says what is planned.
        count: of the numbers to plan, from 0 on; None: for ever.

    Attributes:
        refused: dialogues left out so far, each as the reason.
        seconds: what `lasting` gave so far lasts about so long.
    """

    def __init__(self, planner: Planner, count: int | None = None) -> None:
        self.planner = planner
        self.refused: list[str] = []
        self.seconds = 0.0
        self._count = count
        self._scripts = write_ahead(planner, None, count)

    @classmethod
    def of(cls, order: CorpusOrder, count: int | None = None, *, silent: bool = False) -> Planned:
        """The plans of an order. Raises ValueError when a voice, recording or folder of its recipe cannot be used."""
        prepare_people(order.recipe, silent=silent)
        prepare_casts(order.recipe, silent=silent)
        return cls(CorpusJob(order.out, order.recipe, order.seed, order.hours).planner(), count)

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

    def lasting(self, seconds: float, *, timed: bool) -> Iterator[Dialogue]:
        """As many as last about so long; `timed`: their words get estimated times."""
        for draft in self.dialogues():
            dialogue = rehearse(draft, steady=self.planner.recipe.voices.steady) if timed else draft
            self.seconds += estimated_seconds(dialogue)
            yield dialogue
            if self.seconds >= seconds:
                break

    def told(self, say: Callable[[str], object], *, hours: float) -> None:
        """Say in lines what a model was asked and refused; nothing of the built-in writer."""
        for reason in self.refused:
            say(f"left out: {reason}")
        if isinstance(self.planner.writer, ModelWriter):
            self.planner.writer.ledger.told(say, hours=hours, price=self.planner.recipe.writer.price)


@contextlib.contextmanager
def lines_file(path: Path) -> Iterator[TextIO]:
    """A text file that appears whole at the end, compressed if its name ends in .gz; ValueError without its folder."""
    if not path.parent.is_dir():
        raise ValueError(f"there is no folder {path.parent} to write {path.name} in")
    opener = gzip.open if path.suffix == ".gz" else open
    with replacing(path, shared=True) as partial, opener(partial, "wt", encoding="utf-8") as stream:
        yield cast(TextIO, stream)
