"""The acoustics of a recording: noise floors, and what the user's side hears and sends (gain, noise, echo, room).

Follows Moshi's user-stream augmentation (Defossez et al. 2024, section 4.4). Every choice is a recorded parameter of
the plan; nothing here draws except where a seed from the plan says so.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.signal import lfilter, oaconvolve  # type: ignore[import-untyped]

from corpus.audio import SAMPLE_RATE, Samples, read_mono, to_samples, to_seconds
from corpus.record import Acoustics, NoiseUse
from corpus.timing import level, speech_threshold

BANK = Path(__file__).parent / "noise_bank"
PEAK = 10 ** (-1 / 20)  # highest sample of a channel: -1 dBFS
NOISE_FADE = 0.05  # s
LONGEST_NOISE_SILENCE = 30.0  # s, Moshi's figure
SMALL_ROOM = 0.06  # s to fall by 60 dB: the echo path when no room was drawn


@dataclass(frozen=True)
class BankSound:
    """A noise or a room impulse response that ships with the project."""

    id: str
    path: Path
    licence: str


@dataclass(frozen=True)
class NoiseBank:
    """Background noises and rooms, by name."""

    noises: tuple[BankSound, ...]
    rooms: tuple[BankSound, ...]

    def read(self, id: str) -> Samples:
        """The sound `[T]` at 24 kHz. Raises ValueError when the bank has no such sound."""
        for sound in (*self.noises, *self.rooms):
            if sound.id == id:
                return read_mono(sound.path)
        raise ValueError(f"the noise bank has no sound {id!r}")


def load_noise_bank(folder: Path = BANK) -> NoiseBank:
    """The bank in a folder with a `bank.json`."""
    entries = json.loads((folder / "bank.json").read_text(encoding="utf-8"))

    def of(kind: str) -> tuple[BankSound, ...]:
        return tuple(
            BankSound(entry["id"], folder / entry["file"], entry["licence"])
            for entry in entries
            if entry["kind"] == kind
        )

    return NoiseBank(noises=of("noise"), rooms=of("room"))


def noise_floor(samples: int, dbfs: float, rng: np.random.Generator) -> Samples:
    """Microphone-like noise `[samples]` with an RMS of `dbfs`: white, falling towards high frequencies."""
    shaped = lfilter([1.0], [1.0, -0.7], rng.standard_normal(samples))
    gain = 10 ** (dbfs / 20) * np.sqrt(1 - 0.7**2)  # an AR(1) filter raises the variance by 1 / (1 - a^2)
    return np.asarray(shaped * gain, dtype=np.float32)


def send(
    user: Samples, agent: Samples, acoustics: Acoustics, bank: NoiseBank, rng: np.random.Generator, muted: float = 0.5
) -> tuple[Samples, Acoustics]:
    """What arrives from the user's side: the clean channel through room, gain, noise and echo.

    Args:
        user, agent: clean channels `[T]`.
        acoustics: what was planned; a gain that would clip is lowered.
        bank: of noises and rooms.
        rng: draws the noise's stretches.
        muted: probability that a stretch of noise is muted.

    Returns:
        The channel `[T]` without its noise floor, and the acoustics as applied.
    """
    room = _impulse(bank.read(acoustics.room)) if acoustics.room else None
    sent = _through(user, room) if room is not None else user.copy()
    sent *= np.float32(10 ** (acoustics.user_gain_db / 20))
    noise = acoustics.noise
    if noise:
        added, noise = _background(sent, noise, bank.read(noise.id), muted, rng)
        sent += added
    if acoustics.echo:
        path = room if room is not None else _small_room(rng)
        delayed = np.roll(_through(agent, path), to_samples(acoustics.echo.delay))
        delayed[: to_samples(acoustics.echo.delay)] = 0
        sent += np.float32(acoustics.echo.gain) * delayed
    gain_db = acoustics.user_gain_db
    peak = float(np.abs(sent).max(initial=0.0))
    if peak > PEAK:
        sent *= np.float32(PEAK / peak)
        gain_db = round(gain_db + 20 * np.log10(PEAK / peak), 2)
    return sent, acoustics.model_copy(update={"user_gain_db": gain_db, "noise": noise})


def _impulse(response: Samples) -> Samples:
    """A room response that starts at its direct sound and keeps the speech level."""
    direct = int(np.argmax(np.abs(response)))
    response = response[direct:]
    return np.asarray(response / np.sqrt((response**2).sum()), dtype=np.float32)


def _small_room(rng: np.random.Generator) -> Samples:
    """A short decaying response, for the path from loudspeaker to microphone."""
    time = np.arange(to_samples(SMALL_ROOM)) / SAMPLE_RATE
    return _impulse((rng.standard_normal(len(time)) * 10 ** (-3 * time / SMALL_ROOM)).astype(np.float32))


def _through(audio: Samples, response: Samples) -> Samples:
    return np.asarray(oaconvolve(audio, response)[: len(audio)], dtype=np.float32)


def _background(
    speech: Samples, use: NoiseUse, sound: Samples, muted: float, rng: np.random.Generator
) -> tuple[Samples, NoiseUse]:
    """Noise laid under a channel in stretches, a share of them `muted` for up to 30 s, at an SNR over active speech."""
    bed = np.zeros_like(speech)
    silences: list[tuple[float, float]] = []
    at = 0
    while at < len(bed):
        if rng.random() < muted:
            end = min(at + to_samples(rng.uniform(1.0, LONGEST_NOISE_SILENCE)), len(bed))
            silences.append((to_seconds(at), to_seconds(end)))
        else:
            stretch = np.roll(sound, -int(rng.integers(len(sound))))[: len(bed) - at]
            end = at + len(stretch)
            bed[at:end] = stretch * _fades(len(stretch))
        at = end
    levels = level(speech)
    active = levels[levels > speech_threshold(levels)]
    speech_power = float((10 ** (active / 10)).mean()) if len(active) else 1e-6
    noise_power = float((sound.astype(np.float64) ** 2).mean()) + 1e-12
    gain = np.sqrt(speech_power / noise_power * 10 ** (-use.snr_db / 10))
    return bed * np.float32(gain), use.model_copy(update={"silences": tuple(silences)})


def _fades(length: int) -> Samples:
    ramp = min(to_samples(NOISE_FADE), length // 2)
    window = np.ones(length, np.float32)
    window[:ramp] = np.linspace(0, 1, ramp, dtype=np.float32)
    window[length - ramp :] = np.linspace(1, 0, ramp, dtype=np.float32)
    return window
