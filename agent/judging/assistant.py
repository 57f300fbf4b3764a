"""Judging an assistant with recorded people: how soon it answers, whether it waits, gives way and goes on.

Talks are held on the clock of the parts' own work (`agent.assistant.measured`), so that latencies are seconds of CPU
and do not depend on what else the machine does: each part has a core of its own, nothing travels over a network.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from codec.metrics import word_errors
from corpus.audio import FRAME_SAMPLES, FRAME_SECONDS, SAMPLE_RATE, Samples
from corpus.timing import Segment

from ..assistant.partner import Assistant
from ..live.talk_events import Happening
from ..offline.users import agent_segments
from .assistant_probes import ProbeUser, VoiceProbe

Figures = dict[str, float | None]
ENOUGH = 1.2  # s of an answer, after which a probe that only asks is over
GOES_ON = 4.0  # s after a disturbance in which the agent goes on, or has stopped
HUSH = 6  # frames without a sound that make a stop
KEPT = 0.5  # share of the speech planned that makes a floor kept


@dataclass(frozen=True)
class HeldTalk:
    """A probe and what came of it. Times are seconds of the user's sound."""

    probe: VoiceProbe
    agent: Samples
    happened: tuple[Happening, ...]
    onset: float | None  # of the disturbance

    @property
    def speech(self) -> list[Segment]:
        """When the agent spoke."""
        return agent_segments(self.agent)

    def last(self, kind: str, before: float = np.inf) -> Happening | None:
        """The last event of a kind up to a time."""
        return next((e for e in reversed(self.happened) if e.kind == kind and e.at <= before), None)

    @property
    def answer(self) -> float | None:
        """When the first sound after the turn's end began; None where the agent spoke before, or never."""
        starts = [start for start, _ in self.speech]
        return starts[0] if starts and starts[0] >= self.probe.end else None


def hold(assistant: Assistant, probe: VoiceProbe) -> HeldTalk:
    """Hold the talk of a probe; the answer to a frame plays in the next."""
    slot, user = assistant.open(), ProbeUser(probe)
    played, events, spoken = [np.zeros(FRAME_SAMPLES, np.float32)], [], 0.0
    try:
        while (frame := user.reply(played[-1])) is not None:
            out = assistant.step({slot: frame})[slot]
            played.append(out.audio)
            events += [event for event in out.events if isinstance(event, Happening)]
            now = len(played) * FRAME_SECONDS
            spoken += FRAME_SECONDS if out.audio.any() and now > probe.end else 0.0
            if is_over(probe, now, spoken, user.onset):
                break
    finally:
        assistant.close(slot)
    return HeldTalk(probe, np.concatenate(played), tuple(events), user.onset)


def is_over(probe: VoiceProbe, now: float, spoken: float, onset: float | None) -> bool:
    """Whether a talk has told what it can: `spoken` s of an answer, or the time since the disturbance."""
    if probe.disturbance is None:
        return spoken > ENOUGH
    return onset is not None and now > onset + GOES_ON


def hold_all(
    assistant: Assistant, probes: Sequence[VoiceProbe], progress: Callable[[int], None] = lambda _: None
) -> list[HeldTalk]:
    """The talks of all probes, one after another."""
    talks = []
    for index, probe in enumerate(probes, start=1):
        talks.append(hold(assistant, probe))
        progress(index)
    return talks


def figures(talks: Sequence[HeldTalk]) -> Figures:
    """All quantities; None where no talk tells. Seconds and shares."""
    asked = [talk for talk in talks if talk.probe.kind == "request"]
    paused = [talk for talk in talks if talk.probe.kind == "pause"]
    delays = [talk.answer - talk.probe.end for talk in asked if talk.answer is not None]
    result: Figures = {
        "first_sound_p50": _quantile(delays, 50),
        "first_sound_p90": _quantile(delays, 90),
        **_stages([talk for talk in asked if talk.answer is not None]),
        "never_answered": _share(not any(end > talk.probe.end for _, end in talk.speech) for talk in asked),
        "pause_takeovers": _share(_too_early(talk) for talk in paused),
        "spoken_into": _share(_too_early(talk) for talk in (*asked, *paused)),
        "wer": _wer(asked),
        **_disturbed(talks),
    }
    return result


