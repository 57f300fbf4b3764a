"""What lies beside a call: its words, in one of three forms, for one side or for both.

NAME.json   as moshi-finetune, J-Moshi or Whisper write them: {"alignments": [[word, [start, end], speaker], ...]},
            [{"word", "start", "end", "speaker"}, ...], {"segments": [{"text", "start", "end", "speaker", "words"}]}
NAME.vtt    WebVTT: cues with times; `<v agent>` says whose one is
NAME.txt    the words alone; of both sides a line a turn, `agent: How can I help?`

In a side's own file (NAME.agent.vtt) no speaker need be named. Speakers are called by `SIDES`.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..interleave import TimedWord
from ..manifest import MAIN_SPEAKER, USER_SPEAKER
from ..record import AGENT_CHANNEL, USER_CHANNEL

FORMS = (".json", ".vtt", ".txt")  # the first that is there is read
SIDES = {
    **dict.fromkeys(("agent", "operator", "assistant", "left"), AGENT_CHANNEL),
    **dict.fromkeys(("user", "caller", "customer", "client", "right"), USER_CHANNEL),
}
_LABELS = {**SIDES, MAIN_SPEAKER.lower(): AGENT_CHANNEL, USER_SPEAKER.lower(): USER_CHANNEL, "a": 0, "b": 1}
_TIME = r"(?:(\d+):)?(\d{1,2}):(\d{2})[.,](\d{3})"
_CUE = re.compile(rf"^\s*{_TIME}\s+-->\s+{_TIME}")
_VOICE = re.compile(r"<v(?:\.[^ >]*)?\s+([^>]+)>")
_TAG = re.compile(r"<[^>]*>")
_LINE = re.compile(r"^\s*([\w ]+?)\s*:\s*(.*)$")


@dataclass(frozen=True)
class Cue:
    """A stretch of speech (s) on a channel, its words without times."""

    channel: int
    text: str
    start: float
    end: float


@dataclass(frozen=True)
class Written:
    """A transcript: words with times, cues, and text without times by channel."""

    words: tuple[TimedWord, ...] = ()
    cues: tuple[Cue, ...] = ()
    texts: dict[int, str] = field(default_factory=dict)

    @property
    def whole(self) -> bool:
        """Whether anything is said in it."""
        return bool(self.words or self.cues or self.texts)


def transcript_of(sound: Path) -> Path | None:
    """The transcript beside a sound file, by its name."""
    return next((path for form in FORMS if (path := sound.with_suffix(form)).is_file()), None)


def side_of(speaker: str) -> int:
    """The channel of a speaker by what he is called. Raises ValueError for a name that says nothing of it."""
    channel = _LABELS.get(speaker.strip().lower())
    if channel is None:
        raise ValueError(f"a speaker is called {speaker!r}: call the two sides agent and user")
    return channel


def written(path: Path, channel: int | None) -> Written:
    """Read a transcript, of one side or (None) of both.

    Raises:
        ValueError: it is not of its form, or does not say who speaks.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"cannot read {path.name}: {error}") from None
    forms = {".json": _json, ".vtt": _vtt, ".txt": _txt}
    try:
        return forms[path.suffix](text, channel)
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise ValueError(f"{path.name}: {_why(error)}") from None


def _why(error: Exception) -> str:
    return f"{error} is missing" if isinstance(error, KeyError) else str(error)


def _whose(name: str | None, channel: int | None) -> int:
    if channel is not None:
        return channel
    if not name:
        raise ValueError("it does not say who speaks: name agent and user")
    return side_of(name)


def _json(text: str, channel: int | None) -> Written:
    data = json.loads(text)
    if isinstance(data, dict) and "segments" in data:
        return _segments(data["segments"], channel)
    rows = data["alignments"] if isinstance(data, dict) else data
    return Written(tuple(_word(*_row(row), channel) for row in rows))


def _row(row: Any) -> tuple[str, tuple[float, float], str | None]:
    """A word, its times and its speaker, of moshi-finetune's list or of a table."""
    if isinstance(row, list):
        text, times, speaker = row
        return text, times, speaker
    return row["word"], (row["start"], row["end"]), row.get("speaker")


def _segments(rows: list[dict[str, Any]], channel: int | None) -> Written:
    words: list[TimedWord] = []
    cues: list[Cue] = []
    for row in rows:
        timed = row.get("words") or []
        words += [_word(one["word"], (one["start"], one["end"]), row.get("speaker"), channel) for one in timed]
        if not timed:
            cues.append(_cue(_whose(row.get("speaker"), channel), row["text"], row["start"], row["end"]))
    return Written(tuple(words), tuple(cues))


def _word(text: str, times: tuple[float, float], speaker: str | None, channel: int | None) -> TimedWord:
    label = (MAIN_SPEAKER, USER_SPEAKER)[_whose(speaker, channel)]
    return TimedWord(text.strip(), float(times[0]), float(times[1]), label)


def _cue(channel: int, text: str, start: float, end: float) -> Cue:
    if not 0 <= float(start) < float(end):
        raise ValueError(f"{text!r} goes from {start} to {end} s")
    return Cue(channel, " ".join(text.split()), float(start), float(end))


def _vtt(text: str, channel: int | None) -> Written:
    cues = []
    for block in re.split(r"\n\s*\n", text.replace("\r\n", "\n")):
        lines = block.splitlines()
        at = next((number for number, line in enumerate(lines) if _CUE.match(line)), None)
        if at is None:
            continue
        match = _CUE.match(lines[at])
        assert match, "just found"
        said, voice = " ".join(lines[at + 1 :]), _VOICE.search(block)
        words = _TAG.sub("", said)
        if words.strip():
            cues.append(
                _cue(_whose(voice and voice[1], channel), words, _time(match.groups()[:4]), _time(match.groups()[4:]))
            )
    return Written(cues=tuple(cues))


def _time(parts: tuple[str | None, ...]) -> float:
    hours, minutes, seconds, thousandths = (int(part or 0) for part in parts)
    return 3600 * hours + 60 * minutes + seconds + thousandths / 1000


def _txt(text: str, channel: int | None) -> Written:
    if channel is not None:
        return Written(texts={channel: " ".join(text.split())} if text.strip() else {})
    texts: dict[int, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        match = _LINE.match(line)
        if match is None:
            raise ValueError(f"line {number} does not say who speaks: write `agent: ...` or `user: ...`")
        side = side_of(match[1])
        texts[side] = f"{texts.get(side, '')} {match[2]}".strip()
    return Written(texts=texts)
