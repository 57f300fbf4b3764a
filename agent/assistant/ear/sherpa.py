"""The ear `sherpa:FILE.toml`: a streaming transducer of sherpa-onnx, which hears every frame once.

name = "zipformer-en"
tokens = "tokens.txt"          # files beside the TOML file
encoder = "encoder.int8.onnx"
decoder = "decoder.onnx"
joiner = "joiner.int8.onnx"
upper = true                   # the model writes capitals only: small letters are handed on
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import soxr  # type: ignore[import-untyped]

from corpus.audio import FRAME_SECONDS, SAMPLE_RATE, Samples
from corpus.strict import Strict, load_toml

from ..parts import Encoded, Heard, HeardWord
from ..work import Executor, Lane

RATE = 16_000  # Hz, of the models
TAIL = 0.6  # s of silence after a phrase, for words that come late
LETTER = 0.06  # s, of a last word whose end nobody tells


class SherpaFiles(Strict):
    """What the TOML file says."""

    name: str
    tokens: str
    encoder: str
    decoder: str
    joiner: str
    model_type: str = ""
    upper: bool = False


class SherpaEar:
    """One transducer for any number of sessions.

    Args:
        name: as the user gave it.
        path: the TOML file.
        executor: gives the lane `ear`.
        threads: cores of one decoding.
    """

    def __init__(self, name: str, path: Path, executor: Executor, threads: int = 1) -> None:
        """Load it. Raises ValueError, saying what to do, when it cannot be."""
        self.name = name
        self._files = load_toml(path, SherpaFiles, "ear's file")
        try:
            import sherpa_onnx  # type: ignore[import-untyped]
        except ModuleNotFoundError:
            raise ValueError("the ear sherpa needs the extra 'sherpa': pip install 'duologue[sherpa]'") from None
        files = {part: path.parent / getattr(self._files, part) for part in ("tokens", "encoder", "decoder", "joiner")}
        for part, file in files.items():
            if not file.is_file():
                raise ValueError(f"{path}: {part} = {file.name!r} is not beside it")
        try:
            self._recognizer: Any = sherpa_onnx.OnlineRecognizer.from_transducer(
                **{part: str(file) for part, file in files.items()},
                num_threads=threads,
                sample_rate=RATE,
                feature_dim=80,
                model_type=self._files.model_type,
            )
        except (RuntimeError, ValueError) as error:
            raise ValueError(f"{path}: sherpa-onnx cannot load it: {str(error).splitlines()[0]}") from None
        self._lane = executor.lane("ear")

    def open(self) -> SherpaStream:
        """See `Ear.open`."""
        return SherpaStream(self._recognizer, self._lane, upper=self._files.upper)


class SherpaStream:
    """One session's ear; see `EarStream`. What is decoded stays, so all words but the last are committed."""

    def __init__(self, recognizer: Any, lane: Lane, *, upper: bool) -> None:
        self._recognizer, self._lane, self._upper = recognizer, lane, upper
        self._lock = threading.RLock()  # a lane may work at once, in the thread that queues
        self._waiting: deque[Samples | float] = deque()  # frames, and where a phrase ends
        self._results: deque[Heard] = deque()
        self._busy = False
        self._frames = self._phrase = 0
        self._start, self._told = 0.0, ""
        self._anew()

    def push(self, frame: Samples) -> None:
        """See `EarStream.push`."""
        self._queue(frame.copy())

    def phrase_ends(self, at: float) -> None:
        """See `EarStream.phrase_ends`; what was pushed until now belongs to the phrase."""
        self._queue(at)

    def results(self) -> list[Heard]:
        """See `EarStream.results`."""
        with self._lock:
            results = list(self._results)
            self._results.clear()
            return results

    def encoder_frames(self) -> Encoded | None:
        """None: sherpa-onnx does not tell."""
        return None

    def look(self, after: float) -> None:
        """See `EarStream.look`: this one hears frame by frame."""

    def close(self) -> None:
        """See `EarStream.close`."""
        with self._lock:
            self._waiting.clear()

    def _queue(self, item: Samples | float) -> None:
        with self._lock:
            self._waiting.append(item)
            if not self._busy:
                self._busy = True
                if self._lane.submit(self._work(), self._failed) is None:
                    self._busy = False  # the lane is full: the next frame asks again

    def _work(self) -> Iterator[None]:
        while True:
            with self._lock:
                items = list(self._waiting)
                self._waiting.clear()
                if not items:
                    self._busy = False
                    return
            for item in items:
                if isinstance(item, float):
                    self._end(item)
                else:
                    self._stream.accept_waveform(RATE, self._resampler.resample_chunk(item))
                    self._frames += 1
            self._decode()
            self._tell()
            yield

    def _decode(self) -> None:
        while self._recognizer.is_ready(self._stream):
            self._recognizer.decode_stream(self._stream)

    def _words(self) -> tuple[HeardWord, ...]:
        result = self._recognizer.get_result_all(self._stream)
        words = timed_words(result.tokens, result.timestamps, self._start)
        return tuple(HeardWord(word.text.lower(), word.start, word.end) for word in words) if self._upper else words

    def _tell(self) -> None:
        words = self._words()
        if (text := " ".join(word.text for word in words)) == self._told:
            return
        self._told = text
        self._put(Heard(words, False, max(0, len(words) - 1), self._phrase, self._now))

    def _end(self, at: float) -> None:
        tail = np.zeros(round(TAIL * SAMPLE_RATE), np.float32)
        self._stream.accept_waveform(RATE, self._resampler.resample_chunk(tail, last=True))
        self._stream.input_finished()
        self._decode()
        words = self._words()
        self._put(Heard(words, True, len(words), self._phrase, at))
        self._anew()
        self._phrase += 1

    def _anew(self) -> None:
        """Begin a phrase."""
        self._stream: Any = self._recognizer.create_stream()
        self._resampler: Any = soxr.ResampleStream(SAMPLE_RATE, RATE, 1, dtype="float32")
        self._start, self._told = self._now, ""

    @property
    def _now(self) -> float:
        return round(self._frames * FRAME_SECONDS, 4)

    def _put(self, heard: Heard) -> None:
        with self._lock:
            if self._results and not self._results[-1].final and self._results[-1].phrase == heard.phrase:
                self._results.pop()
            self._results.append(heard)

    def _failed(self, error: Exception) -> None:
        self._put(Heard((), True, 0, self._phrase, self._now, f"the ear failed: {error}"))
        self._anew()
        with self._lock:
            self._phrase, self._busy = self._phrase + 1, False


def timed_words(tokens: Sequence[str], times: Sequence[float], start: float) -> tuple[HeardWord, ...]:
    """Tokens that begin a word with a blank (or the sign that stands for one), each with its start, as words."""
    words: list[tuple[str, float]] = []
    for token, time in zip(tokens, times, strict=True):
        token = token.replace("▁", " ")
        if words and not token.startswith(" "):
            words[-1] = (words[-1][0] + token, words[-1][1])
        else:
            words.append((token.strip(), start + float(time)))
    ends = [begin for _, begin in words[1:]]
    ends += [words[-1][1] + LETTER * max(2, len(words[-1][0]))] if words else []
    spans = (
        HeardWord(text, round(begin, 3), round(min(end, begin + LETTER * max(2, len(text)) + 0.3), 3))
        for (text, begin), end in zip(words, ends, strict=True)
    )
    return tuple(word for word in spans if word.text)
