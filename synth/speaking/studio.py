"""Render a plan: speak its turns, put them on the clock and on their channels, add the room around the user."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from corpus.audio import FRAME_SAMPLES, Samples, gain_to, to_samples
from corpus.record import Dialogue, DroppedTurn, RejectedTake, Speaker, Turn, UtteranceQuality
from corpus.timing import measure_audio

from ..alignment.align import align
from ..engines.failure import EngineFailureError
from ..engines.protocol import Engine, ReferenceVoice, Speech, Style
from ..engines.pseudo.blend import find_voice
from ..seeds import choices, derive, noise
from ..voices.recorded import People
from .acoustics import PEAK, NoiseBank, noise_floor, send
from .backchannels import BackchannelBank
from .clips import SpokenClip, cut_clip, spoken_turn
from .dropping import without
from .steady import SteadyVoice
from .timeline import onsets

if TYPE_CHECKING:
    from .quality.control import Control
    from .watermark import Watermark

BACKCHANNEL_LUFS = -4.0  # dB against the speaker's own turns
SECONDS_PER_WORD = (0.08, 1.5)  # a clip outside is a failed one
TRIES = 3
TAIL = (0.4, 1.2)  # s of noise floor after the last word
MOST_DROPPED = 0.2  # of the turns of a dialogue, backchannels not counted

Take = tuple[SpokenClip, UtteranceQuality | None]

_BANKS_KEPT = 64  # backchannels of as many voices: blended ones are hardly met again


class RejectedError(ValueError):
    """A dialogue that could not be spoken well enough after several tries."""


class UnspokenError(ValueError):
    """A turn that could not be spoken well enough: `rejects` are the takes."""

    def __init__(self, rejects: tuple[RejectedTake, ...]) -> None:
        super().__init__("a turn could not be spoken")
        self.rejects = rejects


@dataclass(frozen=True)
class SpokenDialogue:
    """A rendered dialogue. `audio` is `[2, T]` at 24 kHz as stored; `stems` the clean channels before acoustics."""

    dialogue: Dialogue
    audio: Samples
    stems: Samples


@dataclass
class Studio:
    """What rendering needs and loads once in each process: the engine, the voices, the noises."""

    engine: Engine
    voices: Mapping[str, ReferenceVoice]
    noises: NoiseBank
    seed: int  # of the corpus: backchannel banks are the same in every dialogue
    control: Control | None = None  # the quality gates, if any are shut
    mark: Watermark | None = None  # laid under all speech, if the recipe asks for it
    steady: bool = False  # the agent speaks like `synth.speaking.steady`
    people: People | None = None  # recorded, who say the turns with a `recording`
    noise_silence: float = 0.5  # probability that a stretch of background noise is muted
    _steady: dict[tuple[str, float, str], SteadyVoice] = field(default_factory=dict)
    _banks: dict[tuple[str, str], BackchannelBank] = field(default_factory=dict)

    def reference(self, speaker: Speaker) -> ReferenceVoice:
        """The bank's voice of a speaker. Raises ValueError when it is not in the bank."""
        assert speaker.voice is not None, "a plan gives every speaker a voice"
        return find_voice(self.voices, speaker.voice.id)

    def backchannels(self, speaker: Speaker, language: str = "en") -> BackchannelBank:
        """The backchannel bank of a speaker's voice in a language, made on first use."""
        reference = self.reference(speaker)
        key = (reference.voice.id, language)
        if key not in self._banks:
            if len(self._banks) >= _BANKS_KEPT:
                self._banks.pop(next(iter(self._banks)))
            self._banks[key] = BackchannelBank(self.engine, reference, self.seed, language)
        return self._banks[key]

    def _is_steady(self, speaker: Speaker) -> bool:
        return self.steady and speaker.role == "agent"

    def _steady_voice(self, speaker: Speaker, language: str) -> SteadyVoice:
        reference = self.reference(speaker)
        key = (reference.voice.id, speaker.lufs, language)
        if key not in self._steady:
            self._steady[key] = SteadyVoice(self.engine, reference, speaker.lufs, language)
        return self._steady[key]

    def render(self, plan: Dialogue) -> SpokenDialogue:
        """Speak and mix one planned dialogue; a turn that cannot be spoken is left out.

        Raises:
            RejectedError: too many turns did not come out as speech.
        """
        plan, spoken = self._spoken(plan)
        assert plan.acoustics is not None, "a plan has acoustics"
        clips = self._levelled(plan, {index: clip for index, (clip, _) in spoken.items()})
        starts = onsets(plan, clips, FRAME_SAMPLES if self.steady else 1)
        stems = self._mix(plan, clips, starts)
        if self.mark is not None:
            stems = self.mark.mark(stems)
        turns = tuple(
            spoken_turn(turn, clips[turn.index], starts[turn.index], spoken[turn.index][1]) for turn in plan.turns
        )
        rng = noise(plan.seed, "send")
        user, acoustics = send(stems[1], stems[0], plan.acoustics, self.noises, rng, self.noise_silence)
        floors = np.stack(
            [
                noise_floor(stems.shape[1], level, noise(plan.seed, "floor", channel))
                for channel, level in enumerate(acoustics.floor_dbfs)
            ]
        )
        audio = np.clip(np.stack([stems[0], user]) + floors, -1.0, 1.0)
        dialogue = plan.model_copy(
            update={"turns": turns, "acoustics": acoustics, "stats": measure_audio(stems + floors)}
        )
        return SpokenDialogue(dialogue, audio, stems)

    def _spoken(self, plan: Dialogue) -> tuple[Dialogue, dict[int, Take]]:
        """Every turn spoken, and the plan without those that could not be."""
        wanted = sum(turn.event != "backchannel" for turn in plan.turns)
        spoken: dict[int, Take] = {}
        while True:
            dropped: dict[int, DroppedTurn] = {}
            for turn in plan.turns:
                if turn.index not in spoken:
                    try:
                        spoken[turn.index] = self._clip(plan, turn)
                    except UnspokenError as error:
                        dropped[turn.index] = DroppedTurn(speaker=turn.speaker, text=turn.text, rejects=error.rejects)
            if not dropped:
                return plan, spoken
            thinned = without(plan, dropped)
            plan = thinned.plan
            lost = wanted - sum(turn.event != "backchannel" for turn in plan.turns)
            if lost > MOST_DROPPED * wanted:
                raise RejectedError(f"{plan.id}: {lost} of {wanted} turns cannot be spoken: {_listed(plan.dropped)}")
            spoken = {
                thinned.moved[index]: take
                for index, take in spoken.items()
                if thinned.moved.get(index, -1) not in (-1, *thinned.stale)
            }

    def _clip(self, plan: Dialogue, turn: Turn) -> Take:
        if turn.recording is not None:
            assert self.people is not None, "a plan with recorded turns is rendered with its people"
            return _cut(self.people.speech(turn.recording, turn.text), turn, plan.language), None
        speaker = plan.speaker(turn.speaker)
        steady = self._is_steady(speaker)
        if steady or turn.event == "backchannel":
            try:
                speech = self._kept(plan, turn, speaker)
            except EngineFailureError as error:
                raise UnspokenError((RejectedTake(reasons=(error.code,)),)) from None
            return _cut(speech, turn, plan.language, FRAME_SAMPLES if steady else 1), None
        reference, style = self.reference(speaker), Style(rate=speaker.rate)
        if self.control is not None:
            kept, quality = self.control.speak(turn.text, reference, style, derive(plan.seed, "speak", turn.index))
            if kept is None:
                raise UnspokenError(quality.rejects)
            return _cut(kept, turn, plan.language), quality
        low, high = SECONDS_PER_WORD
        problems: list[str] = []
        for attempt in range(TRIES):
            seed = derive(plan.seed, "speak", turn.index, attempt)
            try:
                clip = _cut(self.engine.speak(turn.text, reference, style, seed), turn, plan.language)
            except EngineFailureError as error:
                problems.append(error.code)
                continue
            if low <= clip.word_end() / len(clip.words) <= high and np.isfinite(clip.audio()).all():
                return clip, None
            problems.append("rate" if np.isfinite(clip.audio()).all() else "no_speech")
        raise UnspokenError(tuple(RejectedTake(reasons=(problem,)) for problem in problems))

    def _kept(self, plan: Dialogue, turn: Turn, speaker: Speaker) -> Speech:
        """What is spoken once and used again: a backchannel, varied unless the voice is steady, or a steady text."""
        if turn.event != "backchannel":
            return self._steady_voice(speaker, plan.language).speak(turn.text)
        bank = self.backchannels(speaker, plan.language)
        if self._is_steady(speaker):
            return bank.take(turn.text, 0)
        return bank.clip(turn.text, choices(plan.seed, "backchannel", turn.index))

    def _levelled(self, plan: Dialogue, clips: Mapping[int, SpokenClip]) -> dict[int, SpokenClip]:
        """Every speaker at the planned loudness: one gain for all turns, so that their dynamics stay."""
        levelled: dict[int, SpokenClip] = {}
        for speaker in plan.speakers:
            own = [turn for turn in plan.turns if turn.speaker == speaker.id]
            said = [clips[turn.index].audio() for turn in own if turn.event != "backchannel"]
            # A steady voice has its gain already: that of a dialogue's turns would differ from dialogue to dialogue.
            gain = gain_to(np.concatenate(said), speaker.lufs) if said and not self._is_steady(speaker) else 1.0
            for turn in own:
                clip = clips[turn.index]
                if turn.event == "backchannel":
                    levelled[turn.index] = clip.scaled(gain_to(clip.audio(), speaker.lufs + BACKCHANNEL_LUFS))
                else:
                    levelled[turn.index] = clip.scaled(gain)
        return levelled

    def _mix(self, plan: Dialogue, clips: Mapping[int, SpokenClip], starts: Mapping[int, int]) -> Samples:
        end = max(starts[index] + to_samples(clip.duration) for index, clip in clips.items())
        stems = np.zeros((2, end + to_samples(choices(plan.seed, "tail").uniform(*TAIL))), np.float32)
        for turn in plan.turns:
            channel = stems[plan.channel(turn)]
            for piece in clips[turn.index].pieces:
                begin = starts[turn.index] + piece.start
                channel[begin : begin + len(piece.samples)] += piece.samples
        peaks = np.abs(stems).max(axis=1, keepdims=True)
        return np.asarray(stems * np.minimum(1.0, PEAK / np.maximum(peaks, 1e-9)), dtype=np.float32)


def _listed(dropped: Sequence[DroppedTurn]) -> str:
    """Dropped turns in one line: the text, and why each take failed, with what was heard."""
    return "; ".join(
        f"{turn.text!r}: " + ", ".join(f"{'+'.join(take.reasons)} {take.heard!r}" for take in turn.rejects)
        for turn in dropped
    )


def _cut(speech: Speech, turn: Turn, language: str, grid: int = 1) -> SpokenClip:
    words = align(speech.samples, speech.rate, turn.text, speech.words, language)
    return cut_clip(speech.samples, speech.rate, words, turn, grid)
