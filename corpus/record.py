"""Dialogue, Turn, Word, Speaker, Voice: the one record everything passes on.

What `synth` plans is what `corpus` stores: a plan is a Dialogue whose turns have no times yet, a recording is the same
Dialogue with `start`, `end` and `words` in every turn and an `audio` entry. All times are seconds from the start of the
recording, all gains and levels decibels.
"""

from __future__ import annotations

import re
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Role = Literal["agent", "user", "other"]
Event = Literal["turn", "backchannel", "interrupt", "resume", "repair", "hold", "aside"]
WordSource = Literal["native", "forced", "proportional"]

DIGITS = 7  # of a dialogue's number, filled up with zeros; from the ten millionth on there are more
_LAST_NUMBER = re.compile(rf"\d{{{DIGITS + 1},}}$")

UNSTATED = "not stated"  # stands in the licence or consent of a voice used at its user's own risk

AGENT_CHANNEL = 0
USER_CHANNEL = 1


def id_order(id: str) -> str:
    """What ids of dialogues are sorted by: as texts, but numbers of more than seven digits come after those of seven.

    >>> sorted(["d10000000", "d9999999", "a-d0000001"], key=id_order)
    ['a-d0000001', 'd9999999', 'd10000000']
    """
    digits = _LAST_NUMBER.search(id)
    return id if digits is None else f"{id[: digits.start()]}{'~' * (len(digits[0]) - DIGITS)}{digits[0]}"


class Record(BaseModel):
    """Base of everything stored: immutable, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Word(Record):
    """One spoken word. `source` says who timed it: the engine, a forced aligner, or its share of the clip."""

    text: str
    start: float
    end: float
    source: WordSource


class Pause(Record):
    """A planned silence inside a turn, after its first `after_word` words."""

    after_word: int = Field(ge=1)
    seconds: float = Field(ge=0)


class Question(Record):
    """A question whose answer a program can check. `answer` is what the answering turn must contain, as spoken."""

    kind: str  # arithmetic, counting, spelling, date, time, conversion, capital, ...
    answer: str


class Voice(Record):
    """Whose voice it is and what may be done with it."""

    id: str
    kind: Literal["recorded", "cloned", "pseudo-speaker"]
    engine: str
    licence: str
    source: str
    consent: str


class RecordedSpan(Record):
    """Where a person said a turn: a stretch (s) of a recording, its path relative to the folder of recordings."""

    path: str
    start: float = Field(ge=0)
    end: float = Field(ge=0)


class RejectedTake(Record):
    """One take that was thrown away: its reason codes, and what a recognizer heard in it, if one listened."""

    reasons: tuple[str, ...]
    heard: str = ""


class UtteranceQuality(Record):
    """What quality gates found about an utterance: takes it needed, why others failed, what the kept one measures."""

    takes: int = Field(ge=1)
    way: str  # how the kept take was made: seed, split, engine
    failed: tuple[str, ...] = ()  # reason codes of the takes thrown away
    rejects: tuple[RejectedTake, ...] = ()  # those takes
    measures: dict[str, float] = Field(default_factory=dict)


class DroppedTurn(Record):
    """A planned turn that could not be spoken well enough and is not in the dialogue; its takes."""

    speaker: str
    text: str
    rejects: tuple[RejectedTake, ...]


class Speaker(Record):
    """One participant. Others than the agent and the user share the user's channel."""

    id: str  # agent, user, other
    role: Role
    channel: int = Field(ge=0)
    voice: Voice | None = None
    rate: float = Field(default=1.0, gt=0)  # speaking rate, times the voice's own
    lufs: float = -23.0  # loudness aimed at before user-side augmentation


