"""From talks to figures: the quantities of `turn_taking` over all probes of an evaluation, with their counts.

A disturbance that never came about, because the agent did not speak, counts against the agent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from codec.metrics import word_errors
from corpus.audio import SAMPLE_RATE, Samples, to_samples
from corpus.interleave import TimedWord
from corpus.timing import measure, speech_segments

from ..offline.converse import OfflineTalk
from . import turn_taking
from .answers import answered, spoken
from .probes import DISTURBANCES, Kind, Probe
from .turn_taking import SpeechTimes

LONG_TURN = 3.0  # s from which a turn invites backchannels
EARLY = 0.5  # s before the end of a question from which words may answer it
STOP_WITHIN = 2.0  # s after an interruption's end; who speaks on has not stopped for it
Transcribe = Callable[[Samples], str]


@dataclass(frozen=True)
class Judged:
    """A probe and what came of it."""

    probe: Probe
    talk: OfflineTalk
    words: tuple[TimedWord, ...]  # the agent's text stream
    speech: SpeechTimes
    onset: float | None  # of the disturbance

    @property
    def after(self) -> float:
        """When the disturbance is over, inf if there was none."""
        if self.onset is None or self.probe.disturbance is None:
            return float("inf")
        return self.onset + len(self.probe.disturbance) / SAMPLE_RATE

    def said(self, start: float, end: float) -> str:
        """The text stream of a span, in one line."""
        return " ".join(word.text for word in self.words if start <= word.start < end)

    def sound(self, start: float, end: float) -> Samples:
        """The agent's sound of a span."""
        return self.talk.agent[to_samples(max(start, 0.0)) : to_samples(end)]


@dataclass
class Figures:
    """Means by name, and how many measurements each is of."""

    values: dict[str, float] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    def mean(self, name: str, measured: Iterable[float | bool | None]) -> None:
        """Enter the mean of what could be measured; nothing if nothing could."""
        kept = [float(value) for value in measured if value is not None]
        if kept:
            self.values[name], self.counts[name] = float(np.mean(kept)), len(kept)


def score(judged: Sequence[Judged], transcribe: Transcribe | None = None) -> Figures:
    """Every figure that the probes allow; `transcribe` is a recognizer for what was said aloud."""
    figures = Figures()
    by_kind: dict[Kind, list[Judged]] = {}
    for each in judged:
        by_kind.setdefault(each.probe.kind, []).append(each)
    turns = by_kind.get("turn", [])
    _score_turns(turns, figures)
    _score_listening(turns, figures)
    _score_answers(turns, by_kind.get("interruption", []), figures, transcribe)
    _score_interruptions(by_kind.get("interruption", []), figures)
    clean = {each.probe.id: each.speech for each in by_kind.get("clean", [])}
    for kind in DISTURBANCES[1:]:
        figures.mean(f"keeps_{kind}", (_keeps(each, clean[each.probe.id]) for each in by_kind.get(kind, [])))
    _score_dialogues(by_kind.get("dialogue", []), figures)
    return figures


def reference(probes: Sequence[Probe]) -> Figures:
    """The figures of the corpus' own agent, from its labels."""
    figures = Figures()
    turns = [probe for probe in probes if probe.kind == "turn"]
    figures.mean("turn_latency", (max(probe.answer[0] - probe.turn[1], 0.0) for probe in turns))
    long = [probe for probe in turns if _length(probe) >= LONG_TURN]
    if long:
        spoken = sum(map(_length, long))
        figures.values["backchannels_per_second"] = sum(len(probe.listened) for probe in long) / spoken
        figures.counts["backchannels_per_second"] = len(long)
    stats = [probe.stats for probe in probes if probe.kind == "dialogue" and probe.stats is not None]
    for name in ("ipu", "pause", "gap", "overlap"):
        figures.mean(name, (getattr(each, name) for each in stats))
    return figures


def _length(probe: Probe) -> float:
    return probe.turn[1] - probe.turn[0]


def _score_turns(turns: Sequence[Judged], figures: Figures) -> None:
    paused = [each for each in turns if each.probe.pauses]
    figures.mean(
        "pause_tor",
        (turn_taking.takeover(each.speech.within(each.probe.pauses[0][0], each.probe.turn[1])) for each in paused),
    )
    latencies = [
        turn_taking.turn_latency(each.speech, each.probe.turn[1], each.probe.turn[1] + each.probe.tail)
        for each in turns
    ]
    figures.mean("turn_tor", (latency is not None for latency in latencies))
    figures.mean("turn_latency", latencies)
    if {"pause_tor", "turn_tor"} <= figures.values.keys():
        pause, turn = figures.values["pause_tor"], figures.values["turn_tor"]
        figures.values["waits_and_answers"] = turn_taking.waits_and_answers(pause, turn)
        figures.counts["waits_and_answers"] = min(figures.counts["pause_tor"], figures.counts["turn_tor"])


