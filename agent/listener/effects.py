"""What happens to a voice on its way: hums, rooms, noise."""

from __future__ import annotations

import numpy as np
import soxr  # type: ignore[import-untyped]
from scipy.signal import fftconvolve, lfilter  # type: ignore[import-untyped]

from corpus.audio import SAMPLE_RATE, Samples

from ..tokens.stretch import stretched
from .features import HOP

STEADY = 18  # hops of a vowel that is drawn out to a filler


def filler(voice: Samples, generator: np.random.Generator) -> Samples | None:
    """The steadiest vowel of some seconds of a voice, drawn out like an "um"; None if the voice is too short."""
    span = STEADY * HOP
    if len(voice) < 100 * HOP:
        return None
    places = [voice[start : start + span] for start in range(0, len(voice) - span, 5 * HOP)]
    vowel = stretched(min(places, key=_unsteadiness), generator.uniform(1.6, 3.2))
    time = np.arange(len(vowel))
    envelope = np.minimum(1, np.minimum(time / 1200, (len(vowel) - time) / 2400))
    return np.asarray(vowel * envelope * generator.uniform(0.5, 0.9), np.float32)


def _unsteadiness(sound: Samples) -> float:
    power = (sound.reshape(-1, HOP) ** 2).mean(1)
    crossings = np.abs(np.diff(np.sign(sound))).mean()
    return float(power.std() / (power.mean() + 1e-9) + 3 * crossings - 0.15 * np.log(power.mean() + 1e-9))


def hum(vowel: Samples, generator: np.random.Generator) -> Samples:
    """A vowel with the mouth shut, once or twice: "mm", "mhm"."""
    if generator.random() < 0.6:
        pause = np.zeros(int(generator.uniform(0, 0.1) * SAMPLE_RATE), np.float32)
        vowel = np.concatenate([vowel, pause, vowel * np.float32(generator.uniform(0.6, 1))])
    pole = np.exp(-2 * np.pi * generator.uniform(300, 900) / SAMPLE_RATE)
    return np.asarray(3 * lfilter([1 - pole], [1, -pole], vowel), np.float32)


def simulated_room(generator: np.random.Generator) -> Samples:
    """An impulse response of RT60 0.12 to 0.7 s: the direct sound, some reflections, a tail of noise."""
    seconds = generator.uniform(0.12, 0.7)
    length = int(seconds * SAMPLE_RATE)
    tail = generator.standard_normal(length) * np.exp(-6.9 * np.arange(length) / length)
    tail *= generator.uniform(0.06, 0.75) / np.sqrt((tail**2).sum())
    first = int(generator.uniform(0.001, 0.006) * SAMPLE_RATE)
    tail[:first] = 0
    tail[0] = 1
    for _ in range(generator.integers(3, 9)):
        tail[generator.integers(first, min(length, SAMPLE_RATE // 25))] += generator.uniform(-0.5, 0.5)
    return np.asarray(tail / np.sqrt((tail**2).sum()), np.float32)


def in_room(sound: Samples, response: Samples) -> Samples:
    """The sound in the room of an impulse response that begins with the direct sound; as long as before."""
    return np.asarray(fftconvolve(sound, response)[: len(sound)], np.float32)


def dulled(sound: Samples, rate: int) -> Samples:
    """Without anything above half of `rate` Hz."""
    return np.resize(soxr.resample(soxr.resample(sound, SAMPLE_RATE, rate), rate, SAMPLE_RATE), len(sound))


def coloured_noise(samples: int, generator: np.random.Generator) -> Samples:
    """White to brown noise, of RMS 1."""
    hertz = np.maximum(np.fft.rfftfreq(samples, 1 / SAMPLE_RATE), 20)
    spectrum = np.fft.rfft(generator.standard_normal(samples)) * hertz ** (-generator.uniform(0, 2) / 2)
    return normalised(np.fft.irfft(spectrum, samples).astype(np.float32))


def music(samples: int, generator: np.random.Generator) -> Samples:
    """Chords of plucked overtones, of RMS 1."""
    out = np.zeros(samples, np.float32)
    base, at = generator.uniform(110, 330), 0
    while at < samples:
        length = min(int(generator.choice([0.25, 0.5, 1.0]) * SAMPLE_RATE * generator.uniform(0.6, 1)), samples - at)
        time = np.arange(length) / SAMPLE_RATE
        envelope = np.exp(-time * generator.uniform(0.5, 5)) * np.minimum(1, time * 80)
        for note in generator.choice([0, 2, 4, 5, 7, 9, 11, 12], generator.integers(1, 4)):
            for k in range(1, 7):
                tone = np.sin(2 * np.pi * base * 2 ** (note / 12) * k * time + generator.uniform(0, 6))
                out[at : at + length] += (tone * envelope / k**1.3).astype(np.float32)
        at += length
    return normalised(out)


def normalised(sound: Samples) -> Samples:
    """The sound at RMS 1."""
    return np.asarray(sound / (np.sqrt((sound**2).mean()) + 1e-9), np.float32)