class Turn(Record):
    """One utterance: planned (text, anchor, offset) and, once rendered, spoken (start, end, words).

    A turn's onset is planned against its anchor, an earlier turn: `offset` seconds after the end of the anchor's word
    number `anchor_word` (its last spoken word when None); negative offsets overlap.
    """

    index: int = Field(ge=0)
    speaker: str
    event: Event = "turn"
    text: str  # as written, before any cut
    act: str = "inform"  # greet, ask, answer, inform, confirm, repair, close, ...
    topic: str = ""
    reply_to: int | None = None
    question: Question | None = None
    answers: int | None = None  # index of the turn whose checkable question this one answers
    cut_word: int | None = Field(default=None, ge=1)  # words spoken before giving way to an interruption
    interrupted_by: int | None = None
    anchor: int | None = None
    anchor_word: int | None = None
    offset: float = 0.0
    pauses: tuple[Pause, ...] = ()
    recording: RecordedSpan | None = None  # of a person, where no engine speaks
    start: float | None = None
    end: float | None = None
    words: tuple[Word, ...] = ()
    quality: UtteranceQuality | None = None

    @property
    def written_words(self) -> list[str]:
        """The whitespace tokens of the text, one for each spoken word."""
        return self.text.split()

    @property
    def spoken_text(self) -> str:
        """The text as far as it was spoken: cut at `cut_word` words."""
        return " ".join(self.written_words[: self.cut_word])


class NoiseUse(Record):
    """A background noise laid under the user's channel. `silences` are the spans (s) where it was muted."""

    id: str
    licence: str
    snr_db: float
    silences: tuple[tuple[float, float], ...] = ()


class EchoUse(Record):
    """The agent's channel leaking into the user's: linear gain and delay in seconds."""

    gain: float = Field(ge=0)
    delay: float = Field(ge=0)


class Acoustics(Record):
    """What was done to the user's channel, and the noise floors of both, as recorded parameters."""

    floor_dbfs: tuple[float, float]
    user_gain_db: float = 0.0
    noise: NoiseUse | None = None
    echo: EchoUse | None = None
    room: str | None = None


class TimingStats(Record):
    """Seconds per minute of inter-pausal units, pauses, gaps and overlaps, and the floor-transfer offsets (s)."""

    seconds: float
    ipu: float
    pause: float
    gap: float
    overlap: float
    offsets: tuple[float, ...]


class AudioFile(Record):
    """The recording itself. `path` is relative to the corpus; `lufs` and `peak_dbfs` are per channel."""

    path: str
    sha256: str
    sample_rate: int
    samples: int
    peak_dbfs: tuple[float, ...]
    lufs: tuple[float, ...]

    @property
    def duration(self) -> float:
        """Seconds."""
        return self.samples / self.sample_rate


class Dialogue(Record):
    """One dialogue, planned or recorded. Turns are in order of onset intent; `turns[i].index == i`."""

    format: Literal[1] = 1
    id: str = Field(pattern=r"^[A-Za-z0-9_-]+$")
    seed: int
    language: str = "en"
    recipe: str = ""  # name of the recipe it was planned from
    topics: tuple[str, ...] = ()
    timing: str = ""  # name of the timing preset
    speakers: tuple[Speaker, ...]
    turns: tuple[Turn, ...]
    dropped: tuple[DroppedTurn, ...] = ()
    acoustics: Acoustics | None = None
    stats: TimingStats | None = None
    audio: AudioFile | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Dialogue:
        ids = {speaker.id for speaker in self.speakers}
        for position, turn in enumerate(self.turns):
            if turn.index != position:
                raise ValueError(f"turn {position} of {self.id} carries index {turn.index}")
            if turn.speaker not in ids:
                raise ValueError(f"turn {position} of {self.id} names unknown speaker {turn.speaker!r}")
            for name in ("reply_to", "answers", "anchor"):
                target = getattr(turn, name)
                if target is not None and not 0 <= target < position:
                    raise ValueError(f"turn {position} of {self.id}: {name} must point at an earlier turn")
        return self

    def speaker(self, id: str) -> Speaker:
        """The speaker of this id."""
        return next(speaker for speaker in self.speakers if speaker.id == id)

    def channel(self, turn: Turn) -> int:
        """The channel a turn is heard on."""
        return self.speaker(turn.speaker).channel

    def words(self, channel: int) -> list[Word]:
        """Every spoken word of a channel, by start time."""
        spoken = [word for turn in self.turns if self.channel(turn) == channel for word in turn.words]
        return sorted(spoken, key=lambda word: (word.start, word.end))
