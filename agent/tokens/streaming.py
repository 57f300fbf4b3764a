"""Token shards read as training comes to them, instead of all of them mapped and looked through at the start.

Every row of a step is a lane that walks through shards of its own; a process reads those of its own rows. In an epoch
the shards are shuffled and dealt to the lanes, and the crops of a few following ones are shuffled together. What a row
learns in a step depends on (seed, step, row) alone: a run resumes to the bit, cut into other processes, with no data
state to store. Beside `agent.tokens.crops`, dialogues that sound the same are not looked for.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from corpus.audio import FRAME_RATE

from ..model.config import ModelConfig
from .cut import Chances, Cutter, Rows, TokenBatch
from .fit import check_alike, check_fit
from .frame_labels import Labels
from .shard_store import ShardStore
from .shards import Shard, read_vocabulary
from .text_stream import Tokens
from .training_text import TEXT, corpus_text, file_text, text_rows

WINDOW = 4  # shards of a lane whose crops are shuffled together
READERS = 2  # threads that read ahead
DEALING, MIXING, PICKING = 11, 12, 13  # mark the random numbers of dealing, of a window, of a shard


@dataclass(frozen=True)
class Window:
    """Following shards of a lane in an epoch."""

    epoch: int
    shards: tuple[int, ...]
    counts: tuple[int, ...]  # crops of each
    first: int  # step that takes its first crop

    @property
    def end(self) -> int:
        """The step after its last crop."""
        return self.first + sum(self.counts)


@dataclass
class OpenWindow:
    """A window whose shards are read, or about to be."""

    window: Window
    shards: list[Future[Shard]]
    _text: Tokens | None = None  # once asked for

    def text(self, pads: tuple[int, int], between: int) -> Tokens:
        """All that is said in it."""
        if self._text is None:
            shards = [future.result() for future in self.shards]
            places = [(n, *pair) for n, each in enumerate(shards) for pair in pairwise(each.offsets.tolist())]
            self._text = corpus_text(shards, np.array(places, np.int64), pads, between)
        return self._text


class StreamedTokens:
    """The dialogues of one or more stores of tokens, read shard by shard.

    `vocabulary` and `codec` are what the tokens were made with; `vocabulary` has the model's PAD and EPAD.
    """

    twins = wordless = 0  # not looked for

    def __init__(
        self,
        stores: Sequence[ShardStore],
        config: ModelConfig,
        *,
        lanes: int,
        frames: int,
        seed: int = 0,
        hints: float = 0.0,
        starts: float = 0.2,
        texts: Sequence[str | Path] = (),
    ) -> None:
        """Nothing but manifests is read yet.

        Args:
            stores: with one codec and one vocabulary.
            config: of the model to train.
            lanes: rows of a step, in all processes and passes.
            frames: of a crop.
            seed: of everything random.
            hints: chance that a crop has hints: the coming text of a random share of its words.
            starts: chance that a crop of a longer dialogue is its beginning; others begin anywhere.
            texts: .txt files for `text_batch`, in place of what is said in the dialogues.

        Raises:
            ValueError: the stores do not fit the model or each other, or have fewer shards than there are lanes.
        """
        folders, manifests = [store.folder for store in stores], [store.manifest for store in stores]
        check_alike(folders, manifests)
        first = manifests[0]
        vocabulary = read_vocabulary(folders[0], first)
        check_fit(first, vocabulary, config, folders[0])
        self.config, self.lanes, self.frames, self.seed = config, lanes, frames, seed
        self.codec, self.vocabulary = first.codec, vocabulary.with_ids(config.pad, config.end_pad)
        self._shards = [(store, entry) for store in stores for entry in store.manifest.shards]
        if len(self._shards) < lanes:
            raise ValueError(
                f"a step has {lanes} rows and each streams shards of its own, but there are {len(self._shards)}: "
                "take fewer rows, or --data in place of --stream"
            )
        entries = [entry for _, entry in self._shards]
        self._counts = np.array([max(each.dialogues, round(each.frames / frames)) for each in entries], np.int64)
        self._chances = Chances(starts, hints)
        self._cutter = Cutter.of(config, vocabulary, first.vocabulary)
        self._file_text = file_text(texts, self.vocabulary) if texts else None
        self._open: dict[int, OpenWindow] = {}  # by lane
        self._ahead: dict[int, OpenWindow] = {}
        self._epochs: dict[int, tuple[int, int]] = {}  # by lane: the last epoch asked for, and its first step
        self._readers = ThreadPoolExecutor(READERS, "shards")

    def __len__(self) -> int:
        return sum(entry.dialogues for _, entry in self._shards)

    @property
    def hours(self) -> float:
        """Of all dialogues."""
        return sum(entry.frames for _, entry in self._shards) / FRAME_RATE / 3600.0

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the shards' own, in order: they decide what comes when."""
        return hashlib.sha256(json.dumps([entry.sha256 for _, entry in self._shards]).encode()).hexdigest()

    def check_words(self) -> None:
        """Raise ValueError when nobody says a word in any dialogue."""
        if not any(entry.text.words for _, entry in self._shards):
            raise ValueError("nobody says a word in these tokens: there is nothing to learn from them")

    def batch(self, step: int, rows: int, frames: int, part: int = 0, parts: int = 1) -> TokenBatch:
        """The batch of a step: `rows` crops of `frames` frames, those of `rows` lanes.

        In an epoch every dialogue comes up about once for each `frames` of its length, in random order; where it is
        cut and which variant of the user is heard is random. A step may be cut into `parts`, for passes and processes.
        """
        assert (rows * parts, frames) == (self.lanes, self.frames), "a lane is a row of every step"
        return TokenBatch.of([self._crop(step, lane) for lane in range(part * rows, (part + 1) * rows)])

    def text_batch(self, step: int, rows: int, frames: int, part: int = 0) -> TokenBatch:
        """Text alone, `frames` tokens a row without pauses, of what a lane is at; all other rows are -1."""
        texts = []
        for lane in range(part * rows, (part + 1) * rows):
            text = self._file_text
            if text is None:
                text = self._at(step, lane).text(self._cutter.stored_pads, self.config.pad)
            texts.append((np.random.default_rng((self.seed, step, 0, lane, TEXT)), text))
        return text_rows(texts, self.config.streams, frames)

    def _crop(self, step: int, lane: int) -> tuple[Rows, Labels]:
        there = self._at(step, lane)
        window = there.window
        mixed = np.random.default_rng((self.seed, MIXING, window.epoch, window.shards[0]))
        place = int(mixed.permutation(sum(window.counts))[step - window.first])
        ends = np.cumsum(window.counts)
        which = int(np.searchsorted(ends, place, side="right"))
        number = place - int(ends[which]) + window.counts[which]
        shard = there.shards[which].result()
        order = _order(np.diff(shard.offsets), self.frames, (self.seed, PICKING, window.epoch, window.shards[which]))
        dialogue = int(order[number % len(order)])
        span = range(*shard.offsets[dialogue : dialogue + 2].tolist())
        rng = np.random.default_rng((self.seed, step, 0, lane))
        return self._cutter.drawn(shard, span, self.frames, rng, self._chances)

    def _at(self, step: int, lane: int) -> OpenWindow:
        """What a lane reads in a step; the next window is read ahead once half of this one is through."""
        there = self._open.get(lane)
        if there is None or not there.window.first <= step < there.window.end:
            window, ahead = self._window(step, lane), self._ahead.pop(lane, None)
            there = ahead if ahead is not None and ahead.window == window else self._opened(window)
            self._open[lane] = there
        elif lane not in self._ahead and 2 * step >= there.window.first + there.window.end:
            self._ahead[lane] = self._opened(self._window(there.window.end, lane))
        return there

    def _opened(self, window: Window) -> OpenWindow:
        chosen = (self._shards[index] for index in window.shards)
        return OpenWindow(window, [self._readers.submit(store.shard, entry) for store, entry in chosen])

    def _window(self, step: int, lane: int) -> Window:
        epoch, first = self._epochs.get(lane, (0, 0))
        if step < first:
            epoch, first = 0, 0
        while True:
            self._epochs[lane] = epoch, first
            dealt = np.random.default_rng((self.seed, DEALING, epoch)).permutation(len(self._shards))[
                lane :: self.lanes
            ]
            for begin in range(0, len(dealt), WINDOW):
                shards = dealt[begin : begin + WINDOW]
                window = Window(epoch, tuple(shards.tolist()), tuple(self._counts[shards].tolist()), first)
                if step < window.end:
                    return window
                first = window.end
            epoch += 1


def _order(lengths: npt.NDArray[np.int64], frames: int, seed: tuple[int, ...]) -> npt.NDArray[np.int64]:
    """Dialogues of a shard in the order they are taken: each once, then the longer ones again, shuffled."""
    rng, there = np.random.default_rng(seed), np.arange(len(lengths))
    more = np.repeat(there, np.maximum(0, np.round(lengths / frames).astype(np.int64) - 1))
    return np.concatenate([rng.permutation(there), rng.permutation(more)])
