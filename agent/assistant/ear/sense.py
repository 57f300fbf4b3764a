"""Whether somebody said what a recognizer wrote: Whisper always writes something, be it of silence or of rain.

What it says of itself (the probability that nothing is said, the likelihood of its words), a voice detector's opinion
of the same sound, and a list of what it likes to write of noise decide together.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from corpus.audio import Samples

from .loops import plain

NO_SPEECH, LEAST_SCORE = 0.6, -1.0  # as in Whisper's own rule: both together
VOICED = 0.5  # of Silero
LEAST_VOICE = 0.1  # s of voice without which nothing was said
VOICE_A_WORD = 0.08  # s of it that a word takes at the least
_CHUNK = 512  # samples at 16 kHz that Silero judges at once
_ASIDE = re.compile(r"\[[^\]]*\]|\([^)]*\)|♪[^♪]*♪?|\*[^*]*\*")

# What Whisper writes of noise, silence and music; real people say some of it, so it takes more evidence.
DREAMT = frozenset(
    {
        "you", "thank you", "thanks", "thank you very much", "bye", "bye bye", "the end", "so", "oh", "hmm", "i",
        "okay", "thanks for watching", "thank you for watching", "thank you so much for watching", "please subscribe",
        "subscribe", "like and subscribe", "see you next time", "see you in the next video", "music", "silence",
        "applause", "im sorry", "subtitles by the amaraorg community", "untertitel der amaraorg community",
        "vielen dank", "untertitelung des zdf", "sous titres réalisés par la communauté damaraorg",
    }
)  # fmt: skip


@dataclass(frozen=True)
class VoiceSpan:
    """What a voice detector says of a sound: seconds of voice, and where in the sound it starts and ends."""

    seconds: float
    start: float
    end: float


def voice_in(sound: Samples) -> VoiceSpan:
    """Silero's opinion of float32 `[T]` at 16 kHz; it comes with faster-whisper."""
    from faster_whisper.vad import get_vad_model  # type: ignore[import-untyped]

    padded = np.pad(sound, (0, -len(sound) % _CHUNK + _CHUNK)).astype(np.float32)  # a copy: the model writes into it
    likely = np.asarray(get_vad_model()(padded)).reshape(-1) > VOICED
    if not likely.any():
        return VoiceSpan(0.0, 0.0, 0.0)
    chunk, voiced = _CHUNK / 16_000, np.flatnonzero(likely)
    return VoiceSpan(len(voiced) * chunk, int(voiced[0]) * chunk, (int(voiced[-1]) + 1) * chunk)


def without_asides(text: str) -> str:
    """The text less what is no speech: [music], (coughs) and their kind."""
    return " ".join(_ASIDE.sub(" ", text).split())


def believed(text: str, score: float, no_speech: float, voice: VoiceSpan) -> bool:
    """Whether somebody said this.

    Args:
        text: what was written.
        score: mean log probability of its tokens.
        no_speech: the recognizer's probability that nothing is said.
        voice: in the sound.
    """
    words = [word for word in map(plain, text.split()) if word]
    if not words or voice.seconds < max(LEAST_VOICE, VOICE_A_WORD * len(words)):
        return False
    if no_speech > NO_SPEECH and score < LEAST_SCORE:
        return False
    dreamt = " ".join(words).replace("'", "") in DREAMT
    return not dreamt or (score > LEAST_SCORE / 2 and no_speech < NO_SPEECH / 2 and voice.seconds > 2 * LEAST_VOICE)
