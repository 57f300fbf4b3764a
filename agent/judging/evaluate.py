"""Judging a full-duplex model: talk to it with probes of a held-out corpus, score what it does, show it beside others.

report = evaluate(load_bundle("laptop"), Corpus("out/probes"))
report.as_json(); console.print(report.table())
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.table import Column, Table

from codec.metrics import Skipped, load_recognizer
from corpus.audio import FRAME_SAMPLES, FRAME_SECONDS, Samples, write_flac
from corpus.reader import Corpus

from ..files.talking_model import TalkingModel, to_codec
from ..model.sampling import Sampling
from ..offline.converse import ROWS, Prompt, converse
from ..offline.users import Provoker, agent_segments
from ..tokens.text_stream import lay_words
from . import fdb
from .probes import Probe, build_probes, talker
from .published import DIFFERS, PUBLISHED
from .scoring import Figures, Judged, reference, score
from .turn_taking import SpeechTimes, waits_and_answers

GROUPS = {
    "turn_taking": ("waits_and_answers", "pause_tor", "turn_tor", "turn_latency"),
    "listening": ("backchannel_tor", "backchannels_per_second", "backchannel_jsd"),
    "interruption": (
        "provoked",
        "interruption_tor",
        "interruption_latency",
        "stop_share",
        "stop_latency",
        "response_latency",
    ),
    "floor": ("keeps_backchannel", "keeps_talk_to_other", "keeps_background"),
    "answers": ("answers_text", "answers_chance", "answers_audio", "answers_interrupted", "text_audio_wer"),
    "timing": ("ipu", "pause", "gap", "overlap", "silence_ratio", "characters_per_minute"),
}
ROWS_SHOWN = {
    "waits, answers ↑": ("waits_and_answers",),
    "pause TOR ↓\nturn TOR ↑\nlatency, s": ("pause_tor", "turn_tor", "turn_latency"),
    "listening TOR ↓\nper second ↑\nJSD ↓": ("backchannel_tor", "backchannels_per_second", "backchannel_jsd"),
    "interrupted TOR ↑\nlatency, s": ("interruption_tor", "interruption_latency"),
    "stops, s\nresponds, s": ("stop_latency", "response_latency"),
    "keeps: mhm ↑\n  aside ↑\n  background ↑": (
        "keeps_backchannel",
        "keeps_talk_to_other",
        "keeps_background",
    ),
}


@dataclass
class AgentReport:
    """What was measured. Times in seconds, rates per second, IPU to overlap in seconds per minute."""

    model: str
    corpus: str
    talks: int
    seconds: float  # of all talks
    speed: float  # times real time, all talks together
    figures: Figures
    reference: Figures  # of the corpus' own agent
    skipped: list[Skipped]

    def as_json(self) -> dict[str, Any]:
        """Plain values, grouped so that no figure stands without those that keep it honest; null: not measured."""
        return {
            "model": self.model,
            "corpus": self.corpus,
            "talks": self.talks,
            "seconds": round(self.seconds, 1),
            "times_real_time": round(self.speed, 2),
            "figures": _grouped(self.figures.values),
            "measurements": _grouped(self.figures.counts),
            "corpus_agent": _grouped(self.reference.values),
            "skipped": {each.name: each.reason for each in self.skipped},
            "published": [
                {"model": row.model, "sources": row.sources, "figures": _grouped(_completed(row.figures))}
                for row in PUBLISHED
            ],
            "note": DIFFERS,
        }

    def table(self) -> Table:
        """One column a model: ours, the corpus' own agent, and the published ones. Rows hold figures that only mean
        something together."""
        columns = {self.model: self.figures.values, "corpus": self.reference.values}
        columns |= {row.model: _completed(row.figures) for row in PUBLISHED}
        table = Table(Column("", no_wrap=True), *columns, title="Turn-taking", caption=DIFFERS)
        for title, names in ROWS_SHOWN.items():
            table.add_row(
                title,
                *("\n".join(_shown(values.get(name)) for name in names) for values in columns.values()),
                end_section=True,
            )
        return table

    def details(self) -> Table:
        """Every figure of ours, how many measurements it is of, and the corpus' own."""
        table = Table("figure", self.model, "n", "corpus", title=f"All figures: {self.talks} talks of {self.corpus}")
        for names in GROUPS.values():
            for name in names:
                ours, own = self.figures.values.get(name), self.reference.values.get(name)
                count = self.figures.counts.get(name, 0)
                table.add_row(name, _shown(ours), str(count), _shown(own), end_section=name == names[-1])
        return table


