"""The writer of a folder of tokens: every shard appears whole or not at all, and a killed run goes on where it was."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from corpus.durable import disk_full_told, publish, replace_synced, write_synced
from corpus.lock import FileLock

from ..files.vocabulary import Vocabulary
from .shards import (
    MANIFEST,
    SHARDS,
    TokenDialogue,
    TokenManifest,
    VocabularyIdentity,
    entry_of,
    open_shard,
    read_manifest,
    read_vocabulary,
    shard_bytes,
)

WORK = ".work"
_MAY_LIE_THERE = {WORK, SHARDS, "tokenizer.json", "tokenizer.model"}  # of a run killed before its manifest was written


class ShardWriter:
    """The only writer of a folder; as a context manager it holds the folder's lock.

    `manifest` is what is published, None before `begin`; `ids` are its dialogues in order. A shard that was damaged
    since is dropped from both, with all after it.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.manifest: TokenManifest | None = None
        self.ids: list[str] = []
        self.mended = 0  # shards dropped
        self._lock = FileLock(self.folder / WORK / "lock", self.folder)

    def __enter__(self) -> ShardWriter:
        """Take the folder up. Raises ValueError when it holds other things, or someone writes to it."""
        if self.folder.exists() and not self.folder.is_dir():
            raise ValueError(f"{self.folder} is no folder")
        there = {path.name for path in self.folder.iterdir()} if self.folder.exists() else set()
        if MANIFEST not in there and there - _MAY_LIE_THERE:
            raise ValueError(f"{self.folder} holds other things than tokens: choose another --out")
        with disk_full_told(self.folder):
            self._lock.acquire()
        try:
            if MANIFEST in there:
                self._take_up(read_manifest(self.folder))
        except BaseException:
            self._lock.release()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lock.release()

    def stored_vocabulary(self) -> Vocabulary | None:
        """The vocabulary of what is published."""
        return None if self.manifest is None else read_vocabulary(self.folder, self.manifest)

    def begin(self, wanted: TokenManifest, vocabulary: Vocabulary) -> None:
        """Say what shards shall be made with. Raises ValueError when those there were made with something else."""
        assert wanted.vocabulary == VocabularyIdentity.of(vocabulary)
        if self.manifest is None:
            work = self.folder / WORK
            replace_synced(self.folder / vocabulary.name, vocabulary.file, work)
            (self.folder / SHARDS).mkdir(exist_ok=True)
            self._publish(wanted)
            return
        odd = _difference(self.manifest, wanted)
        if odd:
            raise ValueError(f"{self.folder} holds tokens made with {odd}: choose another --out or ask for the same")

    def append(self, dialogues: Sequence[TokenDialogue]) -> None:
        """Publish the next shard."""
        assert self.manifest is not None
        file = f"{len(self.manifest.shards):06d}.safetensors"
        data = shard_bytes(dialogues)
        temporary = self.folder / WORK / file
        write_synced(temporary, data)
        publish(temporary, self.folder / SHARDS / file)
        entry = entry_of(file, data, dialogues)
        self._publish(self.manifest.model_copy(update={"shards": (*self.manifest.shards, entry), "complete": False}))
        self.ids += [dialogue.id for dialogue in dialogues]

    def finish(self) -> TokenManifest:
        """Mark the corpus as wholly tokenized; the manifest."""
        assert self.manifest is not None
        if not self.manifest.complete:
            self._publish(self.manifest.model_copy(update={"complete": True}))
        return self.manifest

    def _publish(self, manifest: TokenManifest) -> None:
        replace_synced(self.folder / MANIFEST, manifest.to_bytes(), self.folder / WORK)
        self.manifest = manifest

    def _take_up(self, manifest: TokenManifest) -> None:
        sound = 0
        for entry in manifest.shards:
            try:
                self.ids += open_shard(self.folder, entry).ids
            except ValueError:
                break
            sound += 1
        self.mended = len(manifest.shards) - sound
        if self.mended:
            manifest = manifest.model_copy(update={"shards": manifest.shards[:sound], "complete": False})
        self.manifest = manifest


def _difference(old: TokenManifest, new: TokenManifest) -> str:
    """What the old tokens were made with that the new would not be, in words; "" for nothing."""
    if (old.codec.sha256, old.codec.codebooks) != (new.codec.sha256, new.codec.codebooks):
        same = " of that name" if old.codec.name == new.codec.name else ""
        return f'another codec{same} ("{old.codec.name}", {old.codec.codebooks} codebooks)'
    if old.vocabulary != new.vocabulary:
        return f"another vocabulary ({old.vocabulary.size} ids)"
    if old.variants != new.variants:
        return f"--augment {old.variants - 1}"
    if old.seed != new.seed:
        return f"--seed {old.seed}"
    return "other recordings of noise" if old.noise != new.noise else ""
