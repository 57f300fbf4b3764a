"""What a corpus holds, counted dialogue by dialogue in one pass over its records: for its card and for its report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from .reader import Corpus
from .record import UNSTATED, Dialogue, TimingStats, Turn, Voice
from .timing import Segment, join, turn_offsets

MOST_ESTIMATED = 0.05  # of the words: with more, it is said that their times are none


def estimated_times(words: Mapping[str, int]) -> str:
    """A sentence about words that have only their share of the speech for a time; "" where they are few.

    Args:
        words: how many there are, by who timed them.
    """
    share = words.get("proportional", 0) / max(sum(words.values()), 1)
    if share <= MOST_ESTIMATED:
        return ""
    return f"{100 * share:.0f} % of the words were not found in the sound: they share the speech's time by letters"


@dataclass
class VoiceCount:
    """One voice and how much it speaks; `seconds` from the onset to the end of each turn."""

    voice: Voice
    roles: set[str] = field(default_factory=set)
    dialogues: int = 0
    turns: int = 0
    words: int = 0
    seconds: float = 0.0


@dataclass
class BackchannelCount:
    """How listeners nod: how often and how long, how many on the other's speech, how many wholly inside it."""

    number: int = 0
    seconds: float = 0.0
    overlapped: int = 0
    enclosed: int = 0

    def add(self, dialogue: Dialogue) -> None:
        """Count those of one dialogue, by its words."""
        nods = [turn for turn in dialogue.turns if turn.event == "backchannel" and turn.words]
        if not nods:
            return
        channels = {dialogue.channel(nod) for nod in nods}
        others = {channel: _speech_of_others(dialogue, channel) for channel in channels}
        for nod in nods:
            start, end, heard = nod.words[0].start, nod.words[-1].end, others[dialogue.channel(nod)]
            self.number += 1
            self.seconds += end - start
            self.overlapped += any(first < end and start < last for first, last in heard)
            self.enclosed += any(first <= start and end <= last for first, last in heard)


def _speech_of_others(dialogue: Dialogue, channel: int) -> list[Segment]:
    """Stretches of words (s) on all channels but one, joined over silences of less than 0.2 s."""
    turns = [turn for turn in dialogue.turns if dialogue.channel(turn) != channel]
    return join((word.start, word.end) for turn in turns for word in turn.words)


@dataclass
class CorpusSummary:
    """The sums; `add` lets dialogues pass one at a time, so that a corpus of any size is read once."""

    seconds: float = 0.0
    dialogues: int = 0
    turns: int = 0
    speech: float = 0.0  # s of turns, of all speakers together
    words: Counter[str] = field(default_factory=Counter)  # by who timed them
    events: Counter[str] = field(default_factory=Counter)
    languages: Counter[str] = field(default_factory=Counter)
    questions: Counter[str] = field(default_factory=Counter)
    answered: Counter[str] = field(default_factory=Counter)  # questions that have an answering turn, by kind
    noises: Counter[str] = field(default_factory=Counter)  # dialogues by "id (licence)"
    noise_licences: set[str] = field(default_factory=set)
    acoustics: Counter[str] = field(default_factory=Counter)  # dialogues by what was done to the user's channel
    voices: dict[str, VoiceCount] = field(default_factory=dict)
    timings: list[TimingStats] = field(default_factory=list)
    offsets: list[float] = field(default_factory=list)  # of floor transfers, s, backchannels left out
    backchannels: BackchannelCount = field(default_factory=BackchannelCount)

    @classmethod
    def of(cls, dialogues: Corpus | Iterable[Dialogue]) -> CorpusSummary:
        """Count a whole corpus; no audio is read."""
        summary = cls()
        for dialogue in dialogues:
            summary.add(dialogue)
        return summary

    def add(self, dialogue: Dialogue) -> None:
        """Count one dialogue."""
        self.dialogues += 1
        self.turns += len(dialogue.turns)
        self.seconds += dialogue.audio.duration if dialogue.audio else 0.0
        self.languages[dialogue.language] += 1
        for turn in dialogue.turns:
            self.events[turn.event] += 1
            self.words.update(word.source for word in turn.words)
            self.speech += (turn.end or 0.0) - (turn.start or 0.0)
        if dialogue.stats is not None:
            self.timings.append(dialogue.stats)
        self.offsets += turn_offsets(dialogue)
        self.backchannels.add(dialogue)
        self._add_questions(dialogue.turns)
        self._add_voices(dialogue)
        self._add_acoustics(dialogue)

    def _add_questions(self, turns: Iterable[Turn]) -> None:
        asked = {turn.index: turn.question.kind for turn in turns if turn.question}
        self.questions.update(asked.values())
        answered = {turn.answers for turn in turns if turn.answers is not None}
        self.answered.update(kind for index, kind in asked.items() if index in answered)

    def _add_voices(self, dialogue: Dialogue) -> None:
        for speaker in dialogue.speakers:
            if speaker.voice is None:
                continue
            use = self.voices.setdefault(speaker.voice.id, VoiceCount(speaker.voice))
            turns = [turn for turn in dialogue.turns if turn.speaker == speaker.id]
            use.roles.add(speaker.role)
            use.dialogues += 1
            use.turns += len(turns)
            use.words += sum(len(turn.words) for turn in turns)
            use.seconds += sum((turn.end or 0.0) - (turn.start or 0.0) for turn in turns)

    def _add_acoustics(self, dialogue: Dialogue) -> None:
        used = dialogue.acoustics
        if used is None:
            return
        parts = {"gain": used.user_gain_db != 0, "noise": used.noise, "echo": used.echo, "room": used.room}
        self.acoustics.update(name for name, value in parts.items() if value)
        if not any(parts.values()):
            self.acoustics["clean"] += 1
        if used.noise:
            self.noises[f"{used.noise.id} ({used.noise.licence})"] += 1
            self.noise_licences.add(used.noise.licence)

    @property
    def unlicensed(self) -> list[str]:
        """Ids of voices whose licence or consent nobody stated."""
        return sorted(
            id for id, use in self.voices.items() if UNSTATED in use.voice.licence or UNSTATED in use.voice.consent
        )

    @property
    def licences(self) -> set[str]:
        """The licences of the voices and noises, as they are stated."""
        return {use.voice.licence for use in self.voices.values()} | self.noise_licences
