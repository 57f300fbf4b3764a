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

    What it gives is the same for any number of threads, if the model answers alike: near-duplicates are sought among
    the dialogues before, in the order of their numbers.

    Args:
        planner: says what is to be written, and writes it.
        corpus: the directory that keeps the scripts; None keeps none.
        concurrency: threads, so dialogues asked for at the same time.
        until: the first number that is not wanted; None: all are.
    """

    def __init__(self, planner: Planner, corpus: Path | None, concurrency: int, until: int | None = None) -> None:
        self._planner = planner
        self._store = ScriptStore(corpus) if corpus else None
        self._window, self._until = 2 * concurrency, until
        self._alike: NearDuplicateIndex | None = None
        self._scripts: dict[int, Future[WrittenScript]] = {}
        self._judged: dict[int, tuple[Line, ...] | UnusableError] = {}
        self._wanted: queue.SimpleQueue[tuple[int, Future[WrittenScript]] | None] = queue.SimpleQueue()
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
        end = number + self._window
        for ahead in range(number, end if self._until is None else min(end, self._until)):
            if ahead not in self._scripts and ahead not in self._judged:
                self._scripts[ahead] = Future()
                self._wanted.put((ahead, self._scripts[ahead]))
        if number not in self._judged:
            self._judged[number] = self._judge(number)
            self._judged.pop(number - _REMEMBERED, None)
        judged = self._judged[number]
        if not isinstance(judged, UnusableError):
            return judged
        if self._refused_in_a_row >= MOST_REFUSED_IN_A_ROW:
            raise ValueError(
                f"{self._planner.writer.name}: {self._refused_in_a_row} dialogues in a row came to nothing, "
                f"the last: {judged}; try another model, or mode = 'turns' in the recipe's [writer]"
            )
        raise judged

    def stop(self) -> None:
        """Begin nothing more; what is being written is dropped."""
        self._stopped = True
        for _ in self._threads:
            self._wanted.put(None)

    def _work(self) -> None:
        while (wanted := self._wanted.get()) is not None and not self._stopped:
            number, script = wanted
            try:
                script.set_result(self._written(number, 0))
            except BaseException as error:  # whatever it is, the one who asks for the lines has to know
                script.set_exception(error)

    def _judge(self, number: int) -> tuple[Line, ...] | UnusableError:
        """The lines of a dialogue unless it is nearly one of those before, or why there are none."""
        if self._alike is None:
            self._alike = NearDuplicateIndex()
            for earlier in self._store.before(number) if self._store else ():
                self._alike.add(earlier.text)
        try:
            script = self._scripts.pop(number).result()
            while self._alike.add(script.text) >= ALIKE:
                if script.attempt + 1 == _TRIES:
                    raise UnusableError("duplicate", f"{script.id} is nearly the same as an earlier dialogue")
                script = self._written(number, script.attempt + 1)
        except UnusableError as error:
            self._refused_in_a_row += 1
            return error
        self._refused_in_a_row = 0
        return script.lines

    def _written(self, number: int, attempt: int) -> WrittenScript:
        id, seed = dialogue_id(number), self._planner.seed_of(number)
        stored = self._store.load(id, number, seed) if self._store else None
        if stored is not None and stored.attempt >= attempt:
            return stored
        lines = tuple(self._planner.write(number, attempt))
        script = WrittenScript(id=id, seed=seed, writer=self._planner.writer.name, lines=lines, attempt=attempt)
        if self._store:
            self._store.save(script, number)
        return script


def write_ahead(planner: Planner, corpus: Path | None, until: int | None = None) -> WriteAhead | None:
    """What writes a planner's dialogues; None where the workers do so themselves."""
    if not isinstance(planner.writer, ModelWriter):
        return None
    return WriteAhead(planner, corpus, planner.recipe.writer.concurrency, until)
