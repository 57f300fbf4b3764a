"""A recording that was found becomes a dialogue: heard, aligned, levelled, redacted, its turns in order, measured.

The left channel is the agent's and the right the user's. A recording of one channel is the agent's; the user is silent.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import numpy as np

from ..audio import SAMPLE_RATE, Samples, to_samples
from ..record import AGENT_CHANNEL, USER_CHANNEL, Dialogue, Role, Speaker, Turn, Voice, Word
from ..timing import measure_audio
from .level import at_loudness, within_full_scale
from .recordings import (
    BAD_ROWS,
    BEYOND,
    CHANNELS,
    NO_AGENT,
    OVERSHOOT,
    REDACTED,
    Aligner,
    Recording,
    Remark,
    Rights,
    Treatment,
    Utterance,
    Words,
    shifted,
    utterance_of,
)
from .redaction import redacted

Spoken = tuple[Utterance, Words]


def dialogue_of(
    recording: Recording, id: str, number: int, rights: Rights, treatment: Treatment
) -> tuple[Dialogue, Samples, tuple[Remark, ...]]:
    """A recording as a dialogue without audio entry, its audio `[2 or more, T]` at 24 kHz, and what is to be told.

    Raises:
        ValueError: no audio, no words, a word outside the audio, or words nobody times or hears.
    """
    audio, overshoot = within_full_scale(recording.read())
    if len(audio) == 1:
        audio = np.concatenate([audio, np.zeros_like(audio)])
    if treatment.lufs is not None:
        audio = at_loudness(audio, treatment.lufs)
    spoken, beyond = _spoken(recording, audio, treatment)
    covered = 0
    if treatment.redact is not None:
        audio, spoken, covered = redacted(audio, spoken, treatment.redact)
    found = (
        (BEYOND, beyond),
        (BAD_ROWS, recording.bad_rows),
        (CHANNELS, len(audio) - 2),
        (NO_AGENT, int(all(utterance.channel != AGENT_CHANNEL for utterance, _ in spoken))),
        (OVERSHOOT, int(overshoot)),
        (REDACTED, covered),
    )
    remarks = tuple(Remark(recording.name, what, count) for what, count in found if count > 0)
    return _dialogue(spoken, recording.name, id, number, rights, audio), audio, remarks


def _dialogue(spoken: list[Spoken], name: str, id: str, number: int, rights: Rights, audio: Samples) -> Dialogue:
    ids, speakers = _speakers((utterance for utterance, _ in spoken), name, rights)
    turns = tuple(
        Turn(
            index=index,
            speaker=ids[utterance.channel, utterance.speaker],
            event=utterance.event,
            text=" ".join(word.text for word in words),
            start=words[0].start,
            end=max(word.end for word in words),
            words=words,
        )
        for index, (utterance, words) in enumerate(spoken)
    )
    return Dialogue(
        id=id,
        seed=number,
        language=rights.language,
        timing="recorded",
        speakers=speakers,
        turns=turns,
        stats=measure_audio(audio[: USER_CHANNEL + 1]),
    )


def _spoken(recording: Recording, audio: Samples, treatment: Treatment) -> tuple[list[Spoken], int]:
    """Every utterance with its words inside the audio, by time, and how many words lie beyond it."""
    seconds = audio.shape[1] / SAMPLE_RATE
    spoken = []
    beyond = 0
    for utterance in (*recording.utterances, *_heard(recording, audio, treatment)):
        if utterance.channel >= len(audio):
            raise ValueError(f"its words name channel {utterance.channel}, its audio has {len(audio)}")
        words = utterance.words or _aligned(utterance, audio[utterance.channel], treatment.align)
        fitting = tuple(word for word in (_clipped(word, seconds) for word in words) if word.start < word.end)
        beyond += len(words) - len(fitting)
        if fitting:
            spoken.append((utterance, fitting))
    if not spoken:
        raise ValueError("it holds no words")
    return sorted(spoken, key=lambda pair: (pair[1][0].start, pair[0].channel)), beyond


def _heard(recording: Recording, audio: Samples, treatment: Treatment) -> Iterator[Utterance]:
    for each in recording.unheard:
        if treatment.hear is None:
            lack = "its transcript has no times" if each.text else "it has no transcript"
            raise ValueError(f"{lack}: give --whisper MODEL, a folder of a faster-whisper model that listens to it")
        for turn in treatment.hear(audio[each.channel], each.text):
            yield utterance_of(turn, each.channel, "")


def _speakers(
    utterances: Iterable[Utterance], name: str, rights: Rights
) -> tuple[dict[tuple[int, str], str], tuple[Speaker, ...]]:
    """Ids by channel and source name: the first of the left channel is the agent, of the right the user."""
    ids: dict[tuple[int, str], str] = {}
    first: dict[int, tuple[Role, str]] = {AGENT_CHANNEL: ("agent", "agent"), USER_CHANNEL: ("user", "user")}
    speakers = []
    for utterance in utterances:
        key = utterance.channel, utterance.speaker
        if key in ids:
            continue
        role, id = first.pop(utterance.channel, ("other", f"other{len(ids)}"))
        ids[key] = id
        voice = Voice(
            id=_voice_id(utterance, name),
            kind="recorded",
            engine="",
            licence=rights.licence,
            source=f"{rights.source}: {name}",
            consent=rights.consent,
        )
        speakers.append(Speaker(id=id, role=role, channel=utterance.channel, voice=voice))
    for channel, (role, id) in first.items():  # whoever says nothing still has a place
        speakers.append(Speaker(id=id, role=role, channel=channel))
    return ids, tuple(sorted(speakers, key=lambda speaker: (speaker.channel, speaker.id)))


def _voice_id(utterance: Utterance, name: str) -> str:
    raw = utterance.speaker or f"{name}-{utterance.channel}"
    return re.sub(r"[^A-Za-z0-9_-]+", "-", raw).strip("-") or "unnamed"


def _aligned(utterance: Utterance, channel: Samples, align: Aligner | None) -> tuple[Word, ...]:
    if align is None:
        raise ValueError("its words have no times and there is no aligner")
    first = to_samples(utterance.start)
    last = len(channel) if utterance.end is None else to_samples(utterance.end)
    return shifted(align(channel[first:last], SAMPLE_RATE, utterance.text), first / SAMPLE_RATE)


def _clipped(word: Word, seconds: float) -> Word:
    """A word inside the audio: manifests round their times."""
    return word.model_copy(update={"start": max(word.start, 0.0), "end": min(word.end, round(seconds, 4))})
