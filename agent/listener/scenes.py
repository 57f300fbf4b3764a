"""Scenes for training: a speaker's turns, silence, a room, noise, others, a telephone, with exact labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import soxr  # type: ignore[import-untyped]

from corpus.audio import SAMPLE_RATE, Samples

from ..tokens.telephone import telephone
from . import effects
from .features import HOP
from .labels import Flags, Stop
from .recipe import ListenerRecipe, Span
from .recordings import TurnClip, room_tone
from .turns import TurnSound, turn

LEVEL = np.float32(0.1)  # RMS of a voice before its gain, -20 dB of full scale
FADE = 360  # samples


@dataclass(frozen=True)
class Scene:
    """Sound and what is true of it, by hops of 10 ms."""

    sound: Samples  # [240 n] at 24 kHz
    active: Flags  # [n]
    stops: tuple[Stop, ...]
    backchannel: Flags  # [n]
    clip: np.ndarray[tuple[int], np.dtype[np.int32]]  # [n], index of the clip that is heard, or -1
    clip_time: Samples  # [n], seconds within it, or NaN


class _Blank:
    """A scene in the making."""

    def __init__(self, hops: int) -> None:
        self.sound = np.zeros(hops * HOP, np.float32)
        self.active, self.backchannel = np.zeros(hops, bool), np.zeros(hops, bool)
        self.clip, self.clip_time = np.full(hops, -1, np.int32), np.full(hops, np.nan, np.float32)
        self.stops: list[Stop] = []

    def lay(self, hop: int, sound: Samples) -> None:
        """Sound over the room tone, faded in and out."""
        ramp = np.arange(len(sound))
        fade = np.minimum(1, np.minimum(ramp / FADE, (len(sound) - ramp) / FADE)).astype(np.float32)
        place = slice(hop * HOP, hop * HOP + len(sound))
        self.sound[place] = self.sound[place] * (1 - 0.9 * fade) + sound * fade

    def scene(self, sound: Samples) -> Scene:
        stops = tuple(self.stops)
        return Scene(sound, self.active, stops, self.backchannel, self.clip, self.clip_time)


class SceneMaker:
    """Makes scenes of clips, noises and impulse responses; each scene hangs on its seed alone."""

    def __init__(
        self, recipe: ListenerRecipe, clips: Sequence[TurnClip], noises: Sequence[Samples], responses: Sequence[Samples]
    ) -> None:
        if not clips:
            raise ValueError("there are no clips to make scenes of")
        self.recipe, self.clips, self.noises, self.responses = recipe, clips, noises, responses
        lengths = np.array([len(noise) for noise in noises], np.float64)
        self._noise_shares = lengths / lengths.sum() if noises else lengths
        self._speakers: dict[str, dict[str, list[int]]] = {}
        for index, clip in enumerate(clips):
            source = self._speakers.setdefault(clip.recording.source, {})
            source.setdefault(clip.recording.speaker, []).append(index)

    def make(self, *seed: int) -> Scene:
        """The scene of a seed: the user's talk (or nobody's), then what changes all sound."""
        generator = np.random.default_rng([self.recipe.seed, *seed])
        recipe = self.recipe.scenes
        blank = _Blank(100 * recipe.seconds)
        user = generator.random() >= recipe.nobody
        if user:
            self._talk(blank, generator)
        else:
            blank.sound = room_tone(np.ones(64, np.float32), len(blank.sound), generator)
            blank.sound *= np.float32(10 ** (-generator.uniform(55, 95) / 20))
        return blank.scene(self.around(blank.sound, user, generator))

    def _talk(self, blank: _Blank, generator: np.random.Generator) -> None:
        recipe, hops = self.recipe.scenes, len(blank.active)
        speaker = self._speaker(generator)
        speed = generator.uniform(*recipe.speed) if generator.random() < recipe.faster else 1.0
        hop = int(generator.uniform(5, 250))
        blank.sound = room_tone(self.clips[speaker[0]].tone, len(blank.sound), generator)
        level = 0.0
        while hop < hops - 60:
            index = speaker[generator.integers(len(speaker))]
            said = at_speed(turn(self.clips[index], self.recipe.turns, generator), speed)
            voiced = said.sound.reshape(-1, HOP)[said.active]
            gain = LEVEL / np.float32(np.sqrt((voiced**2).mean() + 1e-12))
            if not level:
                level = float(gain)
                blank.sound *= np.float32(0.9 * level)
            length = min(len(said.active), hops - hop)
            place = slice(hop, hop + length)
            blank.lay(hop, said.sound[: length * HOP] * gain)
            blank.active[place], blank.clip_time[place] = said.active[:length], said.clip_time[:length]
            blank.clip[place] = np.where(np.isnan(said.clip_time[:length]), -1, index)
            blank.stops += [Stop(hop + s.hop, s.over, s.weight, s.kind) for s in said.stops if s.hop <= length]
            hop += length + int(generator.uniform(60, 420))
            if generator.random() < recipe.hums and hop < hops - 150:
                hop += self._hum(blank, hop, self.clips[index], generator) + int(generator.uniform(60, 250))

    def _hum(self, blank: _Blank, hop: int, clip: TurnClip, generator: np.random.Generator) -> int:
        vowel = effects.filler(clip.hops(clip.first, min(clip.last, clip.first + 300)), generator)
        if vowel is None:
            return 0
        sound = effects.normalised(effects.hum(vowel, generator)) * LEVEL * np.float32(0.6)
        length = min(len(sound) // HOP, len(blank.active) - hop)
        blank.lay(hop, sound[: length * HOP])
        blank.active[hop : hop + length] = blank.backchannel[hop : hop + length] = True
        blank.stops.append(Stop(hop + length, False, 0.0, "backchannel"))
        return length

    def around(self, sound: Samples, user: bool, generator: np.random.Generator) -> Samples:
        """Room, noise, others, telephone and gain."""
        recipe = self.recipe.scenes
        if user and generator.random() < recipe.rooms:
            sound = effects.in_room(sound, self._response(generator))
        if generator.random() < (recipe.noise if user else 0.6):
            span = recipe.noise_snr if user else (-6.0, 25.0)
            sound = sound + self._noise(len(sound), generator) * _below(span, generator)
        if generator.random() < (recipe.others if user else 0.35):
            span = recipe.others_snr if user else (24.0, 40.0)
            sound = sound + self._babble(len(sound), int(generator.integers(1, 3)), generator) * _below(span, generator)
        band = generator.random()
        if band < recipe.telephone:
            sound = telephone(sound, generator)
        elif band < recipe.telephone + recipe.dulled:
            sound = effects.dulled(sound, int(generator.uniform(7000, 14000)))
        span = recipe.usual_gain if generator.random() < 0.7 else recipe.any_gain
        return np.asarray(np.clip(sound * 10 ** (generator.uniform(*span) / 20), -1, 1), np.float32)

    def _speaker(self, generator: np.random.Generator) -> list[int]:
        shares = {source: self.recipe.sources.get(source, 0.0) for source in self._speakers}
        weights = np.array(list(shares.values()))
        if not weights.sum():
            raise ValueError(f"the recipe's sources hold none of {', '.join(shares)}")
        source = self._speakers[list(shares)[generator.choice(len(weights), p=weights / weights.sum())]]
        return list(source.values())[generator.integers(len(source))]

    def _response(self, generator: np.random.Generator) -> Samples:
        if not self.responses or generator.random() < self.recipe.scenes.simulated:
            return effects.simulated_room(generator)
        return self.responses[int(generator.integers(len(self.responses)))]

    def _noise(self, samples: int, generator: np.random.Generator) -> Samples:
        """Steady, recorded, musical or of many people; RMS 1."""
        kind = generator.random()
        if kind < 0.25 or (kind < 0.8 and not self.noises):
            return effects.coloured_noise(samples, generator)
        if kind < 0.8:
            out = np.zeros(samples, np.float32)
            for _ in range(generator.integers(1, 4)):
                noise = self.noises[int(generator.choice(len(self.noises), p=self._noise_shares))]
                noise = np.roll(noise, int(generator.integers(len(noise))))[:samples]
                start = int(generator.integers(samples - len(noise) + 1))
                out[start : start + len(noise)] += effects.normalised(noise)
            return effects.normalised(out)
        if kind < 0.9:
            return effects.music(samples, generator)
        return self._babble(samples, int(generator.integers(3, 7)), generator)

    def _babble(self, samples: int, voices: int, generator: np.random.Generator) -> Samples:
        """Other people, somewhere in the room; RMS 1."""
        out = np.zeros(samples, np.float32)
        for _ in range(voices):
            at = 0
            while at < samples:
                clip = self.clips[int(generator.integers(len(self.clips)))]
                said = effects.normalised(clip.hops(clip.first, clip.last)[: samples - at])
                out[at : at + len(said)] += said
                at += len(said) + int(generator.uniform(0.1, 1.5) * SAMPLE_RATE)
        return effects.normalised(effects.in_room(out, self._response(generator)))


def at_speed(said: TurnSound, speed: float) -> TurnSound:
    """A turn said faster or slower, pitch and all."""
    if speed == 1:
        return said
    sound = soxr.resample(said.sound, SAMPLE_RATE, SAMPLE_RATE / speed)
    hops, before = len(sound) // HOP, len(said.active)
    index = np.minimum(np.arange(hops) * before // hops, before - 1)
    stops = tuple(Stop(-(-s.hop * hops // before), s.over, s.weight, s.kind) for s in said.stops)
    return TurnSound(sound[: hops * HOP], said.active[index], said.clip_time[index], stops)


def _below(span: Span, generator: np.random.Generator) -> np.float32:
    """A level by so many dB below the voice's."""
    return np.float32(LEVEL * 10 ** (-generator.uniform(*span) / 20))
