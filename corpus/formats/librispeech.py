"""LibriSpeech and folders like it: AUDIO.flac (or .wav) files and *.trans.txt transcripts, `AUDIO the words said`.

The reader is whatever stands before the first hyphen of the name. Each utterance is one dialogue of a single turn.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ..record import AGENT_CHANNEL
from .recordings import Recording, Rights, Unreadable, Utterance, file_audio

TRANSCRIPTS = "*.trans.txt"
SUFFIXES = (".flac", ".wav", ".ogg", ".opus", ".mp3")


def recordings(source: Path, rights: Rights) -> Iterator[Recording | Unreadable]:
    """Every utterance, transcript by transcript. Raises ValueError where there is no transcript."""
    transcripts = sorted(source.rglob(TRANSCRIPTS)) if source.is_dir() else []
    if not transcripts:
        raise ValueError(f"{source} is no folder with {TRANSCRIPTS} files")
    for transcript in transcripts:
        for line in transcript.read_text(encoding="utf-8-sig").splitlines():
            name, _, text = line.strip().partition(" ")
            if name:
                yield _recording(transcript.parent, name, text.strip())


def _recording(folder: Path, name: str, text: str) -> Recording | Unreadable:
    path = next((folder / (name + suffix) for suffix in SUFFIXES if (folder / (name + suffix)).is_file()), None)
    if path is None:
        return Unreadable(name, f"no sound file of this name in {folder}")
    if not text:
        return Unreadable(name, "its transcript is empty")
    said = text.lower() if text.isupper() else text  # LibriSpeech shouts
    return Recording(name, file_audio(path), (Utterance(AGENT_CHANNEL, name.split("-")[0], said, 0.0),))
