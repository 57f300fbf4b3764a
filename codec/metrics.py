"""Measures of decoded speech, each from an optional package: say which are missing, never drop one silently."""

from __future__ import annotations

import importlib.util
import re
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from corpus.audio import SAMPLE_RATE, Samples, resample
from corpus.interleave import UNKNOWN_SPEAKER, TimedWord

from .whisper_window import TAIL, TOKENS_A_SECOND, TOKENS_AT_LEAST, decode_window, encode_window, window_tokenizer

METRIC_RATE = 16_000  # Hz, at which every metric here works
INSTALL = "pip install 'duologue[evaluate]'"
INSTALL_ALONE = {"resemblyzer": "pip install --no-deps resemblyzer"}  # it asks for a webrtcvad that no longer imports
_NO_SPEECH, _UNSURE = 0.6, -1.0  # Whisper's own limits (arXiv 2212.04356, section 4.5): above, below
_WINDOW = 28.0  # s, the longest that is glanced at, with the silence after it
Metric = Callable[[Samples, Samples], "float | None"]


@dataclass(frozen=True)
class Skipped:
    """A metric that cannot be measured here, and why."""

    name: str
    reason: str


def narrow(audio: Samples) -> Samples:
    """`[T]` at 24 kHz -> `[T']` at 16 kHz."""
    return np.ascontiguousarray(resample(audio, SAMPLE_RATE, METRIC_RATE))


def pesq_wb(original: Samples, decoded: Samples) -> float | None:
    """Wide-band PESQ (ITU-T P.862.2), 1.0 to 4.64, of `[T]` at 24 kHz; None where it finds no speech."""
    import pesq  # type: ignore[import-untyped]

    if not original.any():
        return None
    try:
        return float(pesq.pesq(METRIC_RATE, narrow(original), narrow(decoded), "wb"))
    except pesq.PesqError:
        return None


def stoi(original: Samples, decoded: Samples) -> float | None:
    """Short-time objective intelligibility (Taal et al. 2011), up to 1, of `[T]` at 24 kHz; None without speech."""
    import pystoi  # type: ignore[import-untyped]

    if not original.any():
        return None
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        value = float(pystoi.stoi(narrow(original), narrow(decoded), METRIC_RATE))
    return None if caught else value


def dnsmos(original: Samples, decoded: Samples) -> float | None:
    """DNSMOS P.835 overall (Reddy et al. 2022), 1 to 5, of the decoded audio alone."""
    from speechmos import dnsmos as model  # type: ignore[import-untyped]

    return float(model.run(np.clip(narrow(decoded), -1.0, 1.0), sr=METRIC_RATE)["ovrl_mos"])


