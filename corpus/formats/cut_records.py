"""A dialogue as Lhotse describes it: recordings, cuts, supervisions and word alignments, as plain JSON values.

A cut covers its whole recording from 0, so that times in the cut and in the recording are the same. An alignment item
is [symbol, start, duration, score].
"""

from __future__ import annotations

from pydantic import JsonValue

from ..audio import SAMPLE_RATE
from ..record import AudioFile, Dialogue, Turn

Json = dict[str, JsonValue]
SHAR_SOURCE = "shar"  # the type of a source whose audio lies in a tar archive beside the cuts


def recording(id: str, audio: AudioFile, source: str = "") -> Json:
    """The description of a recording; without a `source` path its audio is in a Shar archive."""
    return recording_of(id, len(audio.lufs), audio.sample_rate, audio.samples, source)


def recording_of(id: str, channels: int, rate: int, samples: int, source: str = "") -> Json:
    """The description of `samples` samples a channel at `rate` Hz."""
    numbers: list[JsonValue] = list(range(channels))
    return {
        "id": id,
        "sources": [{"type": "file" if source else SHAR_SOURCE, "channels": numbers, "source": source}],
        "sampling_rate": rate,
        "num_samples": samples,
        "duration": samples / rate,
        "channel_ids": numbers,
    }


def supervision(dialogue: Dialogue, turn: Turn) -> Json:
    """One spoken turn with its words. `speaker` is agent, user or another participant."""
    speaker = dialogue.speaker(turn.speaker)
    assert turn.start is not None, "a stored turn has been spoken"
    assert turn.end is not None, "a stored turn has been spoken"
    custom: Json = {
        "role": speaker.role,
        "event": turn.event,
        "act": turn.act,
        "word_sources": [word.source for word in turn.words],
    }
    if speaker.voice:
        custom["voice"] = speaker.voice.model_dump()
    return {
        "id": f"{dialogue.id}-{turn.index:03d}",
        "recording_id": dialogue.id,
        "start": turn.start,
        "duration": round(turn.end - turn.start, 4),
        "channel": speaker.channel,
        "text": turn.spoken_text,
        "language": dialogue.language,
        "speaker": speaker.id,
        "alignment": {
            "word": [[word.text, word.start, round(word.end - word.start, 4), None] for word in turn.words],
        },
        "custom": custom,
    }


def supervisions(dialogue: Dialogue) -> list[JsonValue]:
    """Every spoken turn, by start time."""
    spoken = [turn for turn in dialogue.turns if turn.words]
    return [supervision(dialogue, turn) for turn in sorted(spoken, key=lambda turn: turn.start or 0.0)]


def multi_cut(dialogue: Dialogue, source: str = "") -> Json:
    """The MultiCut of a whole dialogue."""
    assert dialogue.audio is not None, "only recorded dialogues are stored"
    assert dialogue.audio.sample_rate == SAMPLE_RATE, "every stored recording has one rate"
    return {
        "id": dialogue.id,
        "start": 0,
        "duration": dialogue.audio.duration,
        "channel": list(range(len(dialogue.audio.lufs))),
        "supervisions": supervisions(dialogue),
        "recording": recording(dialogue.id, dialogue.audio, source),
        "custom": {"recipe": dialogue.recipe, "timing": dialogue.timing, "topics": list(dialogue.topics)},
        "type": "MultiCut",
    }
