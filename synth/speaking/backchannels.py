"""Backchannels of a voice: cut out of longer phrases, checked, and used again with small variations.

Speech engines are at their worst on texts of one word, so "mhm" is spoken inside a carrier phrase and cut out.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import numpy as np

from corpus.audio import resample
from corpus.record import Word

from ..alignment.align import STEP, Energy, align
from ..alignment.fade import faded
from ..engines.protocol import Engine, ReferenceVoice, Speech, Style
from ..script.language import load_language
from ..seeds import derive

DURATION = (0.12, 0.9)  # s, of the words of an acceptable take

_TAKES = 4
_EDGE = 0.02  # s kept around the words
_FADE = 0.008  # s
_LEVEL_RANGE = 18.0  # dB a take may be softer than its carrier
_SPEED = (0.96, 1.04)
_GAIN_DB = (-2.0, 2.0)


@dataclass
class BackchannelBank:
    """The backchannels of one voice, each spoken on first use.

    Attributes:
        engine: speaks the carriers.
        voice: with this voice.
        seed: the same engine, voice and seed give the same bank, in whatever order it is used.
        language: ISO 639-1 code, of the carriers.
    """

    engine: Engine
    voice: ReferenceVoice
    seed: int
    language: str = "en"
    _takes: dict[tuple[str, int], Speech] = field(default_factory=dict)

    def clip(self, text: str, rng: random.Random) -> Speech:
        """One rendition of a short text, varied in speed and pitch by up to 4 % and in level by up to 2 dB.

        Returns:
            The clip with one word per token, 20 ms of silence around them.

        Raises:
            ValueError: the text is blank.
        """
        take = self.take(text, rng.randrange(_TAKES))
        return varied(take, rng.uniform(*_SPEED), rng.uniform(*_GAIN_DB))

    def take(self, text: str, number: int) -> Speech:
        """Take `number` (0 to 3) of a text: the first acceptable one from it on, else the text spoken on its own."""
        if (text, number) not in self._takes:
            tries = (self._cut_out(text, (number + more) % _TAKES) for more in range(_TAKES))
            self._takes[text, number] = next((take for take in tries if take), None) or self._alone(text)
        return self._takes[text, number]

    def _cut_out(self, text: str, number: int) -> Speech | None:
        carriers = load_language(self.language).phrases.carriers
        carrier = carriers[number % len(carriers)]
        core = text.strip(" .,!?")
        before, count = len(carrier.split("{}")[0].split()), len(text.split())
        phrase = carrier.format(core.lower() if core[:2] != "I " else core)
        speech, words = self._speak(phrase, derive(self.seed, "backchannel", text, number))
        start, end = words[before].start, words[before + count - 1].end
        if not DURATION[0] <= end - start <= DURATION[1]:
            return None
        energy = Energy.of(speech.samples, speech.rate)
        first, last = round(start / STEP), round(end / STEP)
        if energy.speech[max(0, first - 2)] and energy.speech[max(0, first - 4)]:
            return None  # runs on from the word before
        if energy.level[first:last].max() < energy.level.max() - _LEVEL_RANGE:
            return None
        return cut(speech, text.split(), words[before : before + count])

    def _alone(self, text: str) -> Speech:
        speech, words = self._speak(text, derive(self.seed, "backchannel", text, "alone"))
        return cut(speech, text.split(), words)

    def _speak(self, text: str, seed: int) -> tuple[Speech, tuple[Word, ...]]:
        speech = self.engine.speak(text, self.voice, Style(), seed)
        return speech, align(speech.samples, speech.rate, text, speech.words, self.language)


def cut(speech: Speech, tokens: list[str], words: tuple[Word, ...]) -> Speech:
    """Cut consecutive words out of a clip, with silent edges; `tokens` are how they are written in the new one."""
    edge = round(_EDGE * speech.rate)
    first, last = round(words[0].start * speech.rate), round(words[-1].end * speech.rate)
    samples = np.pad(faded(speech.samples[first:last], speech.rate, _FADE), edge)
    shift = (edge - first) / speech.rate
    return Speech(samples, speech.rate, _moved(words, tokens, shift, 1.0))


def varied(speech: Speech, speed: float, gain_db: float) -> Speech:
    """A clip played faster (and so higher) by a factor and louder by a gain, its word times scaled along."""
    assert speech.words is not None, "a take has word times"
    samples = resample(speech.samples, round(speech.rate * speed), speech.rate) * np.float32(10 ** (gain_db / 20))
    samples *= np.float32(min(1.0, 0.99 / max(float(np.abs(samples).max()), 1e-9)))
    true_speed = round(speech.rate * speed) / speech.rate
    words = _moved(speech.words, [word.text for word in speech.words], 0.0, true_speed)
    return Speech(samples, speech.rate, words)


def _moved(words: tuple[Word, ...], tokens: list[str], shift: float, speed: float) -> tuple[Word, ...]:
    times = [(round((word.start + shift) / speed, 4), round((word.end + shift) / speed, 4)) for word in words]
    return tuple(
        word.model_copy(update={"text": token, "start": start, "end": end})
        for word, token, (start, end) in zip(words, tokens, times, strict=True)
    )
