"""English phones in time, from a recording and its transcript (forced alignment by pocketsphinx, CMU's phone set)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from corpus.audio import SAMPLE_RATE, Samples, resample

VOWELS = ("AA", "AE", "AH", "AO", "AW", "AY", "EH", "ER", "EY", "IH", "IY", "OW", "OY", "UH", "UW")
CONSONANTS = (
    "B",
    "CH",
    "D",
    "DH",
    "F",
    "G",
    "HH",
    "JH",
    "K",
    "L",
    "M",
    "N",
    "NG",
    "P",
    "R",
    "S",
    "SH",
    "T",
    "TH",
    "V",
    "W",
    "Y",
    "Z",
    "ZH",
)
PHONES = ("SIL", *VOWELS, *CONSONANTS)
ALIGNER_RATE = 16_000  # Hz
ALIGNER_STEP = 0.01  # s


@dataclass(frozen=True)
class PhoneSpan:
    """One phone from `start` to `end`, in seconds."""

    phone: str
    start: float
    end: float


class PhoneAligner:
    """Aligns transcripts; words outside the CMU dictionary are left out, so their time goes to their neighbours."""

    def __init__(self) -> None:
        import pocketsphinx  # type: ignore[import-untyped]

        self._decoder: Any = pocketsphinx.Decoder(samprate=ALIGNER_RATE, bestpath=False, loglevel="FATAL", lm=None)

    def align(self, audio: Samples, text: str) -> list[PhoneSpan] | None:
        """Phones of `[T]` at 24 kHz with transcript `text`; None if it does not fit."""
        words = [w for w in re.findall(r"[a-z']+", text.lower()) if self._decoder.lookup_word(w)]
        if not words or len(audio) < SAMPLE_RATE // 4:
            return None
        low = resample(audio, SAMPLE_RATE, ALIGNER_RATE)
        pcm = np.clip(low * 32767.0, -32768, 32767).astype("<i2").tobytes()
        try:
            self._decoder.set_align_text(" ".join(words))
            self._pass(pcm)
            self._decoder.set_alignment()
            self._pass(pcm)
            alignment = self._decoder.get_alignment()
        except RuntimeError:  # no path through the text
            return None
        return [
            PhoneSpan(
                phone.name if phone.name in PHONES else "SIL",
                phone.start * ALIGNER_STEP,
                (phone.start + phone.duration) * ALIGNER_STEP,
            )
            for word in alignment or ()
            for phone in word
        ] or None

    def _pass(self, pcm: bytes) -> None:
        self._decoder.start_utt()
        self._decoder.process_raw(pcm, full_utt=True)
        self._decoder.end_utt()
