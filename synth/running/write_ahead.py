"""Scripts of language models, written by several threads ahead of the rendering and kept on disk.

The process that commands the workers writes, the workers only speak: a model is loaded once, a server gets a bounded
number of requests at a time, and dialogues come in the order of their numbers whoever was quickest.
"""

from __future__ import annotations

import queue
import threading
from concurrent.futures import Future
from pathlib import Path

from ..plan import Planner, dialogue_id
from ..script.line import Line
from ..script.models.duplicates import NearDuplicateIndex
from ..script.models.store import ScriptStore, WrittenScript
from ..script.models.usable import UnusableError
from ..script.models.writer import ModelWriter

MOST_REFUSED_IN_A_ROW = 5
ALIKE = 0.95  # cosine from which a dialogue is a near-duplicate
_TRIES = 2  # at a dialogue that is one
_REMEMBERED = 1000  # dialogues behind the newest one asked for


class WriteAhead:
    """Writes the dialogues of a planner whose writer is a model.

    Args:
        planner: says what is to be written, and writes it.
        corpus: the directory that keeps the scripts.
        concurrency: threads, so dialogues asked for at the same time.
    """

    def __init__(self, planner: Planner, corpus: Path, concurrency: int) -> None:
        self._planner = planner
        self._store = ScriptStore(corpus)
        self._window = 2 * concurrency
        self._alike = NearDuplicateIndex()
        for script in self._store:
            self._alike.add(script.text)
        self._looking = threading.Lock()
        self._scripts: dict[int, Future[tuple[Line, ...]]] = {}
        self._wanted: queue.SimpleQueue[int | None] = queue.SimpleQueue()
        self._stopped = False
        self._refused_in_a_row = 0
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(concurrency)]
        for thread in self._threads:
            thread.start()

    def lines(self, number: int) -> tuple[Line, ...]:
        """The lines of dialogue `number`; waits until they are written. To be asked for in order.

        Raises:
            UnusableError: the model wrote nothing usable for it.
            ValueError: the model cannot be had any more, or writes nothing usable again and again.
            DiskFullError: there is no room for the script.
        """
        for ahead in range(number, number + self._window):
            if ahead not in self._scripts:
                self._scripts[ahead] = Future()
                self._wanted.put(ahead)
        self._scripts.pop(number - _REMEMBERED, None)
        try:
            lines = self._scripts[number].result()
        except UnusableError as error:
            self._refused_in_a_row += 1
            if self._refused_in_a_row >= MOST_REFUSED_IN_A_ROW:
                raise ValueError(
                    f"{self._planner.writer.name}: {self._refused_in_a_row} dialogues in a row came to nothing, "
                    f"the last: {error}; try another model, or mode = 'turns' in the recipe's [writer]"
                ) from None
            raise
        self._refused_in_a_row = 0
        return lines

    def stop(self) -> None:
        """Begin nothing more; what is being written is dropped."""
        self._stopped = True
        for _ in self._threads:
            self._wanted.put(None)

    def _work(self) -> None:
        while (number := self._wanted.get()) is not None and not self._stopped:
            try:
                self._scripts[number].set_result(self._written(number))
            except BaseException as error:  # whatever it is, the one who asks for the lines has to know
                self._scripts[number].set_exception(error)

    def _written(self, number: int) -> tuple[Line, ...]:
        id, seed = dialogue_id(number), self._planner.seed_of(number)
        stored = self._store.load(id, seed)
        if stored is not None:
            return stored.lines
        for attempt in range(_TRIES):
            lines = tuple(self._planner.write(number, attempt))
            script = WrittenScript(id=id, seed=seed, writer=self._planner.writer.name, lines=lines)
            with self._looking:
                alike = self._alike.add(script.text)
            if alike < ALIKE:
                self._store.save(script)
                return lines
        raise UnusableError("duplicate", f"{id} is nearly the same as an earlier dialogue")


def write_ahead(planner: Planner, corpus: Path) -> WriteAhead | None:
    """What writes a planner's dialogues; None where the workers do so themselves."""
    if not isinstance(planner.writer, ModelWriter):
        return None
    return WriteAhead(planner, corpus, planner.recipe.writer.concurrency)
