"""Whisper by CTranslate2, its window cut to the sound: five times faster than the 30 s it was trained on.

Whisper's encoder reads 30 s however short the sound is. Log-mel features trimmed to the sound and 1.5 s of nothing
after it give the same words most of the time, and a loop some of the time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from corpus.audio import Samples

RATE = 16_000  # Hz
TAIL = 1.5  # s of nothing after the sound
WHOLE = 30.0  # s of Whisper's own window
TOKENS_A_SECOND, TOKENS_AT_LEAST = 8, 12  # more than people say
_HOP = 160  # samples of a feature frame; the encoder halves their number
_MOST_TOKENS = 448  # of Whisper's decoder


@dataclass(frozen=True)
class WindowText:
    """What one decoding gave.

    Attributes:
        text: as written.
        tokens: ids without special ones.
        score: mean log probability of a token.
        no_speech: probability that nothing is said.
    """

    text: str
    tokens: tuple[int, ...]
    score: float
    no_speech: float


def window_tokenizer(whisper: Any, language: str) -> Any:
    """What turns the tokens of a `faster_whisper.WhisperModel` into text and says how a transcription is asked for."""
    from faster_whisper.tokenizer import Tokenizer  # type: ignore[import-untyped]

    return Tokenizer(whisper.hf_tokenizer, whisper.model.is_multilingual, task="transcribe", language=language)


def encode_window(whisper: Any, sound: Samples, seconds: float) -> Any:
    """The encoder's output for float32 `[T]` at 16 kHz in a window of so many seconds, 30 at most."""
    import ctranslate2  # type: ignore[import-untyped]

    length = min(round(seconds * RATE), round(WHOLE * RATE)) // (2 * _HOP) * 2 * _HOP
    padded = np.pad(sound[:length], (0, max(0, length - len(sound))))
    features = whisper.feature_extractor(padded, padding=0)[None, :, : length // _HOP]
    ready = ctranslate2.StorageView.from_array(np.ascontiguousarray(features, np.float32))
    return whisper.model.encode(ready, to_cpu=True)


def decode_window(whisper: Any, encoded: Any, tokenizer: Any, most_tokens: int, beam: int = 1) -> WindowText:
    """The words of what was encoded, in `most_tokens` tokens or fewer."""
    prompt = [*tokenizer.sot_sequence, tokenizer.no_timestamps]
    result = whisper.model.generate(
        encoded,
        [prompt],
        beam_size=beam,
        max_length=min(_MOST_TOKENS, len(prompt) + most_tokens),
        return_scores=True,
        return_no_speech_prob=True,
    )[0]
    tokens = tuple(token for token in result.sequences_ids[0] if token < tokenizer.eot)
    return WindowText(tokenizer.decode(tokens).strip(), tokens, float(result.scores[0]), float(result.no_speech_prob))
