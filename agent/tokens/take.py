"""The recordings of any corpus, one at a time: sound, words, and the dialogue's record where there is one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import soundfile  # type: ignore[import-untyped]

from corpus.audio import SAMPLE_RATE, Samples, has_sound, read
from corpus.interleave import TimedWord
from corpus.layouts import BadLine, Source, detect, items, read_words, training_and_validation
from corpus.manifest import IDENTITY, MAIN_SPEAKER, MANIFEST, USER_SPEAKER
from corpus.record import AGENT_CHANNEL, USER_CHANNEL, Dialogue
from corpus.store import Corpus


@dataclass(frozen=True)
class Take:
    """One two-channel recording, the agent on the left, and what is said in it."""

    id: str
    audio: Path
    words: tuple[TimedWord, ...]  # SPEAKER_MAIN's are the agent's, all others the user's
    dialogue: Dialogue | None = None  # of a corpus of ours
    claimed: float | None = None  # seconds, by a manifest of someone else's

    def seconds(self, resample: bool = False) -> float:
        """Length, by the file's header. Raises ValueError unless it has two channels at 24 kHz (or `resample`)."""
        try:
            info = soundfile.info(str(self.audio))
        except (soundfile.LibsndfileError, OSError) as error:
            raise ValueError(f"cannot read {self.audio} as audio: {error}") from None
        if info.channels != 2:
            raise ValueError(f"{self.audio} has {info.channels} channels: the agent's and the user's are wanted")
        if info.samplerate != SAMPLE_RATE and not resample:
            raise ValueError(
                f"{self.audio} is at {info.samplerate} Hz, tokens are made at {SAMPLE_RATE}: "
                "resample the corpus, or give --resample to have it done while reading"
            )
        return float(info.frames / info.samplerate)

    def read(self) -> Samples:
        """The sound, float32 `[2, T]` at 24 kHz. Raises ValueError if it cannot be read."""
        return read(self.audio)

    def is_silent(self) -> bool:
        """Whether neither channel holds any sound; reads up to the first. Raises ValueError if it cannot be read."""
        try:
            with soundfile.SoundFile(str(self.audio)) as file:
                return not has_sound(file)
        except (soundfile.LibsndfileError, OSError) as error:
            raise ValueError(f"cannot read {self.audio} as audio: {error}") from None

    def said(self, agent: bool) -> list[TimedWord]:
        """One side's words."""
        return [word for word in self.words if (word.speaker == MAIN_SPEAKER) == agent]

    @property
    def texts(self) -> tuple[str, str]:
        """What each side says, agent first."""
        agent, user = (" ".join(word.text.strip() for word in self.said(side)) for side in (True, False))
        return agent, user


def manifests(corpus: Path) -> tuple[Path, Path | None]:
    """What of a corpus is for training, and what for validation where two manifests are called so.

    A folder with `data.jsonl` is that, whatever lies beside it. Raises ValueError where there are several and names do
    not tell.
    """
    source = detect(corpus)
    if not corpus.is_dir() or not source.strays or source.manifest is None or source.manifest.name == MANIFEST:
        return corpus, None
    every = sorted((source.manifest, *source.strays))
    both = training_and_validation(every)
    if both is None or len(every) > 2:
        names = ", ".join(path.relative_to(corpus).as_posix() for path in every)
        raise ValueError(
            f"{corpus} holds {len(every)} manifests ({names}): name one, as in {every[0]}, or leave two that are "
            "called train.jsonl and eval.jsonl"
        )
    return both


def recordings(path: str | Path) -> Iterator[Take]:
    """Every recording of a corpus of ours, moshi-finetune's or J-Moshi's layout, in stored order, lazily.

    Raises ValueError where there is no corpus, and when a list of words or a line of a manifest is missing or broken.
    """
    source = detect(path)
    if (source.root / IDENTITY).is_file():
        yield from _ours(Corpus(source.root))
    else:
        yield from _foreign(source)


def _ours(corpus: Corpus) -> Iterator[Take]:
    """Words by their true times: the lists beside the recordings are spaced for moshi-finetune's interleaver."""
    for dialogue in corpus:
        words = [
            TimedWord(word.text, word.start, word.end, label)
            for channel, label in ((AGENT_CHANNEL, MAIN_SPEAKER), (USER_CHANNEL, USER_SPEAKER))
            for word in dialogue.words(channel)
        ]
        yield Take(dialogue.id, corpus.audio_path(dialogue), tuple(words), dialogue)


def _foreign(source: Source) -> Iterator[Take]:
    for item in items(source):
        if isinstance(item, BadLine):
            raise ValueError(f"{item.manifest}:{item.number} {item.why}")
        if not item.audio.is_file():
            raise ValueError(f"{item.audio} is missing; `synth lint {source.root}` lists all such faults")
        try:
            words = read_words(item, source.layout)
        except ValueError as error:
            raise ValueError(f"{item.audio}: {error}") from None
        yield Take(_id(item.audio, source.root), item.audio, tuple(words), claimed=item.duration)


def _id(audio: Path, root: Path) -> str:
    """The file's path in the corpus without its ending, the whole path for a file elsewhere."""
    stem = audio.with_suffix("")
    return (stem.relative_to(root) if stem.is_relative_to(root) else stem).as_posix()
