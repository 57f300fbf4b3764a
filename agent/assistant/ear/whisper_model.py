"""Whisper by CTranslate2, its window cut to the phrase, as `codec.whisper_window` says.

A decoding that loops, or that has more tokens than people can say in the time, is done again
with the whole window.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from codec.whisper_window import (
    RATE,
    TAIL,
    TOKENS_A_SECOND,
    TOKENS_AT_LEAST,
    WHOLE,
    WindowText,
    decode_window,
    encode_window,
    window_tokenizer,
)
from corpus.audio import Samples

from ..parts import HeardWord
from .loops import find_loop

ENCODED_RATE = 50  # frames a second of the encoder


@dataclass(frozen=True)
class WhisperText(WindowText):
    """What one decoding gave.

    Attributes:
        suspicious: it loops, or was stopped by the bound on its tokens.
    """

    suspicious: bool


class WhisperModel:
    """One model; calls from several threads take turns.

    Args:
        folder: with model.bin, config.json, tokenizer.json and a vocabulary, as faster-whisper has them.
        language: ISO 639-1 code; None detects it, if the model knows several.
        threads: cores of one decoding.
    """

    def __init__(self, folder: Path, language: str | None, threads: int = 1) -> None:
        """Load it. Raises ValueError, saying what to do, when it cannot be."""
        try:
            import faster_whisper  # type: ignore[import-untyped]
            from faster_whisper.tokenizer import _LANGUAGE_CODES  # type: ignore[import-untyped]
        except ModuleNotFoundError:
            raise ValueError("the ear whisper needs the extra 'assistant': pip install 'duologue[assistant]'") from None
        if language is not None and language not in _LANGUAGE_CODES:
            raise ValueError(f"Whisper knows no language {language!r}; write an ISO 639-1 code such as en")
        try:
            self._whisper = faster_whisper.WhisperModel(
                str(folder), device="cpu", compute_type="int8", cpu_threads=threads, local_files_only=True
            )
        except (RuntimeError, ValueError, OSError) as error:
            raise ValueError(f"{folder} holds no Whisper model for CTranslate2: {str(error).splitlines()[0]}") from None
        if language not in (None, "en") and not self._whisper.model.is_multilingual:
            raise ValueError(f"{folder} understands English only; choose a model without .en for {language!r}")
        self._language = language if self._whisper.model.is_multilingual else "en"
        self._tokenizers: dict[str, Any] = {}
        self._turn = threading.Lock()

    def encode(self, sound: Samples, window: float) -> Any:
        """The encoder's output for float32 `[T]` at 16 kHz in a window of so many seconds, 30 at most."""
        with self._turn:
            return encode_window(self._whisper, sound, window)

    def decode(self, encoded: Any, seconds: float, beam: int = 1) -> WhisperText:
        """The words of what was encoded, of which so many seconds are sound."""
        tokenizer = self._tokenizer(self._language or self._detect(encoded))
        bound = round(TOKENS_A_SECOND * seconds) + TOKENS_AT_LEAST
        with self._turn:
            decoded = decode_window(self._whisper, encoded, tokenizer, bound, beam)
        suspicious = len(decoded.tokens) >= bound or find_loop(decoded.text.split()) is not None
        return WhisperText(**vars(decoded), suspicious=suspicious)

    def word_times(self, encoded: Any, decoded: WhisperText, seconds: float, start: float) -> tuple[HeardWord, ...]:
        """The words with their times, by the decoder's attention; `start` is added."""
        if not decoded.tokens:
            return ()
        tokenizer = self._tokenizer(self._language or self._detect(encoded))
        frames = max(2, min(round(seconds * 100), encoded.shape[1] * 2))
        with self._turn:
            alignment = self._whisper.find_alignment(tokenizer, [list(decoded.tokens)], encoded, frames)[0]
        words: list[HeardWord] = []
        for entry in alignment:
            text, begin, end = str(entry["word"]), float(entry["start"]) + start, float(entry["end"]) + start
            if words and not text.startswith(" "):  # marks and other parts of the word before
                words[-1] = HeardWord(words[-1].text + text, words[-1].start, end)
            elif text.strip():
                words.append(HeardWord(text.strip(), begin, max(end, begin + 0.02)))
        return tuple(words)

    def look(self, sound: Samples, *, whole: bool = False) -> tuple[Any, WhisperText]:
        """Encode and decode a phrase, `[T]` at 16 kHz; with the whole window if `whole`."""
        seconds = len(sound) / RATE
        encoded = self.encode(sound, WHOLE if whole else seconds + TAIL)
        return encoded, self.decode(encoded, seconds)

    def _detect(self, encoded: Any) -> str:
        """The language that is spoken, asked once: who changes it is not followed."""
        with self._turn:
            code = str(self._whisper.model.detect_language(encoded)[0][0][0])
        self._language = code.strip("<|>")
        return self._language

    def _tokenizer(self, language: str) -> Any:
        if language not in self._tokenizers:
            self._tokenizers[language] = window_tokenizer(self._whisper, language)
        return self._tokenizers[language]


def encoder_tail(encoded: Any, seconds: float, most: int = 8 * ENCODED_RATE) -> Samples:
    """The newest encoder frames of the sound itself: float32 `[T, D]`, at most 8 s."""
    import ctranslate2  # type: ignore[import-untyped]

    frames: Samples = np.asarray(encoded.to(ctranslate2.DataType.float32))[0]
    end = min(len(frames), max(1, round(seconds * ENCODED_RATE)))
    return frames[max(0, end - most) : end].copy()