def evaluate(
    bundle: TalkingModel,
    corpus: Corpus,
    *,
    name: str = "model",
    count: int = 48,
    seed: int = 0,
    sampling: Sampling | None = None,
    whisper: str | Path | None = None,
    language: str = "en",
    rows: int = ROWS,
    layout: Path | None = None,
    listen: Path | None = None,
    progress: Callable[[float, float], None] = lambda _, __: None,
) -> AgentReport:
    """Hold every talk and score them.

    Args:
        bundle: model, codec, vocabulary.
        corpus: held out, e.g. made from datasets/probes.toml.
        name: of the model, for the report.
        count: user's turns to probe; the other kinds follow from it.
        seed: of the choice of probes, and of the sampling noise.
        whisper: folder of a faster-whisper model, for what is measured on the sound.
        language: the recognizer's.
        rows: talks in one batch.
        layout: write Full-Duplex-Bench's folders here.
        listen: write every talk here as a two-channel FLAC.
        progress: called with the seconds of talk held, and of all.

    Raises:
        ValueError: the model cannot talk, or the corpus has nothing to judge with.
    """
    chosen = build_probes(corpus, count, seed)
    recognizer = load_recognizer(whisper, language)
    skipped = list(chosen.missing)
    if isinstance(recognizer, Skipped):
        skipped += [Skipped(each, recognizer.reason) for each in ("answers_audio", "text_audio_wer")]
    probes = sorted(chosen.probes, key=lambda probe: -(probe.turn[1] + probe.tail))  # batches of like lengths
    began = time.perf_counter()
    judged = hold(bundle, probes, seed, sampling, rows, progress)
    seconds = sum(each.talk.seconds for each in judged)
    speed = seconds / (time.perf_counter() - began)
    if layout is not None:
        write_layout(layout, judged)
    if listen is not None:
        write_talks(listen, judged)
    figures = score(judged, None if isinstance(recognizer, Skipped) else recognizer.transcribe)
    return AgentReport(name, str(corpus.directory), len(judged), seconds, speed, figures, reference(probes), skipped)


def hold(
    bundle: TalkingModel,
    probes: list[Probe],
    seed: int = 0,
    sampling: Sampling | None = None,
    rows: int = ROWS,
    progress: Callable[[float, float], None] = lambda _, __: None,
) -> list[Judged]:
    """The talks of all probes; those cut from the same turn have the same noise."""
    total = sum(probe.turn[1] + probe.tail for probe in probes)
    places = {id: place for place, id in enumerate(sorted({probe.id for probe in probes}))}
    users = [talker(probe) for probe in probes]
    talks = converse(
        bundle,
        users,
        prompts=[prompt_of(probe, bundle) for probe in probes],
        seeds=[seed * 1_000_003 + places[probe.id] for probe in probes],
        sampling=sampling,
        rows=rows,
        progress=lambda frames: progress(frames * FRAME_SECONDS, total),
    )
    judged = []
    for probe, user, talk in zip(probes, users, talks, strict=True):
        words = talk.words(bundle.vocabulary)
        onset = user.onset if isinstance(user, Provoker) else None
        judged.append(Judged(probe, talk, tuple(words), SpeechTimes.heard(agent_segments(talk.agent), words), onset))
    return judged


def prompt_of(probe: Probe, bundle: TalkingModel) -> Prompt | None:
    """The corpus' agent as tokens, until the model is free; None if that is at once."""
    frames = len(probe.agent) // FRAME_SAMPLES
    if not frames:
        return None
    config, vocabulary = bundle.model.config, bundle.vocabulary
    codes = bundle.codec.encode(to_codec(bundle, probe.agent[: frames * FRAME_SAMPLES])).cpu()
    text, _ = lay_words(probe.words, frames, vocabulary.encode, config.pad, config.end_pad)
    return Prompt(codes[0, : config.agent_codebooks], torch.from_numpy(text.astype(np.int64)))


def write_layout(folder: Path, judged: list[Judged]) -> None:
    """Full-Duplex-Bench's folders, see `agent.judging.fdb`; only disturbances that came about are written."""
    clean = {each.probe.id: each for each in judged if each.probe.kind == "clean"}
    tasks = {"backchannel": "user_backchannel", "talk_to_other": "talking_to_other", "background": "background_speech"}
    numbers = {id: str(number) for number, id in enumerate(sorted({each.probe.id for each in judged}), 1)}
    for each in judged:
        probe, exchange, number = each.probe, _exchange(each), numbers[each.probe.id]
        if probe.kind == "turn":
            fdb.write_turn(folder / "smooth_turn_taking" / number, exchange, probe.turn)
            fdb.write_listening(folder / "backchannel" / number, exchange)
            if probe.pauses:
                fdb.write_pause(folder / "pause_handling" / number, exchange, probe.pauses)
        elif each.onset is not None:
            span = (each.onset, each.after)
            texts = (probe.text, probe.disturbance_text) if probe.kind == "interruption" else None
            task = tasks.get(probe.kind, "user_interruption")
            fdb.write_disturbed(folder / task / number, exchange, _exchange(clean[probe.id]), span, texts)


def _exchange(each: Judged) -> fdb.Exchange:
    return fdb.Exchange(each.talk.user, each.talk.agent, each.words, each.probe.free, each.probe.id)


def write_talks(folder: Path, judged: list[Judged]) -> None:
    """Every talk as KIND-ID.flac, agent left, user right."""
    folder.mkdir(parents=True, exist_ok=True)
    for each in judged:
        both: Samples = np.clip(np.stack([each.talk.agent, each.talk.user]), -1.0, 1.0)
        write_flac(folder / f"{each.probe.kind}-{each.probe.id}.flac", both)


def _grouped(values: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {group: {name: _rounded(values.get(name)) for name in names} for group, names in GROUPS.items()}


def _completed(figures: dict[str, float]) -> dict[str, float]:
    """Published figures with what follows from them."""
    balance = waits_and_answers(figures["pause_tor"], figures["turn_tor"])
    return {"waits_and_answers": balance, **figures}


def _rounded(value: float | int | None) -> float | int | None:
    return round(value, 4) if isinstance(value, float) else value


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}" if value < 100 else f"{value:.0f}"
