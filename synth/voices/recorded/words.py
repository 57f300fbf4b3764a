"""What every recording says and when, found once: the transcript given or heard by a recognizer, its words forced.

It is kept as JSON lines, one a recording, added as they are found: a run cut short goes on where it stopped.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from corpus.audio import SAMPLE_RATE, Samples, read_mono
from corpus.durable import disk_full_told
from corpus.record import Word

from ...alignment.align import align
from ...alignment.aligner import Aligner
from ...alignment.aligners import aligner_name, load_aligner
from .clips import PersonClip, read_clips
from .settings import RecordedSettings

FASTEST = 6.5  # words a second: above, a recognizer repeated itself

Recognise = Callable[[Samples], str]  # what is said in `[T]` at 24 kHz
Told = Callable[[int, int], None]  # recordings done, of how many


@dataclass(frozen=True)
class TimedClip:
    """What is kept of a recording: the words with their times (s), or why there are none."""

    path: str
    sha256: str
    words: tuple[Word, ...]
    heard: bool = False  # by a recognizer, not given
    why: str = ""
    aligner: str = ""  # who forced the words, by its content; "" for the English one that ships

    def line(self) -> str:
        """The line that is kept."""
        words = [[word.text, word.start, word.end, word.source] for word in self.words]
        row = {"path": self.path, "sha256": self.sha256, "heard": self.heard, "why": self.why, "words": words}
        row |= {"aligner": self.aligner} if self.aligner else {}
        return json.dumps(row, ensure_ascii=False) + "\n"


def prepare(
    settings: RecordedSettings,
    language: str,
    recognise: Recognise | None = None,
    told: Told = lambda done, of: None,
    aligner: str = "",
) -> int:
    """Time the words of all recordings that have not been timed yet, or by another aligner; returns how many were.

    Args:
        settings: where they are and where what is found is kept.
        language: ISO 639-1 code; without an aligner English words are forced, others get their share of the speech.
        recognise: hears what is said where there is no transcript.
        told: called after each.
        aligner: the name of one that knows the language, see `alignment.aligners`.

    Raises:
        ValueError: a recording cannot be read or says nothing known and there is no recognizer; the aligner cannot be
            had; the file cannot be written. DiskFullError: there is no room.
    """
    root, clips = read_clips(settings, language)
    known, by = kept(settings.kept), aligner_name(aligner)
    left = [clip for clip in clips if clip.path not in known or known[clip.path].aligner != by]
    mute = next((clip for clip in left if clip.text is None), None)
    if mute is not None and recognise is None:
        raise ValueError(
            f"{mute.path} has no transcript; write text in the manifest, CLIP.txt beside it, or users.whisper = "
            '"FOLDER", a faster-whisper model that hears it once'
        )
    if not left:
        return 0
    target, model = settings.kept, load_aligner(aligner, language) if aligner else None
    try:
        with disk_full_told(target.parent), target.open("a", encoding="utf-8") as stream:
            if stream.tell() and not target.read_bytes().endswith(b"\n"):
                stream.write("\n")  # the last run was killed while writing
            for number, clip in enumerate(left, 1):
                timed = replace(timed_clip(root, clip, language, recognise, model), aligner=by)
                stream.write(timed.line())
                stream.flush()
                told(number, len(left))
    except OSError as error:
        raise ValueError(f'cannot write {target}: {error.strerror}; write users.words = "FILE" in the recipe') from None
    return len(left)


def timed_clip(
    root: Path, clip: PersonClip, language: str, recognise: Recognise | None, aligner: Aligner | None = None
) -> TimedClip:
    """One recording with its words timed. Raises ValueError when it cannot be read."""
    path = root / clip.path
    samples = read_mono(path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    text, heard = clip.text, False
    if text is None:
        assert recognise is not None, "asked before"
        text, heard = " ".join(recognise(samples).split()), True
    tokens = [token for token in text.split() if any(map(str.isalnum, token))]
    if not tokens:
        return TimedClip(clip.path, digest, (), heard, "nothing is said")
    if heard and len(tokens) > FASTEST * len(samples) / SAMPLE_RATE:
        return TimedClip(clip.path, digest, (), heard, "the recognizer repeated itself")
    try:
        words = align(samples, SAMPLE_RATE, " ".join(tokens), None, language, aligner)
    except ValueError as error:
        return TimedClip(clip.path, digest, (), heard, str(error))
    if (aligner or language == "en") and any(word.source != "forced" for word in words):
        return TimedClip(clip.path, digest, (), heard, "its words do not fit the sound")
    return TimedClip(clip.path, digest, words, heard)


def kept(path: Path) -> dict[str, TimedClip]:
    """All that is kept in a file, by the recording's path; a line cut short by a kill is passed over."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"cannot read {path}: {error}") from None
    return {clip.path: clip for clip in _parsed(lines)}


def _parsed(lines: Sequence[str]) -> Iterable[TimedClip]:
    for line in lines:
        try:
            row = json.loads(line)
            words = tuple(
                Word(text=text, start=start, end=end, source=source) for text, start, end, source in row["words"]
            )
            yield TimedClip(row["path"], row["sha256"], words, row["heard"], row["why"], row.get("aligner", ""))
        except (ValueError, KeyError, TypeError):
            continue
