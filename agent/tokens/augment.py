"""What else the user's side may sound like: other levels, background noise, the agent's voice coming back.

Moshi's figures (arXiv 2410.00037, section 4.4): gain -24..+15 dB with probability 0.5; noise -30..+6 dB against the
speech with probability 0.3, with silent stretches of up to 30 s; with probability 0.3 an echo of the agent at 0 to 0.2
of its level, 100 to 500 ms late, in a room. A variant has one of the three at least: the sound as recorded is kept
besides.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.signal import oaconvolve  # type: ignore[import-untyped]

from corpus.audio import SAMPLE_RATE, Samples, read_mono, to_samples

from .stretch import moved_voice
from .telephone import telephone

AUDIO_SUFFIXES = (".wav", ".flac", ".ogg", ".opus", ".mp3")
FADE = 1200  # samples over which noise comes and goes: 50 ms
FLOOR = 1e-4  # level of speech assumed at least, so that noise on a silent channel is not silence


@dataclass(frozen=True)
class UserAugmentation:
    """Chances and ranges; every chance is per variant of a recording, and one must not be 0."""

    gain_chance: float = 0.5
    gain_db: tuple[float, float] = (-24.0, 15.0)
    noise_chance: float = 0.3
    noise_db: tuple[float, float] = (-30.0, 6.0)  # against the user's speech
    silence_s: tuple[float, float] = (0.5, 30.0)  # stretches without noise
    sounding_s: tuple[float, float] = (5.0, 60.0)  # stretches with it
    echo_chance: float = 0.3
    echo_gain: tuple[float, float] = (0.0, 0.2)
    echo_s: tuple[float, float] = (0.1, 0.5)
    room_s: tuple[float, float] = (0.1, 0.5)  # reverberation time of the echo: to fall by 60 dB
    telephone_chance: float = 0.0  # of a variant, after all else
    voice_chance: float = 0.0  # of a variant, before all else: another speaker
    voice_factor: tuple[float, float] = (0.8, 1.25)  # of his pitch and formants, drawn in octaves


def variant_rng(seed: int, id: str, variant: int) -> np.random.Generator:
    """The draws of one variant of one recording, the same in any order of work."""
    digest = hashlib.sha256(f"{seed}/{variant}/{id}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "big"))


def read_noises(folder: Path) -> list[Samples]:
    """Every recording below a folder, float32 `[T]` at 24 kHz, by name. Raises ValueError when there is none."""
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in AUDIO_SUFFIXES)
    if not paths:
        raise ValueError(f"{folder} holds no recordings of noise ({', '.join(AUDIO_SUFFIXES)})")
    return [read_mono(path) for path in paths]


def augment_user(
    user: Samples,
    agent: Samples,
    rng: np.random.Generator,
    noises: Sequence[Samples] = (),
    change: UserAugmentation | None = None,
) -> Samples:
    """One variant of the user's channel.

    Args:
        user, agent: the recorded channels, float32 `[T]` at 24 kHz.
        rng: of this variant.
        noises: recordings to take noise from; coloured noise is made where there are none.
        change: Moshi's figures if None.

    Returns:
        float32 `[T]` within full scale.
    """
    change = change or UserAugmentation()
    out = user.astype(np.float32, copy=True)
    if change.voice_chance and rng.random() < change.voice_chance:
        out = moved_voice(out, float(np.exp(rng.uniform(*np.log(change.voice_factor)))))
    louder, noisy, echoing = _drawn(rng, (change.gain_chance, change.noise_chance, change.echo_chance))
    if louder:
        out *= 10.0 ** (rng.uniform(*change.gain_db) / 20.0)
    if noisy:
        level = max(_speech_level(out), FLOOR) * 10.0 ** (rng.uniform(*change.noise_db) / 20.0)
        noise = _excerpt(noises, len(out), rng) if noises else _coloured(len(out), rng)
        noise *= level / max(float(np.sqrt(np.mean(noise**2))), 1e-9)
        out += noise * _stretches(len(out), rng, change)
    if echoing:
        out += rng.uniform(*change.echo_gain) * _echo(agent, rng, change)
    if rng.random() < change.telephone_chance:
        out = telephone(out, rng)
    return np.clip(out, -1.0, 1.0)


def _drawn(rng: np.random.Generator, chances: tuple[float, ...]) -> list[bool]:
    """One event for each chance, drawn until at least one happens."""
    assert max(chances) > 0.0, "nothing could ever happen"
    while True:
        events = [bool(rng.random() < chance) for chance in chances]
        if any(events):
            return events


def _speech_level(audio: Samples) -> float:
    """The root mean square that a tenth of a channel's 80 ms blocks exceeds: its speech's, little as there may be."""
    blocks = audio[: len(audio) // 1920 * 1920].reshape(-1, 1920)
    if not len(blocks):
        return 0.0
    return float(np.sqrt(np.quantile(np.mean(blocks**2, axis=1), 0.9)))


def _excerpt(noises: Sequence[Samples], length: int, rng: np.random.Generator) -> Samples:
    """A stretch of one recording from a random place on, going round."""
    noise = noises[int(rng.integers(len(noises)))]
    return np.resize(np.roll(noise, -int(rng.integers(len(noise)))), length).astype(np.float32)


def _coloured(length: int, rng: np.random.Generator) -> Samples:
    """Noise whose power falls as 1 / f^a, a from 0 (white) to 2 (brown), from 40 Hz on."""
    slope = rng.uniform(0.0, 2.0)
    size = 1 << 17  # 5.5 s, then it repeats
    frequency = np.maximum(np.fft.rfftfreq(size, 1.0 / SAMPLE_RATE), 40.0)
    spectrum = np.fft.rfft(rng.standard_normal(size)) * frequency ** (-slope / 2.0)
    return np.resize(np.fft.irfft(spectrum, size), length).astype(np.float32)


def _stretches(length: int, rng: np.random.Generator, change: UserAugmentation) -> Samples:
    """A gain of ones and zeros in turn, with soft edges: float32 `[length]`. Half of it is no single silence."""
    gain = np.zeros(length + FADE, np.float32)
    now, sounding = 0, bool(rng.random() < 0.7)
    while now < length:
        span = to_samples(rng.uniform(*(change.sounding_s if sounding else change.silence_s)))
        span = max(1, span if sounding else min(span, length // 2))
        gain[now : now + span] = sounding
        now, sounding = now + span, not sounding
    ramp = np.cumsum(gain, dtype=np.float64)
    return ((ramp[FADE:] - ramp[:-FADE]) / FADE).astype(np.float32)


def _echo(agent: Samples, rng: np.random.Generator, change: UserAugmentation) -> Samples:
    """The agent's channel late and in a room: noise that dies away, of the direct sound's energy."""
    late = to_samples(rng.uniform(*change.echo_s))
    fall = to_samples(rng.uniform(*change.room_s))
    tail = rng.standard_normal(fall) * 10.0 ** (-3.0 * np.arange(fall) / fall)
    response = np.concatenate([[1.0], tail / np.sqrt(np.sum(tail**2))])
    wet = oaconvolve(agent.astype(np.float64), response)[: len(agent)]
    delayed = np.zeros(len(agent), np.float32)
    delayed[late:] = wet[: max(len(agent) - late, 0)]
    return delayed