class SpeakerSimilarity:
    """Cosine of speaker embeddings (Resemblyzer's GE2E encoder, its weights come with the package)."""

    def __init__(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # deprecations of the package's own imports
            import resemblyzer  # type: ignore[import-untyped]

            self._encoder = resemblyzer.VoiceEncoder("cpu", verbose=False)

    def __call__(self, original: Samples, decoded: Samples) -> float | None:
        """-1 to 1, of `[T]` at 24 kHz."""
        return cosine(self.embed(original), self.embed(decoded))

    def embed(self, audio: Samples) -> npt.NDArray[np.float32]:
        """The speaker of `[T]` at 24 kHz as a vector, to be compared by `cosine`."""
        embedding: npt.NDArray[np.float32] = self._encoder.embed_utterance(narrow(audio))
        return embedding


def cosine(one: npt.NDArray[np.float32], two: npt.NDArray[np.float32]) -> float:
    """Cosine of two vectors, 0 where one of them is zero."""
    return float(one @ two / max(float(np.linalg.norm(one) * np.linalg.norm(two)), 1e-9))


class Recognizer:
    """Whisper through faster-whisper, from a folder on this computer; nothing is downloaded."""

    def __init__(
        self, model: str | Path, language: str | None = "en", threads: int = 1, spell_numbers: bool = False
    ) -> None:
        """`spell_numbers`: write numbers as words, never in digits."""
        from faster_whisper import WhisperModel  # type: ignore[import-untyped]

        self.language = language
        self._model: Any = WhisperModel(
            str(model), device="cpu", compute_type="int8", cpu_threads=threads, local_files_only=True
        )
        vocabulary = self._model.hf_tokenizer.get_vocab() if spell_numbers else {}
        digits = [id for piece, id in vocabulary.items() if re.search(r"\d", piece) and not piece.startswith("<|")]
        self._never = [-1, *sorted(digits)]  # -1 stands for Whisper's own list

    def transcribe(self, audio: Samples) -> str:
        """Text of `[T]` at 24 kHz, greedy."""
        segments, _ = self._model.transcribe(
            narrow(audio),
            language=self.language,
            beam_size=1,
            condition_on_previous_text=False,
            temperature=0.0,
            suppress_tokens=self._never,
        )
        return " ".join(segment.text for segment in segments)

    def words(self, audio: Samples) -> list[TimedWord]:
        """The words of `[T]` at 24 kHz with the times of Whisper's attention, where Silero hears speech.

        What Whisper itself takes for no speech is left out.
        """
        segments, _ = self._model.transcribe(
            narrow(audio),
            language=self.language,
            condition_on_previous_text=False,
            suppress_tokens=self._never,
            word_timestamps=True,
            vad_filter=True,
        )
        spoken = [each for each in segments if each.no_speech_prob < _NO_SPEECH or each.avg_logprob > _UNSURE]
        return joined((piece.word, piece.start, piece.end) for each in spoken for piece in each.words or ())

    def glance(self, audio: Samples) -> str:
        """Text of `[T]` at 24 kHz, read in a window as long as it is: five times as fast, now and then in a loop.

        Longer audio than the 30 s window is `transcribe`d.
        """
        samples = narrow(audio)
        seconds = len(samples) / METRIC_RATE + TAIL
        if seconds > _WINDOW:
            return self.transcribe(audio)
        most = TOKENS_AT_LEAST + int(TOKENS_A_SECOND * seconds)
        tokenizer = window_tokenizer(self._model, self.language or "en")
        return decode_window(self._model, encode_window(self._model, samples, seconds), tokenizer, most).text


def joined(pieces: Iterable[tuple[str, float, float]]) -> list[TimedWord]:
    """Words of Whisper's pieces (text, start and end in s): one that begins with no space continues the one before."""
    words: list[TimedWord] = []
    for text, start, end in pieces:
        if words and not text.startswith(" "):
            words[-1] = words[-1]._replace(text=words[-1].text + text.strip(), end=float(end))
        else:
            words.append(TimedWord(text.strip(), float(start), float(end), UNKNOWN_SPEAKER))
    return words


def words_of(text: str) -> list[str]:
    """Lower-case words without punctuation, as WER compares them."""
    return re.sub(r"[^\w' ]+", " ", text.lower().replace("’", "'")).split()


def word_errors(reference: str, hypothesis: str) -> tuple[int, int]:
    """Substitutions, insertions and deletions (by jiwer), and the reference's number of words."""
    import jiwer

    want, got = words_of(reference), words_of(hypothesis)
    aligned = jiwer.process_words(" ".join(want), " ".join(got))
    return aligned.substitutions + aligned.insertions + aligned.deletions, len(want)


PACKAGES: dict[str, tuple[str, Callable[[], Metric]]] = {
    "pesq": ("pesq", lambda: pesq_wb),
    "stoi": ("pystoi", lambda: stoi),
    "dnsmos": ("speechmos", lambda: dnsmos),
    "speaker": ("resemblyzer", SpeakerSimilarity),
}


def load_metrics(names: tuple[str, ...] = tuple(PACKAGES)) -> tuple[dict[str, Metric], list[Skipped]]:
    """The signal metrics whose packages are installed, and the others with the reason."""
    metrics: dict[str, Metric] = {}
    skipped = []
    for name in names:
        package, load = PACKAGES[name]
        if importlib.util.find_spec(package) is None:
            skipped.append(Skipped(name, f"{package} is not installed: {INSTALL_ALONE.get(package, INSTALL)}"))
            continue
        try:
            metrics[name] = load()
        except (ImportError, OSError, RuntimeError) as error:
            skipped.append(Skipped(name, f"{package} does not load: {error}"))
    return metrics, skipped


def load_recognizer(
    model: str | Path | None, language: str | None = "en", spell_numbers: bool = False
) -> Recognizer | Skipped:
    """A recognizer for WER, or why there is none."""
    if model is None:
        return Skipped("wer", "no recognizer: give --whisper a faster-whisper model folder")
    if importlib.util.find_spec("faster_whisper") is None:
        return Skipped("wer", f"faster-whisper is not installed: {INSTALL}")
    try:
        return Recognizer(model, language, spell_numbers=spell_numbers)
    except (OSError, RuntimeError, ValueError) as error:
        return Skipped("wer", f"cannot load {model}: {error}")
