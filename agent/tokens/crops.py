"""Token shards as batches to train on.

    data = Dialogues(["tokens/everyday"], config, seed=1)
    training, validation = data.split(0.02)
    batch = training.batch(step, rows=16, frames=500)      # batch.codes [16, config.streams, 500]

A batch depends on nothing but (seed, step, row): training resumes to the bit with no data state to store.
"""

from __future__ import annotations

import copy
import functools
import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from corpus.audio import FRAME_RATE

from ..files.vocabulary import Vocabulary
from ..model.config import ModelConfig
from .cut import Chances, Cutter, Rows, TokenBatch
from .fit import check_alike, check_fit
from .shards import Shard, open_shard, read_manifest, read_vocabulary
from .text_stream import Tokens
from .training_text import TEXT, corpus_text, file_text, text_rows


class Dialogues:
    """The dialogues of one or more folders of tokens, mapped into memory.

    `vocabulary` and `codec` are what the tokens were made with; `vocabulary` has the model's PAD and EPAD.
    """

    def __init__(
        self,
        folders: Sequence[str | Path],
        config: ModelConfig,
        *,
        seed: int = 0,
        hints: float = 0.0,
        starts: float = 0.2,
        texts: Sequence[str | Path] = (),
    ) -> None:
        """Open the shards and check every byte of them.

        Args:
            folders: written by `agent tokenize`, with one codec and one vocabulary.
            config: of the model to train.
            seed: of everything random.
            hints: chance that a crop has hints: the coming text of a random share of its words.
            starts: chance that a crop of a longer dialogue is its beginning; others begin anywhere.
            texts: .txt files for `text_batch`, in place of what is said in the dialogues.

        Raises:
            ValueError: a folder is not there, damaged, or does not fit the model or the other folders.
        """
        if not folders:
            raise ValueError("no tokens to train on: give at least one folder")
        manifests = [read_manifest(folder) for folder in folders]
        check_alike(folders, manifests)
        first = manifests[0]
        vocabulary = read_vocabulary(folders[0], first)
        check_fit(first, vocabulary, config, folders[0])
        self.config, self.seed, self.hints, self.starts = config, seed, hints, starts
        self.codec = first.codec
        self.vocabulary: Vocabulary = vocabulary.with_ids(config.pad, config.end_pad)
        self._shards = [
            open_shard(folder, entry)
            for folder, manifest in zip(folders, manifests, strict=True)
            for entry in manifest.shards
        ]
        self._shards_of = [len(manifest.shards) for manifest in manifests]
        places = [
            (index, begin, end)
            for index, shard in enumerate(self._shards)
            for begin, end in zip(shard.offsets[:-1], shard.offsets[1:], strict=True)
        ]
        if not places:
            raise ValueError(f"{folders[0]} holds no dialogue yet: run `agent tokenize` again to finish it")
        self._places = np.array(places, np.int64)  # [D, 3]: shard, first frame, end
        self.ids = [id for shard in self._shards for id in shard.ids]
        self.twins = self._without_twins()
        self._shares: dict[int, Rows] = {}  # by length of a crop: dialogues, each as often as an epoch has it
        self._covers: dict[int, Rows] = {}  # by length of a crop: dialogue and first frame, to cover all
        self._cutter = Cutter.of(config, vocabulary, first.vocabulary)
        self._file_text = file_text(texts, self.vocabulary) if texts else None
        self._own_text: Tokens | None = None  # once asked for

    def __len__(self) -> int:
        return len(self.ids)

    def _without_twins(self) -> int:
        """Keep the first of dialogues that sound the same, whatever they are called; how many went."""
        kept: dict[bytes, int] = {}
        for index, (place, begin, end) in enumerate(self._places.tolist()):
            kept.setdefault(_content(self._shards[place], begin, end), index)
        gone = len(self._places) - len(kept)
        if gone:
            self._places, self.ids = self._places[list(kept.values())], [self.ids[index] for index in kept.values()]
        self._contents = list(kept)
        return gone

    @property
    def wordless(self) -> int:
        """Dialogues in which the agent says no word."""
        silent = self._cutter.stored_pads
        return sum(
            bool(np.isin(self._shards[place].text[0, begin:end], silent).all())
            for place, begin, end in self._places.tolist()
        )

    def check_words(self) -> None:
        """Raise ValueError when the agent says no word in any dialogue: there is nothing to learn from that."""
        if self.wordless == len(self):
            raise ValueError(
                f"the agent says no word in any of {len(self)} dialogues: check that its words are the first "
                "speaker's (channel 0), their times in seconds, and tokenize again"
            )

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the sound of all dialogues, whatever their order."""
        return hashlib.sha256(b"".join(sorted(self._contents))).hexdigest()

    @property
    def frames(self) -> int:
        """In all dialogues."""
        return int((self._places[:, 2] - self._places[:, 1]).sum())

    @property
    def hours(self) -> float:
        """Of all dialogues."""
        return self.frames / FRAME_RATE / 3600.0

    def split(self, held_out: float) -> tuple[Dialogues, Dialogues]:
        """Training and validation parts, the latter without hints.

        A dialogue's id alone decides, but at least one is held out. Raises ValueError unless both get something.
        """
        drawn = np.array(
            [int.from_bytes(hashlib.sha256(id.encode()).digest()[:8], "big") for id in self.ids], np.uint64
        )
        out = drawn.astype(np.float64) / 2.0**64 < held_out
        out[int(drawn.argmin())] = True
        if not 0.0 < held_out < 1.0 or out.all():
            raise ValueError(f"cannot hold out {held_out} of {len(self)} dialogues and train on the rest")
        return self._parted(out)

    def apart(self, folders: int) -> tuple[Dialogues, Dialogues]:
        """Training and validation parts, the latter that of the first `folders` folders and without hints.

        Raises ValueError when nothing is left to train on: all sounds like something in the first folders.
        """
        out = self._places[:, 0] < sum(self._shards_of[:folders])
        if out.all():
            raise ValueError("nothing is left to train on: every dialogue is one that is held out for validation, too")
        return self._parted(out)

    def _parted(self, out: npt.NDArray[np.bool_]) -> tuple[Dialogues, Dialogues]:
        training, validation = self._subset(np.flatnonzero(~out)), self._subset(np.flatnonzero(out))
        validation.hints = 0.0
        return training, validation

    def batch(self, step: int, rows: int, frames: int, part: int = 0, parts: int = 1) -> TokenBatch:
        """The batch of a step: `rows` crops of `frames` frames.

        In an epoch every dialogue comes up once for each `frames` of its length, at least once, in random order; where
        it is cut and which variant of the user is heard is random. A step may be cut into `parts` of `rows` crops each,
        for passes and processes: they share an epoch, and hold the crops that one part with all rows would.
        """
        crops = []
        for row in range(rows):
            index = self._drawn((step * parts + part) * rows + row, frames)
            rng = np.random.default_rng((self.seed, step, 0, part * rows + row))
            crops.append(self._cutter.drawn(*self._place(index), frames, rng, Chances(self.starts, self.hints)))
        return TokenBatch.of(crops)

    def whole(self, index: int, variant: int = 0) -> TokenBatch:
        """One dialogue from beginning to end, without hints: a batch of one row."""
        shard, place = self._place(index)
        return TokenBatch.of([self._cutter.crop(shard, place, 0, len(place), variant, None)])

    def crop_count(self, frames: int) -> int:
        """How many crops of `frames` frames cover every dialogue once, one after another."""
        return len(self._covering(frames))

    def fixed(self, numbers: Sequence[int], frames: int) -> TokenBatch:
        """Some of the crops that cover every dialogue once, as recorded; the same whatever the seed."""
        crops = []
        for number in numbers:
            index, start = self._covering(frames)[number].tolist()
            rng = np.random.default_rng(number)
            hinted = self.config.ours.hint and rng.random() < self.hints
            crops.append(self._cutter.crop(*self._place(index), start, frames, 0, rng if hinted else None))
        return TokenBatch.of(crops)

    def _covering(self, frames: int) -> Rows:
        """Dialogue and first frame of those crops: `[N, 2]`."""
        if frames not in self._covers:
            lengths = self._places[:, 2] - self._places[:, 1]
            pairs = [(index, start) for index, n in enumerate(lengths.tolist()) for start in range(0, n, frames)]
            self._covers[frames] = np.array(pairs, np.int64)
        return self._covers[frames]

    def text_batch(self, step: int, rows: int, frames: int, part: int = 0) -> TokenBatch:
        """Text alone, `frames` tokens a row without pauses; all other rows are -1."""
        text = self._text()
        texts = [(np.random.default_rng((self.seed, step, 0, part * rows + row, TEXT)), text) for row in range(rows)]
        return text_rows(texts, self.config.streams, frames)

    def _subset(self, indices: npt.NDArray[np.intp]) -> Dialogues:
        part = copy.copy(self)
        part._places, part.ids = self._places[indices], [self.ids[index] for index in indices]
        part._contents = [self._contents[index] for index in indices]
        part._shares, part._covers, part._own_text = {}, {}, None
        return part

    def _text(self) -> Tokens:
        if self._file_text is not None:
            return self._file_text
        if self._own_text is None:
            self._own_text = corpus_text(self._shards, self._places, self._cutter.stored_pads, self.config.pad)
        return self._own_text

    def _drawn(self, number: int, frames: int) -> int:
        """Which dialogue the crop of this number is of."""
        if frames not in self._shares:
            times = np.maximum(1, np.round((self._places[:, 2] - self._places[:, 1]) / frames)).astype(np.int64)
            self._shares[frames] = np.repeat(np.arange(len(self)), times)
        shares = self._shares[frames]
        epoch, place = divmod(number, len(shares))
        return int(shares[_shuffled(self.seed, epoch, len(shares))[place]])

    def _place(self, index: int) -> tuple[Shard, range]:
        """The shard that a dialogue is in, and its frames there."""
        shard, begin, end = self._places[index].tolist()
        return self._shards[shard], range(begin, end)


@functools.lru_cache(maxsize=8)
def _shuffled(seed: int, epoch: int, count: int) -> Rows:
    return np.random.default_rng((seed, epoch)).permutation(count)


def _content(shard: Shard, begin: int, end: int) -> bytes:
    """A digest of what is heard in a dialogue, as recorded."""
    digest = hashlib.blake2b(digest_size=16)
    for codes in (shard.agent[:, begin:end], shard.user[0, :, begin:end]):
        digest.update(codes.tobytes())
    return digest.digest()
