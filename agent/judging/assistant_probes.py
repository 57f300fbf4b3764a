"""What is said to an assistant to judge it: requests of recorded people whom no part was trained on, and emptiness.

request      a request, then quiet
pause        the same with a pause of 0.8 to 2 s put in between two words
barge-in     once the agent has answered for a second, the user says another request
backchannel  once the agent has answered for a second, the user says "mhm"
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from corpus.audio import FRAME_SAMPLES, SAMPLE_RATE, Samples

from ..assistant.ear.loops import find_loop, find_restart
from ..listener.collection import Collection
from ..listener.features import HOP
from ..listener.sounds import JudgedSound
from ..offline.users import REACTION, is_speech

Kind = Literal["request", "pause", "barge-in", "backchannel"]
Change = Callable[[Samples], Samples]
LEAD = 1.0  # s of room before the voice
AUDIBLE = 0.05  # of a voice's peak, from which it is heard
LEAST_PAUSE = 70  # hops: pauses put in that are shorter are left out
TAIL = 8.0  # s of room after it
QUIET = 10 ** (-75 / 20)  # of that room
SPOKEN = round(REACTION * SAMPLE_RATE / FRAME_SAMPLES)  # frames of the agent, after which it is disturbed


@dataclass(frozen=True)
class VoiceProbe:
    """One talk to hold. Times are seconds from its start."""

    name: str
    kind: Kind
    speaker: str
    sound: Samples  # of the user, with room before and after
    end: float  # of his voice
    text: str  # what a recognizer makes of the whole recording
    disturbance: Samples | None = None


def voice_probes(
    collection: Collection, part: str, count: int, nods: Sequence[Samples] = (), seed: int = 0
) -> list[VoiceProbe]:
    """`count` probes of each kind, of the people held out as `part` ("judge" or "develop").

    Args:
        collection: the recordings.
        part: whom they are from.
        count: of each kind, as far as there are recordings.
        nods: signs of listening float32 `[n]`; without any there are no probes with them.
        seed: draws.
    """
    rng = random.Random(seed)
    judged = collection.judged(part)
    requests = [each for each in judged if each.group == "requests" and each.name in collection.transcripts]
    names = {each.name for each in requests}
    paused = [each for each in judged if each.group == "spliced" and each.name in names and _long_pause(each)]
    rng.shuffle(requests)
    rng.shuffle(paused)
    probes = [_probe(each, "request", collection) for each in requests[:count]]
    probes += [_probe(each, "pause", collection) for each in paused[:count]]
    for index, own in enumerate(requests[:count]):
        other = _voice(requests[(index + 1) % len(requests)])
        probes.append(replace(_probe(own, "barge-in", collection), disturbance=other))
        if nods:
            nod = nods[index % len(nods)]
            probes.append(replace(_probe(own, "backchannel", collection), disturbance=nod))
    return probes


def changed(probe: VoiceProbe, change: Change) -> VoiceProbe:
    """The same probe in noise, in a room, over a telephone."""
    return replace(probe, sound=change(probe.sound))


class ProbeUser:
    """Says a probe's sound and, once the agent has spoken for a second after it, the disturbance."""

    def __init__(self, probe: VoiceProbe) -> None:
        self.onset: float | None = None  # of the disturbance
        self._probe, self._frame, self._spoken = probe, 0, 0
        self._rest = np.zeros(0, np.float32)

    def reply(self, agent: Samples) -> Samples | None:
        """The next frame, having heard the agent's last; None when the talk is over."""
        start = self._frame * FRAME_SAMPLES
        frame = self._probe.sound[start : start + FRAME_SAMPLES]
        if len(frame) < FRAME_SAMPLES:
            return None
        self._frame += 1
        disturbance = self._probe.disturbance
        if disturbance is None or start < self._probe.end * SAMPLE_RATE:
            return frame
        if self.onset is None:
            self._spoken += is_speech(agent)
            if self._spoken >= SPOKEN:
                self._rest, self.onset = disturbance, start / SAMPLE_RATE
        said, self._rest = self._rest[:FRAME_SAMPLES], self._rest[FRAME_SAMPLES:]
        return frame + np.pad(said, (0, FRAME_SAMPLES - len(said)))


def _long_pause(judged: JudgedSound) -> bool:
    cut, end = judged.decisions[0].hop, judged.decisions[-1].hop
    level = np.abs(judged.sound[cut * HOP : end * HOP])
    voice = np.flatnonzero(level > 0.1 * np.abs(judged.sound).max())
    return bool(len(voice)) and voice[0] >= LEAST_PAUSE * HOP


def _probe(judged: JudgedSound, kind: Kind, collection: Collection) -> VoiceProbe:
    noise = np.random.default_rng(len(judged.sound)).standard_normal(round(TAIL * SAMPLE_RATE))
    sound = np.concatenate([judged.sound, (QUIET * noise).astype(np.float32)])
    text = without_loop([word.text for word in collection.transcripts[judged.name]])
    return VoiceProbe(judged.name, kind, judged.speaker, sound, judged.decisions[-1].hop * HOP / SAMPLE_RATE, text)


def without_loop(words: Sequence[str]) -> str:
    """What a recognizer wrote, up to where it began to write the same again: the reference must not be at fault."""
    ends = [end for end in (find_loop(words), find_restart(words)) if end is not None]
    return " ".join(words[: min(ends, default=len(words))])


def _voice(judged: JudgedSound) -> Samples:
    """The voice alone, from its first loud sample on: a barge-in begins where it can be heard."""
    sound = judged.sound[round(LEAD * SAMPLE_RATE) : judged.decisions[-1].hop * HOP]
    return sound[int(np.argmax(np.abs(sound) > AUDIBLE * np.abs(sound).max())) :]
