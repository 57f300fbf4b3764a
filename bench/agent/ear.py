"""The ear on recorded people: Whisper with its window cut to the phrase beside the whole one, in words and in time.

`SPEECH` is a folder of recordings with `train.jsonl` and `noise.jsonl` (a JSON object a line: path, seconds, speaker,
text), `WHISPER` one of faster-whisper's models. Speakers are LibriSpeech's that nothing here was trained on. Noise is
pink. The last row hears the same clips frame by frame, as a talk does, a look taking 0.24 s; its words are the final
ones and its time is that of all looks. "of nothing" counts words written of household noises, ambience and silence.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from agent.assistant.ear.listening import PhraseStream
from agent.assistant.ear.whisper import WhisperPhrases
from agent.assistant.ear.whisper_model import WhisperModel
from agent.assistant.work import FrameExecutor
from codec.metrics import word_errors
from codec.whisper_window import RATE
from corpus.audio import FRAME_SAMPLES, SAMPLE_RATE, Samples, read_mono, resample

SPEAKERS = ("LS19", "LS26", "LS27")
LONGEST = 8.0  # s of a clip
CLIPS, NOTHINGS = 60, 24
NOISES: tuple[float | None, ...] = (None, 20.0, 10.0)  # dB below the speech
SILENCE = 1.2  # s after a clip, with its room's noise

Way = Callable[[Samples], str]


@dataclass(frozen=True)
class Row:
    """One way of hearing in one noise: word error rate in percent, seconds of processor a phrase, words of nothing."""

    way: str
    noise_db: float | None
    wer: float
    seconds: float
    of_nothing: int | None


def pink(length: int, rng: np.random.Generator) -> Samples:
    """Pink noise of power 1."""
    spectrum = np.fft.rfft(rng.standard_normal(length))
    spectrum /= np.sqrt(np.maximum(np.arange(len(spectrum)), 1))
    noise = np.fft.irfft(spectrum, length)
    return np.asarray(noise / noise.std(), np.float32)


def clips(folder: Path) -> Iterator[tuple[Samples, str]]:
    """Held-out clips and what they say."""
    rows = [json.loads(line) for line in (folder / "train.jsonl").read_text(encoding="utf-8").splitlines()]
    fit = [row for row in rows if row["speaker"] in SPEAKERS and row.get("text") and row["seconds"] < LONGEST]
    for row in fit[:: max(1, len(fit) // CLIPS)][:CLIPS]:
        yield read_mono(folder / row["path"]), row["text"]


def nothings(folder: Path) -> list[Samples]:
    """Sounds in which nobody speaks, 2 to 4 s."""
    rows = [json.loads(line) for line in (folder / "noise.jsonl").read_text(encoding="utf-8").splitlines()]
    fit = [row for row in rows if row["seconds"] > 2]
    rng = np.random.default_rng(0)
    found = [read_mono(folder / row["path"])[: 4 * SAMPLE_RATE] for row in fit[:: len(fit) // (NOTHINGS - 4)]]
    quiet = [np.float32(10 ** (db / 20)) * pink(3 * SAMPLE_RATE, rng) for db in (-70, -50, -40, -30)]
    return [*found, *quiet]


def noisy(clip: Samples, decibels: float | None, rng: np.random.Generator) -> Samples:
    """A clip with pink noise so far below it."""
    if decibels is None:
        return clip
    level = float(np.sqrt(np.mean(np.square(clip)))) * 10 ** (-decibels / 20)
    return np.asarray(clip + level * pink(len(clip), rng), np.float32)


def ways(model: WhisperModel) -> dict[str, Way]:
    """How a clip at 24 kHz becomes text."""
    phrases = WhisperPhrases(model)

    def at_16k(clip: Samples) -> Samples:
        return resample(clip, SAMPLE_RATE, RATE)

    def streamed(clip: Samples) -> str:
        executor = FrameExecutor({"ear": 3})
        stream = PhraseStream(phrases, executor.lane("ear"))
        rng = np.random.default_rng(1)
        room = np.float32(1e-3) * rng.standard_normal(len(clip) + round(SILENCE * SAMPLE_RATE)).astype(np.float32)
        room[: len(clip)] += clip
        for start in range(0, len(room) - FRAME_SAMPLES + 1, FRAME_SAMPLES):
            stream.push(room[start : start + FRAME_SAMPLES])
            executor.tick()
        stream.phrase_ends(len(room) / SAMPLE_RATE)
        for _ in range(20):
            executor.tick()
        return next(heard.text for heard in stream.results() if heard.final)

    return {
        "whole window": lambda clip: model.look(at_16k(clip), whole=True)[1].text,
        "cut": lambda clip: model.look(at_16k(clip))[1].text,
        "cut and guarded": lambda clip: " ".join(word.text for word in phrases.look(clip, 0.0, last=True).words),
        "cut and guarded, frame by frame": streamed,
    }


def measure(speech: Path, whisper: Path, smallest: bool) -> list[Row]:
    """All rows, or those of one clip without noise."""
    model = WhisperModel(whisper, "en")
    most = 1 if smallest else CLIPS
    said, silent = list(clips(speech))[:most], nothings(speech)[:most]
    rows = []
    for noise in NOISES[:1] if smallest else NOISES:
        for name, way in ways(model).items():
            rng, wrong, words, seconds = np.random.default_rng(0), 0, 0, 0.0
            for clip, text in said:
                sound = noisy(clip, noise, rng)
                began = time.process_time()
                heard = way(sound)
                seconds += time.process_time() - began
                errors, count = word_errors(text, heard)
                wrong, words = wrong + errors, words + count
            dreamt = sum(len(way(sound).split()) for sound in silent) if noise is None else None
            rows.append(Row(name, noise, round(100 * wrong / words, 2), round(seconds / len(said), 3), dreamt))
    return rows


def run(*, as_json: bool = False, smallest: bool = False) -> None:
    """Measure and print; asks for SPEECH and WHISPER in the environment."""
    if "SPEECH" not in os.environ or "WHISPER" not in os.environ:
        print("ear: set SPEECH to a folder of recordings and WHISPER to a model of faster-whisper; left out")
        return
    rows = measure(Path(os.environ["SPEECH"]), Path(os.environ["WHISPER"]), smallest)
    if as_json:
        print(json.dumps([asdict(row) for row in rows], indent=2))
        return
    table = Table("way", "noise, dB", "WER, %", "s a phrase", "words of nothing", title="The ear")
    for row in rows:
        noise = "-" if row.noise_db is None else f"{row.noise_db:g}"
        nothing = "" if row.of_nothing is None else str(row.of_nothing)
        table.add_row(row.way, noise, f"{row.wer:.2f}", f"{row.seconds:.3f}", nothing)
    Console().print(table)
