"""Reading a text aloud with a full-duplex model: its text stream is forced, word by word, when the model wants a word.

A word begins where the model would begin one: at its own EPAD or word, or after a pause as long as is fit. Meanwhile
the user's side is a quiet room. A model trained for it reads; any other says what it makes of the forced text.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from corpus.audio import FRAME_SAMPLES, FRAME_SECONDS, Samples
from corpus.interleave import TimedWord

from ..files.talking_model import TalkingModel, check_voice, to_codec
from ..live.batch import Batch
from ..live.controls import Controls
from ..live.frame_out import FrameOut
from ..live.runtime import Runtime
from ..live.stepper import RowOrder
from ..model.sampling import Sampling
from .converse import Prompt, prompted, stream_words
from .users import is_speech

SENTENCE_PAUSE, WORD_PAUSE = 12, 8  # most frames of PAD after a sentence, and after any other word's start
SILENT_END = 5  # frames of silence after which a text is over
LONGEST_END = 38  # frames after the last token until it is over in any case
LONGEST_VOICE = 10.0  # s of a voice prompt that are used
VOICE_GAP = 5  # frames of silence between a voice prompt and the text
ROOM_DBFS = -65.0


@dataclass(frozen=True)
class Reading:
    """A text read aloud."""

    audio: Samples  # float32 [1920 F]
    words: tuple[TimedWord, ...]  # by the text stream


class ReadingScript:
    """The text tokens of a reading, decided frame by frame."""

    def __init__(self, words: Sequence[tuple[Sequence[int], bool]], pad: int, end_pad: int) -> None:
        """Take each word's token ids and whether it ends a sentence."""
        self._words, self._pad, self._end_pad = deque(words), pad, end_pad
        self._tokens: deque[int] = deque()
        self._since = 0  # frames since the last word began
        self._patience = 0  # frames until the next word begins at the latest
        self._announced = False  # by EPAD

    @property
    def over(self) -> bool:
        """Whether every token has been said."""
        return not self._tokens and not self._words

    def next(self, wish: int) -> int:
        """This frame's token, when the model itself would say `wish`."""
        self._since += 1
        if not self._tokens and self._words:
            begins = self._announced or wish not in (self._pad, self._end_pad)
            if not begins and (wish == self._end_pad or self._since >= self._patience):
                self._announced = True
                return self._end_pad
            if begins:
                tokens, sentence = self._words.popleft()
                self._tokens.extend(tokens)
                self._since, self._patience = 0, SENTENCE_PAUSE if sentence else WORD_PAUSE
                self._announced = False
        return self._tokens.popleft() if self._tokens else self._pad


def say(
    bundle: TalkingModel,
    text: str,
    *,
    voice: Samples | None = None,
    sampling: Sampling | None = None,
    seed: int = 0,
    runtime: Runtime = "torch",
) -> Reading:
    """Read a text aloud.

    Args:
        bundle: model, codec, vocabulary.
        text: plain words; numbers are read as the model was taught to.
        voice: float32 `[T]` at 24 kHz that the agent is made to have said before; its last 10 s are used.
        sampling: Moshi's if None.
        seed: of the sampling noise.
        runtime: "fast" is several times as fast on a CPU, in 8 bits; "torch" takes the model as it is.

    Raises:
        ValueError: nothing to say, or the model has no voice, or only its own.
    """
    check_voice(bundle)
    model, vocabulary = bundle.model, bundle.vocabulary
    words = [(ids, word[-1] in ".?!") for word in text.split() if (ids := vocabulary.encode(word))]
    if not words:
        raise ValueError("there is nothing to say: give some words")
    script = ReadingScript(words, model.config.pad, model.config.end_pad)
    batch = Batch(bundle, 1, runtime)
    return _Reader(batch, sampling or Sampling(), seed, voice_prompt(bundle, voice)).read(script)


def voice_prompt(bundle: TalkingModel, voice: Samples | None) -> Prompt | None:
    """A reference voice as what the agent has said, in silence about its words."""
    if voice is None:
        return None
    if not bundle.model.config.ours.hears_itself:
        raise ValueError("this model has one voice and does not hear another: leave out --voice")
    whole = len(voice[-int(LONGEST_VOICE / FRAME_SECONDS) * FRAME_SAMPLES :]) // FRAME_SAMPLES
    if not whole:
        raise ValueError("the reference voice is shorter than a frame of 80 ms")
    quiet = _room(np.random.default_rng(0), VOICE_GAP)
    sound = to_codec(bundle, np.concatenate([voice[-whole * FRAME_SAMPLES :], quiet]))
    config = bundle.model.config
    codes = bundle.codec.encode(sound)[0, : config.agent_codebooks].cpu()
    return Prompt(codes, torch.full((codes.shape[1],), config.pad))


class _Reader:
    """A model at work on a script."""

    def __init__(self, batch: Batch, sampling: Sampling, seed: int, prompt: Prompt | None) -> None:
        self.batch, self.sampling, self.prompt = batch, sampling, prompt
        self.config = batch.bundle.model.config
        self.slot = batch.open(Controls(seed=seed))
        self.first = 0 if prompt is None else len(prompt.text) - 1  # call that is free
        self.late = max(self.config.delays)
        self.room = np.random.default_rng(seed)

    def read(self, script: ReadingScript) -> Reading:
        sounds: list[Samples] = []
        tokens: list[int] = []
        ending = silent = call = 0
        while ending < LONGEST_END + self.late and not (ending > self.late and silent >= SILENT_END):
            out = self._step(call, script)
            ending += script.over and call > self.first
            call += 1
            if out.ready and call > self.first + self.late:
                sounds.append(out.audio)
                tokens.append(int(out.tokens[0]))
                silent = 0 if is_speech(out.audio) else silent + 1
        words = stream_words(np.array(tokens, dtype=np.int64), self.batch.bundle.vocabulary)
        return Reading(np.concatenate(sounds), tuple(words))

    def _step(self, call: int, script: ReadingScript) -> FrameOut:
        """One call: a quiet room is heard, the script gives the words once the prompt is over."""
        forced = prompted(self.prompt, call, self.config)
        order = RowOrder(self.sampling, forced=forced, word=script.next if call >= self.first else None)
        return self.batch.step({self.slot: _room(self.room, 1)}, {self.slot: order})[self.slot]


def _room(rng: np.random.Generator, frames: int) -> Samples:
    """The noise floor of a quiet room, float32 `[1920 frames]`."""
    return (10 ** (ROOM_DBFS / 20) * rng.standard_normal(frames * FRAME_SAMPLES)).astype(np.float32)