def sentences_a_minute(assistant: Assistant, sound: Samples) -> float:
    """How often the agent begins to speak while nobody talks to it: `sound` float32 `[n]` is all it hears."""
    slot, begun = assistant.open(), 0
    try:
        for start in range(0, len(sound) - FRAME_SAMPLES + 1, FRAME_SAMPLES):
            out = assistant.step({slot: sound[start : start + FRAME_SAMPLES]})[slot]
            begun += sum(isinstance(e, Happening) and e.kind in ("begin", "fill", "nod") for e in out.events)
    finally:
        assistant.close(slot)
    return begun / (len(sound) / SAMPLE_RATE / 60)


def self_answers(assistant: Assistant, probe: VoiceProbe, level_db: float = -20.0, delay: int = 2) -> int:
    """How often the agent takes its own voice, heard `delay` frames later and so much softer, for the user's."""
    gain = np.float32(10 ** (level_db / 20))
    slot, heard = assistant.open(), 0
    played = [np.zeros(FRAME_SAMPLES, np.float32)] * delay
    try:
        for start in range(0, len(probe.sound) - FRAME_SAMPLES + 1, FRAME_SAMPLES):
            frame = probe.sound[start : start + FRAME_SAMPLES] + gain * played[-delay]
            out = assistant.step({slot: frame})[slot]
            played.append(out.audio)
            heard += sum(isinstance(e, Happening) and e.kind == "begin" for e in out.events)
    finally:
        assistant.close(slot)
    return max(heard - 1, 0)


def _stages(talks: Sequence[HeldTalk]) -> Figures:
    """Medians from the turn's end: the words were known, thought about, the floor taken, the sound began."""
    at: dict[str, list[float]] = {"words": [], "thought": [], "begun": []}
    for talk in talks:
        assert talk.answer is not None
        for name, kind in (("words", "heard"), ("thought", "think"), ("begun", "begin")):
            event = talk.last(kind, talk.answer)
            if event is not None:
                at[name].append(event.at - talk.probe.end)
    return {f"{name}_p50": _quantile(values, 50) for name, values in at.items()}


def _too_early(talk: HeldTalk) -> bool:
    return any(start < talk.probe.end for start, _ in talk.speech)


def _disturbed(talks: Sequence[HeldTalk]) -> Figures:
    barged = [talk for talk in talks if talk.probe.kind == "barge-in" and talk.onset is not None]
    stops = []
    for talk in barged:
        assert talk.onset is not None
        silent = _silent_from(talk.agent, talk.onset)
        stops += [] if silent is None else [silent]
    nodded = [talk for talk in talks if talk.probe.kind == "backchannel" and talk.onset is not None]
    return {
        "stop_p50": _quantile(stops, 50),
        "stops": len(stops) / len(barged) if barged else None,
        "goes_on": _share(_goes_on(talk) for talk in nodded),
    }


def _silent_from(agent: Samples, onset: float) -> float | None:
    """Seconds after a time until the agent has not a sound more for half a second; None where that does not come."""
    sounds = [bool(frame.any()) for frame in agent.reshape(-1, FRAME_SAMPLES)]
    for frame in range(int(onset / FRAME_SECONDS), len(sounds) - HUSH + 1):
        if not any(sounds[frame : frame + HUSH]):
            return max(frame * FRAME_SECONDS - onset, 0.0)
    return None


def _goes_on(talk: HeldTalk) -> bool:
    """Whether the agent speaks mostly after a sign of listening, or is not cut; a new answer is no going on."""
    assert talk.onset is not None
    until = len(talk.agent) / SAMPLE_RATE
    spoken = sum(max(0.0, min(end, until) - max(start, talk.onset)) for start, end in talk.speech)
    cuts = [event.at for event in talk.happened if event.kind == "stop" and event.at >= talk.onset]
    anew = bool(cuts) and any(event.kind == "begin" and event.at >= cuts[0] for event in talk.happened)
    return not cuts or (spoken >= KEPT * (until - talk.onset) and not anew)


def _wer(talks: Sequence[HeldTalk]) -> float | None:
    errors = words = 0
    for talk in talks:
        thought = talk.last("think")
        wrong, total = word_errors(talk.probe.text, thought.text if thought is not None else "")
        errors, words = errors + wrong, words + total
    return errors / words if words else None


def _quantile(values: Sequence[float], percent: float) -> float | None:
    return round(float(np.percentile(values, percent)), 3) if len(values) else None


def _share(flags: Iterable[bool]) -> float | None:
    known = list(flags)
    return round(sum(known) / len(known), 3) if known else None
