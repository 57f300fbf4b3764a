"""What is measured of an utterance, and when it fails.

Reason codes: `words` (recognised otherwise), `speaker` (another voice), `dnsmos` (sounds bad), `rate` (too fast or too
slow), `clipped`, `silent_start`, `silent_end`, `cut_off` (loud to the very edge), `no_speech` (silent or broken),
`other_voice` (the other engine cannot speak with this voice), and those of `engines.failure`.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from codec.metrics import Skipped, SpeakerSimilarity, cosine, dnsmos, load_metrics, load_recognizer
from corpus.audio import SAMPLE_RATE, Samples, read_mono, resample

from ...engines.protocol import Engine, ReferenceVoice, Speech, Style
from ...seeds import derive
from .settings import QualitySettings
from .wording import Wording, compare

CLIPPED_SHARE = 0.001  # of samples at full scale
FULL_SCALE = 0.999
LONGEST_EDGE = 1.0  # s of silence before or after the speech
EDGE = 0.005  # s at each end that must not be loud
EDGE_DB = -20.0  # of the edge against the loudest 50 ms
SILENCE_DB = -50.0  # against the loudest 50 ms
STEP = 0.05  # s
CALIBRATION = (
    "Good morning, it is nice to hear from you.",
    "The train leaves at half past nine from the second platform.",
    "I would rather have the small one, if you still have it.",
    "We looked for it all over the house and found it in the garden.",
)


@dataclass(frozen=True)
class Verdict:
    """What was measured of a take, by gate, the reason codes of the gates it failed, and what was heard in it."""

    measures: dict[str, float]
    reasons: tuple[str, ...]
    heard: str = ""

    @property
    def score(self) -> float:
        """To choose among takes: higher is better. Failing costs more than any measure gains."""
        quality = self.measures.get("dnsmos", 0.0) + self.measures.get("speaker", 0.0)
        return quality - 10 * self.measures.get("word_errors", 0.0) - 100 * len(self.reasons)


@dataclass
class Gates:
    """The gates of a recipe, their models loaded once a process."""

    settings: QualitySettings
    language: str = "en"
    _speakers: SpeakerSimilarity | None = None
    _references: dict[str, npt.NDArray[np.float32]] = field(default_factory=dict)  # embedded once, by voice
    _levels: dict[tuple[str, str], tuple[float, float]] = field(
        default_factory=dict
    )  # mean, deviation by engine, voice

    def __post_init__(self) -> None:
        """Raises ValueError naming what a gate lacks: before any work begins."""
        missing: list[Skipped] = []
        wanted = tuple(name for name in ("dnsmos", "speaker") if name in self.settings.gates)
        metrics, skipped = load_metrics(wanted)
        missing += skipped
        speakers = metrics.get("speaker")
        self._speakers = speakers if isinstance(speakers, SpeakerSimilarity) else None
        self._recognizer = None
        if "words" in self.settings.gates:
            recognizer = load_recognizer(self.settings.whisper, self.language)
            if isinstance(recognizer, Skipped):
                missing.append(recognizer)
            else:
                self._recognizer = recognizer
        if missing:
            raise ValueError(f"quality gates cannot be had: {'; '.join(f'{m.name}: {m.reason}' for m in missing)}")

    def judge(self, speech: Speech, text: str, voice: ReferenceVoice, engine: Engine) -> Verdict:
        """Measure a take of `text` and compare with the thresholds."""
        if not speech.samples.size or not np.isfinite(speech.samples).all() or not np.abs(speech.samples).max() > 1e-4:
            return Verdict({}, ("no_speech",))
        audio, settings = resample(speech.samples, speech.rate, SAMPLE_RATE), self.settings
        measures: dict[str, float] = {}
        reasons: list[str] = []
        if "ends" in settings.gates:
            reasons += edge_faults(audio)
        if "rate" in settings.gates:
            rate = len(text.split()) / max(spoken_seconds(audio), 1e-3)
            measures["words_per_second"] = round(rate, 3)
            low, high = settings.words_per_second
            if not low <= rate <= high:
                reasons.append("rate")
        heard = ""
        if self._recognizer is not None:
            heard, wording = self._heard(text, audio)
            measures["word_errors"] = round(wording.errors / max(wording.words, 1), 4)
            measures["letter_errors"] = wording.letters
            if not self._passes(wording):
                reasons.append("words")
        if "dnsmos" in settings.gates:
            measures["dnsmos"] = round(dnsmos(audio, audio) or 0.0, 3)
            if measures["dnsmos"] < settings.dnsmos:
                reasons.append("dnsmos")
        if self._speakers is not None and voice.audio is not None:
            measures["speaker"] = round(self._likeness(voice, audio), 4)
            mean, deviation = self._level(engine, voice)
            if measures["speaker"] < mean - settings.speaker_margin * deviation:
                reasons.append("speaker")
        return Verdict(measures, tuple(reasons), heard)

    def _heard(self, text: str, audio: Samples) -> tuple[str, Wording]:
        """What is heard and how it differs: at a glance, and where that is not what is written, with all care."""
        assert self._recognizer is not None, "asked only where words are gated"
        heard, wording = "", Wording(1, 1, 1.0)
        for listen in (self._recognizer.glance, self._recognizer.transcribe):
            heard = " ".join(listen(audio).split())
            wording = compare(text, heard, self.language)
            if self._passes(wording):
                break
        return heard, wording

    def _passes(self, wording: Wording) -> bool:
        settings = self.settings
        return wording.passes(settings.word_errors, settings.forgiven, settings.letter_errors)

    def _level(self, engine: Engine, voice: ReferenceVoice) -> tuple[float, float]:
        """How alike this engine's own clear takes are to this voice: engines differ, so no one threshold fits all."""
        key = (engine.version, voice.voice.id)
        if key not in self._levels:
            values = []
            for number, text in enumerate(CALIBRATION):
                take = engine.speak(text, voice, Style(), derive(0, "calibration", voice.voice.id, number))
                values.append(self._likeness(voice, resample(take.samples, take.rate, SAMPLE_RATE)))
            self._levels[key] = (statistics.mean(values), max(statistics.stdev(values), 0.02))
        return self._levels[key]

    def _likeness(self, voice: ReferenceVoice, audio: Samples) -> float:
        """Cosine of the speakers of a recorded voice and of `[T]` at 24 kHz."""
        assert self._speakers is not None, "asked only where speakers are compared"
        assert voice.audio is not None, "asked only of recorded voices"
        if voice.voice.id not in self._references:
            self._references[voice.voice.id] = self._speakers.embed(read_mono(voice.audio))
        return cosine(self._references[voice.voice.id], self._speakers.embed(audio))