def _score_listening(turns: Sequence[Judged], figures: Figures) -> None:
    long = [each for each in turns if _length(each.probe) >= LONG_TURN]
    if not long:
        return
    listened = [turn_taking.listen(each.speech, *each.probe.turn) for each in long]
    figures.mean("backchannel_tor", (each.takeover for each in listened))
    onsets = [each.backchannels for each in listened]
    figures.values["backchannels_per_second"] = sum(map(len, onsets)) / sum(_length(each.probe) for each in long)
    figures.counts["backchannels_per_second"] = len(long)
    own = [each.probe.listened for each in turns]
    if any(own):
        histograms = [
            turn_taking.offset_histogram(
                offset
                for each, timed in zip(rows, times, strict=True)
                for offset in turn_taking.clause_offsets(timed, each.probe.clause_ends)
            )
            for rows, times in ((long, onsets), (turns, own))
        ]
        figures.values["backchannel_jsd"] = turn_taking.divergence(*histograms)
        figures.counts["backchannel_jsd"] = int(histograms[0].sum())


def _score_answers(
    turns: Sequence[Judged], interrupted: Sequence[Judged], figures: Figures, transcribe: Transcribe | None
) -> None:
    asked = [(each, each.probe.turn[1]) for each in turns if each.probe.question is not None]
    again = [(each, each.after) for each in interrupted if each.probe.question is not None]
    figures.mean("answers_text", (_right(each, each.said(end - EARLY, each.talk.seconds)) for each, end in asked))
    figures.mean("answers_chance", (_by_chance(each, end, asked) for each, end in asked))
    figures.mean("answers_interrupted", (_right(each, each.said(end, each.talk.seconds)) for each, end in again))
    if transcribe is None:
        return
    heard = {id(each): transcribe(each.sound(each.probe.free, each.talk.seconds)) for each in turns}
    figures.mean("answers_audio", (_right(each, heard[id(each)]) for each, _ in asked))
    errors = words = 0
    for each in turns:
        wrong, count = word_errors(spoken(each.said(each.probe.free, each.talk.seconds)), spoken(heard[id(each)]))
        errors, words = errors + wrong, words + count
    if words:
        figures.values["text_audio_wer"], figures.counts["text_audio_wer"] = errors / words, words


def _right(judged: Judged, text: str) -> bool:
    assert judged.probe.question is not None
    return answered(text, judged.probe.question.answer)


def _by_chance(judged: Judged, end: float, asked: Sequence[tuple[Judged, float]]) -> float | None:
    """The share of the other questions' answers that were said: what talking much is worth."""
    assert judged.probe.question is not None
    answers = {each.probe.question.answer for each, _ in asked if each.probe.question is not None}
    answers -= {judged.probe.question.answer}
    said = judged.said(end - EARLY, judged.talk.seconds)
    return float(np.mean([answered(said, answer) for answer in answers])) if answers else None


def _score_interruptions(interrupted: Sequence[Judged], figures: Figures) -> None:
    figures.mean("provoked", (each.onset is not None for each in interrupted))
    latencies = [
        None if each.onset is None else turn_taking.turn_latency(each.speech, each.after, each.talk.seconds)
        for each in interrupted
    ]
    figures.mean("interruption_tor", (latency is not None for latency in latencies))
    figures.mean("interruption_latency", latencies)
    tried = [(each, each.onset) for each in interrupted if each.onset is not None]
    stops = [turn_taking.stop_latency(each.speech, onset, each.after + STOP_WITHIN) for each, onset in tried]
    figures.mean("stop_share", (stop is not None for stop in stops))
    figures.mean("stop_latency", stops)
    figures.mean(
        "response_latency",
        (
            turn_taking.response_latency(each.speech, onset, each.after, each.after + STOP_WITHIN, each.talk.seconds)
            for each, onset in tried
        ),
    )


def _keeps(each: Judged, undisturbed: SpeechTimes) -> bool | None:
    if each.onset is None:
        return False
    return turn_taking.keeps_floor(each.speech, undisturbed, each.onset, each.after + STOP_WITHIN)


def _score_dialogues(dialogues: Sequence[Judged], figures: Figures) -> None:
    stats, silences, letters = [], [], []
    for each in dialogues:
        start, end = each.probe.free, each.talk.seconds
        if end <= start:
            continue
        agent, user = (
            each.speech.within(start, end),
            SpeechTimes.heard(speech_segments(each.talk.user)).within(start, end),
        )
        stats.append(measure([agent.segments, user.segments], end - start))
        silences.append(turn_taking.silence_ratio(agent, end - start))
        letters.append(len(each.said(start, end)) * 60 / (end - start))
    for name in ("ipu", "pause", "gap", "overlap"):
        figures.mean(name, (getattr(each, name) for each in stats))
    figures.mean("silence_ratio", silences)
    figures.mean("characters_per_minute", letters)
