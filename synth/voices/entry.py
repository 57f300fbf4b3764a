"""One voice as a bank lists it, and whether a clip is fit to be one."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np

from corpus.audio import SAMPLE_RATE, Samples, read
from corpus.strict import Strict

from ..alignment.align import STEP, Energy
from ..engines.voice_profile import VoiceProfile
from .signal_faults import signal_fault

Side = Literal["train", "evaluation"]

SHORTEST_SPEECH = 3.0  # s
CLIPPED_LEVEL, CLIPPED_SHARE = 0.99, 0.002  # share of samples at full scale from which a clip counts as clipped


class BankEntry(Strict):
    """One voice in a bank's list."""

    id: str
    licence: str
    consent: str
    file: str = ""  # empty: a voice that an engine was built with
    engine: str = ""  # the engine it was built into
    speaker: str = ""
    source: str = ""
    gender: Literal["f", "m"] | None = None
    language: str = "en"
    text: str | None = None
    profile: VoiceProfile | None = None


def check_reference(path: Path) -> Samples:
    """Read a reference clip, or say in one line why it cannot be one.

    Returns:
        float32 `[T]` at 24 kHz.

    Raises:
        ValueError: unreadable, not finite, off zero, in antiphase, silent, clipped, or too short.
    """
    channels = read(path)
    wrong = signal_fault(channels)
    if wrong:
        raise ValueError(f"{path}: {wrong}")
    samples = np.asarray(channels.mean(axis=0), np.float32)
    speech = Energy.of(samples, SAMPLE_RATE).speech
    if not speech.any():
        raise ValueError(f"{path} is silent; give a clip with {SHORTEST_SPEECH:.0f} s of speech")
    if float((np.abs(samples) >= CLIPPED_LEVEL).mean()) > CLIPPED_SHARE:
        raise ValueError(f"{path} is clipped; record it at a lower level")
    seconds = float(speech.sum() * STEP)
    if seconds < SHORTEST_SPEECH:
        raise ValueError(f"{path} holds {seconds:.1f} s of speech; give at least {SHORTEST_SPEECH:.0f} s")
    return samples