def edge_faults(audio: Samples) -> list[str]:
    """Reason codes of a take's level and ends; `[T]` at 24 kHz."""
    faults = []
    if float(np.mean(np.abs(audio) >= FULL_SCALE)) > CLIPPED_SHARE:
        faults.append("clipped")
    levels, loud = _levels(audio)
    if loud[0] * STEP > LONGEST_EDGE:
        faults.append("silent_start")
    if (len(levels) - 1 - loud[-1]) * STEP > LONGEST_EDGE:
        faults.append("silent_end")
    edge = int(EDGE * SAMPLE_RATE)
    ends = max(float(np.sqrt(np.mean(np.square(part)))) for part in (audio[:edge], audio[-edge:]))
    if ends > levels.max() * 10 ** (EDGE_DB / 20):
        faults.append("cut_off")
    return faults


def spoken_seconds(audio: Samples) -> float:
    """Seconds of `[T]` at 24 kHz from the first sound to the last."""
    _, loud = _levels(audio)
    return float((loud[-1] - loud[0] + 1) * STEP)


def _levels(audio: Samples) -> tuple[Samples, npt.NDArray[np.intp]]:
    """Root mean square of every 50 ms, and the numbers of those that are no silence."""
    size = int(STEP * SAMPLE_RATE)
    padded = np.pad(audio, (0, -len(audio) % size))
    levels = np.asarray(np.sqrt(np.square(padded.reshape(-1, size)).mean(axis=1)), np.float32)
    return levels, np.flatnonzero(levels > levels.max() * 10 ** (SILENCE_DB / 20))
