"""The reader of a corpus: dialogues in order, one shard in memory at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .audio import Samples, read
from .manifest import SHARDS, read_info, read_records, read_shard_info, shard_directories
from .record import Dialogue, id_order


@dataclass(frozen=True)
class _Shard:
    path: Path
    first: str  # by `id_order`
    last: str


class Corpus:
    """A corpus on disk, read lazily. Iterating gives every `Dialogue`, shard after shard, in id order within each.

    Raises ValueError when the directory holds no corpus, or one with a broken shard.json.
    """

    def __init__(self, directory: str | Path) -> None:
        self.directory = Path(directory)
        self.info = read_info(self.directory)
        self.seconds = 0.0  # of audio in the whole corpus
        self._count = 0
        self._shards: list[_Shard] = []
        self._loaded: tuple[Path, dict[str, Dialogue]] | None = None
        for path in shard_directories(self.directory):
            shard = read_shard_info(path)
            self._count += shard.dialogues
            self.seconds = round(self.seconds + shard.seconds, 4)
            self._shards.append(_Shard(path, min(map(id_order, shard.durations)), max(map(id_order, shard.durations))))

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Dialogue]:
        for shard in self._shards:
            yield from read_records(shard.path)

    def get(self, id: str) -> Dialogue:
        """The dialogue of this id. Raises ValueError when the corpus holds none."""
        place = id_order(id)
        for shard in self._shards:
            if shard.first <= place <= shard.last and (dialogue := self._records(shard.path).get(id)):
                return dialogue
        raise ValueError(f"{self.directory} holds no dialogue {id!r}")

    def ids(self) -> list[str]:
        """The ids of all dialogues, in the order in which they are iterated."""
        return [id for shard in self._shards for id in sorted(read_shard_info(shard.path).durations, key=id_order)]

    def audio_path(self, dialogue: Dialogue) -> Path:
        """Where a dialogue's recording lies. Raises ValueError for a dialogue that is not stored here."""
        if dialogue.audio is None or not dialogue.audio.path.startswith(f"{SHARDS}/"):
            raise ValueError(f"{dialogue.id} is not a dialogue of {self.directory}")
        return self.directory / SHARDS / Path(dialogue.audio.path).parent.name / f"{dialogue.id}.flac"

    def audio(self, dialogue: Dialogue) -> Samples:
        """A dialogue's recording: float32 `[2, T]` at 24 kHz, channel 0 the agent. Raises ValueError if unreadable."""
        return read(self.audio_path(dialogue))

    def stems(self, dialogue: Dialogue) -> Samples | None:
        """The parts a dialogue was mixed from, float32 `[S, T]`; None where none were kept."""
        path = self.audio_path(dialogue).with_suffix(".stems.flac")
        return read(path) if path.exists() else None

    def _records(self, shard: Path) -> dict[str, Dialogue]:
        if self._loaded is None or self._loaded[0] != shard:
            self._loaded = (shard, {dialogue.id: dialogue for dialogue in read_records(shard)})
        return self._loaded[1]
