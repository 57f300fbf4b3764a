"""Which recordings train the listener and which judge it: a collection, its transcripts, the held-out speakers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from corpus.audio import Samples, read_mono

from .recipe import ListenerRecipe
from .recordings import ClipWord, CollectedRecording, TurnClip, clips, read_recordings, read_speakers, read_transcripts
from .scenes import SceneMaker
from .sounds import JudgedSound, call, natural, spliced

RESPONSE = 1.2  # seconds kept of an impulse response


@dataclass(frozen=True)
class Collection:
    """Recordings of people, apart by speaker."""

    folder: Path
    transcripts: Mapping[str, Sequence[ClipWord]]
    held_out: Mapping[str, frozenset[str]]  # of "judge" and "develop"

    @classmethod
    def open(cls, folder: str | Path, transcripts: str | Path, held_out: str | Path) -> Collection:
        """Read the lists.

        Raises:
            ValueError: one cannot be read, or the list of speakers lacks a section.
        """
        speakers = read_speakers(Path(held_out))
        if not {"judge", "develop"} <= set(speakers):
            raise ValueError(f"{held_out} needs the sections [judge] and [develop]")
        return cls(Path(folder), read_transcripts(Path(transcripts)), speakers)

    def training(self) -> list[CollectedRecording]:
        """The recordings of everybody who is not held out."""
        held = frozenset().union(*self.held_out.values())
        return [each for each in read_recordings(self.folder, ["train"]) if each.speaker not in held]

    def scene_maker(self, recipe: ListenerRecipe, limit: int | None = None) -> SceneMaker:
        """Scenes of the training recordings, without noises and rooms that judge. `limit`: recordings, for trials."""
        wanted = [each for each in self.training() if recipe.sources.get(each.source)][:limit]
        noises = [
            each
            for each in read_recordings(self.folder, ["noise"])
            if recipe.judged_noise not in each.name and each.seconds > 0.3
        ][:limit]
        responses = [
            path for path in sorted((self.folder / "rir").glob("*.flac")) if recipe.judged_room not in path.name
        ]
        return SceneMaker(
            recipe,
            list(clips(wanted, self.transcripts)),
            [read_mono(each.path) for each in noises],
            [direct(read_mono(path)) for path in responses],
        )

    def judged(self, part: str, seed: int = 5) -> list[JudgedSound]:
        """The sounds of a held-out part, "judge" (with the prompts and the calls) or "develop"."""
        generator = np.random.default_rng(seed)
        rows = [each for each in read_recordings(self.folder, ["train"]) if each.speaker in self.held_out[part]]
        if part == "judge":
            rows += read_recordings(self.folder, ["prompts"])
        known = [each for each in rows if each.name in self.transcripts]
        requests = self._clips([each for each in known if each.source == "sentences"])
        reading = self._clips([each for each in known if each.source != "sentences"])
        out = natural(requests, "requests", generator) + natural(reading, "reading", generator)
        out += spliced([*requests, *reading[::3]], generator)
        return out + (self._calls() if part == "judge" else [])

    def _clips(self, recordings: Sequence[CollectedRecording]) -> list[TurnClip]:
        return list(clips(recordings, self.transcripts))

    def _calls(self) -> list[JudgedSound]:
        sides: dict[str, list[CollectedRecording]] = {}
        for each in read_recordings(self.folder, ["conv"]):
            sides.setdefault(each.speaker.rpartition("_")[0], []).append(each)
        pairs = {name: [(side.speaker, read_mono(side.path)) for side in both] for name, both in sides.items()}
        return [judged for name, both in pairs.items() for judged in call(name, both)]


def direct(response: Samples) -> Samples:
    """An impulse response from its direct sound on, of energy 1."""
    kept = response[int(np.argmax(np.abs(response))) :][: int(RESPONSE * 24_000)]
    return np.asarray(kept / np.sqrt((kept**2).sum()), np.float32)
