"""The `[users]` section of a recipe: whose recordings the users are."""

from __future__ import annotations

from pathlib import Path

from pydantic import model_validator

from corpus.strict import Strict

from ..entry import Side

WORDS = "words.jsonl"  # the default name of what is kept, in a folder; of a manifest, its stem and this


class RecordedSettings(Strict):
    """Recordings of people in place of the user's voice; without `recordings` users are spoken like the agent."""

    recordings: str = ""  # a folder (SPEAKER/CLIP.wav, CLIP.txt beside) or a manifest (JSON lines)
    transcripts: str = ""  # JSON lines with path and text, for recordings whose manifest states none
    whisper: str = ""  # folder of a faster-whisper model, for those that have no transcript anywhere
    words: str = ""  # where transcripts and word times are kept; beside the recordings if left out
    licence: str = ""  # of recordings whose manifest states none
    consent: str = ""
    held_out: str = ""  # a file with the names of speakers, one a line, who are kept for evaluation
    side: Side | None = None  # train: all but those; evaluation: those only

    @model_validator(mode="after")
    def _consistent(self) -> RecordedSettings:
        named = [name for name, value in self if value and name != "recordings"]
        if named and not self.recordings:
            raise ValueError(f'users.{named[0]} means nothing without users.recordings = "FOLDER or MANIFEST"')
        if self.side and not self.held_out:
            raise ValueError('users.side needs users.held_out = "FILE", the names of the speakers kept for evaluation')
        return self

    @property
    def kept(self) -> Path:
        """The file that holds transcripts and word times."""
        if self.words:
            return Path(self.words)
        source = Path(self.recordings)
        return source / WORDS if source.is_dir() else source.with_name(f"{source.name.split('.')[0]}.{WORDS}")
