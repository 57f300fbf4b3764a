"""Recordings of two people talking: a file of two channels a call, or one for each side, with transcripts or without.

    calls/monday.wav                                  two channels: the agent on the left, the user on the right
    calls/tuesday.agent.wav  calls/tuesday.user.wav   a file a side, `SIDES` lists more names; also after _ or -
    calls/monday.vtt, .json or .txt                   what is said in it, see `call_transcripts`

One channel with both speakers on it is refused: nothing here finds out who speaks when.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile  # type: ignore[import-untyped]

from ..audio import Samples, read
from ..layouts import AUDIO_SUFFIXES
from ..record import AGENT_CHANNEL, USER_CHANNEL
from .call_transcripts import SIDES, side_of, transcript_of, written
from .recordings import Recording, Rights, Unheard, Unreadable, Utterance, usable_rows, utterances_of

SIDE = re.compile(rf"^(?P<call>.+)[._-](?P<side>{'|'.join(SIDES)})$", re.IGNORECASE)


@dataclass(frozen=True)
class Call:
    """One call by its name: its file of two channels, or those of its sides by channel."""

    name: str
    files: dict[int | None, Path]  # None: of both sides

    def transcript(self, channel: int | None) -> Path | None:
        """What lies beside the file of a side, or under the call's own name."""
        if channel is None:
            whole = self.files.get(None, next(iter(self.files.values())).with_name(f"{Path(self.name).name}.wav"))
            return transcript_of(whole)
        return transcript_of(self.files[channel]) if channel in self.files else None


def recordings(source: Path, rights: Rights, swapped: bool = False) -> Iterator[Recording | Unreadable]:
    """Every call of a folder, by name. `swapped`: in files of two channels the agent is on the right.

    Raises ValueError where there is no sound file.
    """
    found = calls(source)
    if not found:
        raise ValueError(f"{source} is no folder with sound files ({', '.join(sorted(AUDIO_SUFFIXES))})")
    for call in found:
        try:
            yield _recording(call, rights, swapped)
        except ValueError as error:
            yield Unreadable(call.name, str(error))


def calls(source: Path) -> list[Call]:
    """The calls below a folder in order of their names."""
    found: dict[str, dict[int | None, Path]] = {}
    paths = sorted(path for path in source.rglob("*") if path.suffix.lower() in AUDIO_SUFFIXES)
    for path in paths:
        stem = path.relative_to(source).with_suffix("").as_posix()
        match = SIDE.match(stem)
        if match:
            found.setdefault(match["call"], {})[SIDES[match["side"].lower()]] = path
        else:
            found.setdefault(stem, {})[None] = path
    return [Call(name, files) for name, files in sorted(found.items())]


def _recording(call: Call, rights: Rights, swapped: bool) -> Recording:
    sound = _sound(call, swapped)
    rows, texts, bad = [], dict.fromkeys((AGENT_CHANNEL, USER_CHANNEL), ""), 0
    for channel in (None, AGENT_CHANNEL, USER_CHANNEL):
        path = call.transcript(channel)
        if path is None:
            continue
        said = written(path, channel)
        bad += len(said.words) - len(usable_rows(said.words))
        for side in texts:
            own = [word for word in said.words if side_of(word.speaker) == side]
            rows += utterances_of(own, side, "", rights.times)
            rows += [Utterance(side, "", cue.text, cue.start, cue.end) for cue in said.cues if cue.channel == side]
            texts[side] = " ".join(filter(None, [texts[side], said.texts.get(side, "")]))
        if channel is None and said.whole:  # a transcript of both sides leaves nothing to be heard
            return Recording(call.name, sound, tuple(rows), bad, _unheard(texts, {AGENT_CHANNEL, USER_CHANNEL}))
    known = {row.channel for row in rows}
    return Recording(call.name, sound, tuple(rows), bad, _unheard(texts, known))


def _unheard(texts: dict[int, str], known: set[int]) -> tuple[Unheard, ...]:
    """The channels of which no words with times are known, with what is said on them where that is written."""
    return tuple(Unheard(side, text or None) for side, text in texts.items() if text or side not in known)


def _sound(call: Call, swapped: bool) -> Callable[[], Samples]:
    """What reads a call. Raises ValueError for one that has not two sides, before anything is read."""
    if None in call.files:
        path = call.files[None]
        if len(call.files) > 1:
            raise ValueError(f"there is {path.name} and a file of one side: keep one of the two")
        channels = _channels(path)
        if channels != len(SIDES_BY_CHANNEL):
            raise ValueError(
                f"{path.name} has {channels} channel{'s' * (channels > 1)}, and who speaks when on one is not found "
                f"out (no diarisation): give two channels, or NAME.agent{path.suffix} and NAME.user{path.suffix}"
            )
        return lambda: read(path)[::-1].copy() if swapped else read(path)
    for channel, side in SIDES_BY_CHANNEL.items():
        if channel not in call.files:
            other = next(iter(call.files.values()))
            raise ValueError(f"{other.name} has no {call.name}.{side}{other.suffix} beside it")
    for path in call.files.values():
        if _channels(path) != 1:
            raise ValueError(f"{path.name} is the file of one side and has {_channels(path)} channels")
    return lambda: _side_by_side([read(call.files[channel])[0] for channel in SIDES_BY_CHANNEL])


SIDES_BY_CHANNEL = {AGENT_CHANNEL: "agent", USER_CHANNEL: "user"}


def _channels(path: Path) -> int:
    try:
        return int(soundfile.info(str(path)).channels)
    except (soundfile.LibsndfileError, OSError) as error:
        raise ValueError(f"cannot read {path} as audio: {error}") from None


def _side_by_side(sides: list[Samples]) -> Samples:
    """Sides `[T]` as `[2, T]`, the shorter one silent at its end."""
    longest = max(map(len, sides))
    return np.stack([np.pad(side, (0, longest - len(side))) for side in sides])
