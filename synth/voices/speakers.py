"""What is measured once of the speakers an engine was built with: pitch and timbre, and by them whose voice it is.

It is kept in `$XDG_CACHE_HOME/duologue/speakers`, by default under `~/.cache`: JSON lines, one a speaker, added as they
are measured, so that a run cut short goes on where it stopped.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from corpus.audio import SAMPLE_RATE, Samples, resample
from corpus.durable import disk_full_told
from corpus.user_folders import cache_folder

from ..engines.protocol import Engine, ReferenceVoice, Speech, Style
from ..engines.voice_profile import VoiceProfile
from ..script.language import load_language
from .entry import Side

BETWEEN = 160.0  # Hz of median pitch between men and women
PHRASES = 4  # spoken to be measured
EVALUATION = 10  # one speaker of so many is kept to judge with


@dataclass(frozen=True)
class MeasuredSpeaker:
    """One speaker: the profile, None where too little of what was spoken is voiced, and a vector of the voice."""

    id: str
    profile: VoiceProfile | None
    vector: tuple[float, ...] = ()  # of an embedder; empty where none is installed

    @property
    def gender(self) -> Literal["f", "m"] | None:
        """By the pitch; None where it could not be measured."""
        if self.profile is None:
            return None
        return "m" if self.profile.pitch < BETWEEN else "f"


def measured_file(engine: str) -> Path:
    """Where the measures of an engine's speakers are kept; those of NAME#SPEAKER are NAME's."""
    name = engine.partition("#")[0]
    return cache_folder() / "speakers" / f"{hashlib.sha256(name.encode()).hexdigest()[:16]}.jsonl"


def measured_speakers(engine: str) -> dict[str, MeasuredSpeaker]:
    """What is kept of an engine's speakers, by voice; a line cut short by a kill is passed over."""
    try:
        lines = measured_file(engine).read_text(encoding="utf-8").splitlines()
    except OSError:
        return {}
    speakers: dict[str, MeasuredSpeaker] = {}
    for line in lines:
        try:
            row = json.loads(line)
            profile = row["profile"]
            voice = VoiceProfile(profile["pitch"], profile["spread"], tuple(profile["bands"])) if profile else None
            speakers[row["id"]] = MeasuredSpeaker(row["id"], voice, tuple(row["vector"]))
        except (ValueError, KeyError, TypeError):
            continue
    return speakers


def measure_speakers(
    name: str,
    engine: Engine,
    voices: Mapping[str, ReferenceVoice],
    language: str,
    listen: Callable[[Samples], Samples] | None = None,
    told: Callable[[int, int], None] = lambda done, of: None,
) -> int:
    """Let every speaker that was not measured yet say some phrases, and measure them; returns how many there were.

    Args:
        name: of the engine.
        engine: speaks.
        voices: its own, by id.
        language: of the phrases.
        listen: an embedder's vector of a clip at 24 kHz.
        told: called after each.

    Raises:
        DiskFullError: there is no room; what was measured stays.
    """
    known = measured_speakers(name)
    left = [voice for id, voice in sorted(voices.items()) if id not in known or (listen and not known[id].vector)]
    target = measured_file(name)
    target.parent.mkdir(parents=True, exist_ok=True)
    with disk_full_told(target.parent), target.open("a", encoding="utf-8") as stream:
        if stream.tell() and not target.read_bytes().endswith(b"\n"):
            stream.write("\n")  # the last run was killed while writing
        for number, voice in enumerate(left, 1):
            stream.write(json.dumps(asdict(_measured(engine, voice, language, listen))) + "\n")
            stream.flush()
            told(number, len(left))
    return len(left)


def _measured(
    engine: Engine, voice: ReferenceVoice, language: str, listen: Callable[[Samples], Samples] | None
) -> MeasuredSpeaker:
    from ..engines.pseudo.speaker import measure

    spoken = measuring_phrases(engine, voice, language)
    clip, rate = spoken.samples, spoken.rate
    try:
        profile: VoiceProfile | None = measure(clip, rate)
    except ValueError:
        profile = None
    vector = listen(resample(clip, rate, SAMPLE_RATE)) if listen else np.zeros(0)
    return MeasuredSpeaker(voice.voice.id, profile, tuple(round(float(value), 5) for value in vector))


def measuring_phrases(engine: Engine, voice: ReferenceVoice, language: str) -> Speech:
    """What every speaker says to be measured, the same words for all."""
    said = load_language(language).phrases
    texts = (*said.hold_wait, *said.ask_again, *said.thoughts)[:PHRASES]
    spoken = [engine.speak(text, voice, Style(), number) for number, text in enumerate(texts)]
    return Speech(np.concatenate([speech.samples for speech in spoken]), spoken[0].rate, None)


def with_measures(voices: Mapping[str, ReferenceVoice], engine: str) -> dict[str, ReferenceVoice]:
    """An engine's own voices with what was measured of them; a gender that is stated stays."""
    known = measured_speakers(engine) if len(voices) > 1 or "#" in engine else {}
    return {
        id: replace(voice, profile=known[id].profile, gender=voice.gender or known[id].gender) if id in known else voice
        for id, voice in voices.items()
    }


def on_side(id: str, side: Side | None) -> bool:
    """Whether a speaker of an engine is for training or for judging: by its name, one of ten is to judge with."""
    if side is None:
        return True
    judges = int.from_bytes(hashlib.sha256(id.encode()).digest()[:4], "big") % EVALUATION == 0
    return judges == (side == "evaluation")
