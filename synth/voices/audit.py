"""What makes a clip unfit as a voice: too little speech, noise, clipping, two speakers. Each refusal has its reason."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from corpus.audio import SAMPLE_RATE, Samples, read

from ..alignment.align import STEP, Energy
from .embedding import Embedder, Embeddings, halves_similarity
from .entry import CLIPPED_LEVEL, CLIPPED_SHARE, SHORTEST_SPEECH
from .signal_faults import band_note, signal_fault

Fault = Literal[
    "unreadable",
    "signal",
    "silent",
    "clipped",
    "short",
    "noisy",
    "two speakers",
    "same clip",
    "same speaker",
    "changed",
    "no licence",
]

LEAST_SNR = 15.0  # dB; engines imitate the noise of a reference too
FLOOR_PERCENTILE = 5  # of a clip's levels: its pauses
FLOOR_BIAS = 2.5  # dB by which that percentile lies under the mean level of noise in 10 ms windows


@dataclass(frozen=True)
class ClipProblem:
    """Why a clip is refused: one word to sort by and one line to read."""

    fault: Fault
    what: str


@dataclass(frozen=True)
class ClipReport:
    """A clip, measured. `embedding` is None where the clip could not be listened to.

    Attributes:
        samples: float32 `[T]` at 24 kHz; empty when unreadable.
        sha256: of the samples as 16-bit numbers, so that the same sound in another file format is the same clip.
        speech: seconds of speech.
        snr: estimated signal-to-noise ratio in dB.
        unity: cosine between the two groups its windows fall into, see `halves_similarity`.
    """

    path: Path
    samples: Samples
    sha256: str = ""
    speech: float = 0.0
    snr: float = 0.0
    unity: float = 1.0
    embedding: Embeddings | None = None
    problems: tuple[ClipProblem, ...] = ()
    note: str = ""  # what is to be told of a clip that is taken all the same


def audit_clip(path: Path, embedder: Embedder) -> ClipReport:
    """Measure a clip and list all that is wrong with it."""
    try:
        channels = read(path)
    except ValueError as error:
        return ClipReport(path, np.zeros(0, np.float32), problems=(ClipProblem("unreadable", str(error)),))
    samples = np.asarray(channels.mean(axis=0), np.float32)
    wrong = signal_fault(channels)
    if wrong:
        return ClipReport(path, samples, clip_digest(samples), problems=(ClipProblem("signal", wrong),))
    energy = Energy.of(samples, SAMPLE_RATE)
    if not energy.speech.any():
        return ClipReport(path, samples, clip_digest(samples), problems=(ClipProblem("silent", "it is silent"),))
    speech, snr = float(energy.speech.sum() * STEP), signal_to_noise(energy)
    heard = embedder.listen(samples)
    unity = halves_similarity(heard.windows)
    problems = []
    clipped = float((np.abs(samples) >= CLIPPED_LEVEL).mean())
    if clipped > CLIPPED_SHARE:
        problems.append(ClipProblem("clipped", f"{100 * clipped:.1f} % of it is clipped; record it at a lower level"))
    if speech < SHORTEST_SPEECH:
        problems.append(ClipProblem("short", f"{speech:.1f} s of speech; give {SHORTEST_SPEECH:.0f} s or more"))
    if snr < LEAST_SNR:
        problems.append(ClipProblem("noisy", f"{snr:.0f} dB above its noise; {LEAST_SNR:.0f} dB are needed"))
    if unity < embedder.one_speaker:
        what = f"two people seem to speak in it (its halves are {unity:.2f} alike, {embedder.one_speaker:.2f} is one)"
        problems.append(ClipProblem("two speakers", what))
    note = band_note(path, samples)
    return ClipReport(path, samples, clip_digest(samples), speech, snr, unity, heard.vector, tuple(problems), note)


def signal_to_noise(energy: Energy) -> float:
    """Level of the speech over that of the pauses, in dB. Speech without any pause reads as 15 to 30 dB."""
    floor = float(np.percentile(energy.level, FLOOR_PERCENTILE)) + FLOOR_BIAS
    sounding = energy.level > max(float(np.percentile(energy.level, 95)) - 20, floor + 3)
    noise = 10 ** (floor / 10)
    power = float(np.mean(10 ** (energy.level[sounding] / 10))) if sounding.any() else noise
    return float(10 * np.log10(max(power / noise - 1, 0.01)))


def clip_digest(samples: Samples) -> str:
    """SHA-256 of a clip's samples, rounded to 16 bits."""
    return hashlib.sha256(np.round(samples * 32767).astype("<i2").tobytes()).hexdigest()
