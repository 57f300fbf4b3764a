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
from torch import Tensor

from corpus.audio import FRAME_SAMPLES, FRAME_SECONDS, Samples
from corpus.interleave import TimedWord

from ..model.config import ModelConfig
from ..model.language_model import TemporalStep
from ..model.sampling import TEXT_DRAW, Sampling, choose, gumbel
from .converse import Bundle, Prompt, check_voice, prompted, stream_words, to_codec
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
    bundle: Bundle, text: str, *, voice: Samples | None = None, sampling: Sampling | None = None, seed: int = 0
) -> Reading:
    """Read a text aloud.

    Args:
        bundle: model, codec, vocabulary.
        text: plain words; numbers are read as the model was taught to.
        voice: float32 `[T]` at 24 kHz that the agent is made to have said before; its last 10 s are used.
        sampling: Moshi's if None.
        seed: of the sampling noise.

    Raises:
        ValueError: nothing to say, or the model has no voice, or only its own.
    """
    check_voice(bundle)
    model, vocabulary = bundle.model, bundle.vocabulary
    words = [(ids, word[-1] in ".?!") for word in text.split() if (ids := vocabulary.encode(word))]
    if not words:
        raise ValueError("there is nothing to say: give some words")
    script = ReadingScript(words, model.config.pad, model.config.end_pad)
    return _Reader(bundle, sampling or Sampling(), seed, voice_prompt(bundle, voice)).read(script)


def voice_prompt(bundle: Bundle, voice: Samples | None) -> Prompt | None:
    """A reference voice as what the agent has said, in silence about its words."""
    if voice is None:
        return None
    if not bundle.model.config.hears_itself:
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

    def __init__(self, bundle: Bundle, sampling: Sampling, seed: int, prompt: Prompt | None) -> None:
        self.bundle, self.sampling, self.prompt = bundle, sampling, prompt
        self.state, self.codec = bundle.model.init_state(1, [seed]), bundle.codec.init_state(1)
        self.first = 0 if prompt is None else len(prompt.text) - 1  # call that is free
        self.late = max(bundle.model.config.delays)
        self.room = np.random.default_rng(seed)

    def read(self, script: ReadingScript) -> Reading:
        sounds: list[Samples] = []
        tokens: list[int] = []
        ending = silent = call = 0
        while ending < LONGEST_END + self.late and not (ending > self.late and silent >= SILENT_END):
            sound, token = self._step(call, script)
            ending += script.over and call > self.first
            call += 1
            if sound is not None and call > self.first + self.late:
                sounds.append(sound)
                tokens.append(token)
                silent = 0 if is_speech(sound) else silent + 1
        words = stream_words(np.array(tokens, dtype=np.int64), self.bundle.vocabulary)
        return Reading(np.concatenate(sounds), tuple(words))

    def _step(self, call: int, script: ReadingScript) -> tuple[Samples | None, int]:
        """The sound and text token of the frame that this call completes; None for no sound yet."""
        model, config = self.bundle.model, self.bundle.model.config
        thought, self.state = model.think(self._user(config), self.state)
        forced = prompted(self.prompt, call, config)[None].to(model.device)
        if call >= self.first:
            token = script.next(self._wish(thought))
            forced[0, 0] = token
        frame, self.state = model.speak(thought, forced[:, 0], self.state, self.sampling, forced=forced)
        if not bool(frame.ready):
            return None, config.pad
        sound, self.codec = self.bundle.codec.decode_frame(frame.tokens[:, 1:, None], self.codec)
        return sound[0, 0].cpu().numpy(), int(frame.tokens[0, 0])

    def _user(self, config: ModelConfig) -> Tensor:
        """The codes of a quiet room, for a model that hears anything."""
        model = self.bundle.model
        if not config.user_codebooks:
            return torch.zeros(1, 0, dtype=torch.int64, device=model.device)
        quiet = to_codec(self.bundle, _room(self.room, 1))
        codes, self.codec = self.bundle.codec.encode_frame(quiet, self.codec)
        user: Tensor = codes[:, : config.user_codebooks, 0].to(model.device)
        return user

    def _wish(self, thought: TemporalStep) -> int:
        """The text token that the model would say."""
        s, seed, frame = self.sampling, self.state.seed, self.state.tokens.frame
        draws, card = range(TEXT_DRAW, TEXT_DRAW + 1), thought.text_logits.shape[-1]
        noise = gumbel(seed, frame, draws, s.text_temperature, s.text_top_k, card)
        return int(choose(thought.text_logits, s.text_temperature, s.text_top_k, noise[0]))


def _room(rng: np.random.Generator, frames: int) -> Samples:
    """The noise floor of a quiet room, float32 `[1920 frames]`."""
    return (10 ** (ROOM_DBFS / 20) * rng.standard_normal(frames * FRAME_SAMPLES)).astype(np.float32)
