"""Offline talk: several users' sound in, the agent's sound, words and hearing out, faster than real time.

    talks = converse(bundle, [RecordedUser(user) for user in users])
    talks[0].agent, talks[0].words(vocabulary)

All conversations run as one batch, frame by frame, so that a user may react to what the agent says. The answer to a
frame is heard one frame later, as it would be live: latencies measured on an `OfflineTalk` are those of the model and
its delays, without those of a sound card.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from codec.layers import streaming
from corpus.audio import FRAME_SAMPLES, FRAME_SECONDS, Samples
from corpus.interleave import TimedWord
from corpus.manifest import MAIN_SPEAKER, USER_SPEAKER

from ..files.talking_model import TalkingModel, WordPieces, check_voice, to_codec, user_codes
from ..hearing.stream import Hearing, fresh
from ..model.config import ModelConfig
from ..model.floor import SILENT, silent_after, voice_heard, waiting
from ..model.language_model import Frame
from ..model.sampling import Sampling
from ..model.streams import UNGENERATED
from .users import User

ROWS = 16  # conversations at once
LONGEST_WORD = 0.6  # s: words end where the next begins, at most so long after their start

Ids = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Prompt:
    """What the agent is made to have said first."""

    codes: Tensor  # int64 [agent codebooks, F]
    text: Tensor  # int64 [F]


@dataclass(frozen=True)
class OfflineTalk:
    """A conversation of F frames on one clock."""

    user: Samples  # float32 [1920 F]
    agent: Samples  # float32 [1920 F], its first frame silent
    text: Ids  # [F], the agent's text stream
    heard: Ids | None  # [F], the user's words as the model, or what hears for it, heard them, where they were said
    config: ModelConfig

    @property
    def seconds(self) -> float:
        """How long it lasted."""
        return len(self.text) * FRAME_SECONDS

    def words(self, vocabulary: WordPieces) -> list[TimedWord]:
        """What the agent said."""
        return stream_words(self.text, vocabulary)

    def user_words(self, vocabulary: WordPieces) -> list[TimedWord]:
        """What the model heard the user say; nothing for a model that has no stream for it."""
        return [] if self.heard is None else stream_words(self.heard, vocabulary, speaker=USER_SPEAKER)


def stream_words(
    tokens: Ids, vocabulary: WordPieces, offset: float = 0.0, speaker: str = MAIN_SPEAKER
) -> list[TimedWord]:
    """The words of `speaker`'s text stream `[F]`, which starts at `offset` seconds.

    A word starts with its first token. Where it ends the stream does not say: where the next one starts, at most 0.6 s
    after its start or with its last token.
    """
    groups: list[tuple[int, list[int]]] = []
    inside = False
    for frame, token in enumerate(tokens.tolist()):
        text = token >= 0 and vocabulary.piece(token) != ""
        if text and inside and not vocabulary.begins_word(token):
            groups[-1][1].append(token)
        elif text:
            groups.append((frame, [token]))
        inside = text
    times = [frame * FRAME_SECONDS + offset for frame, _ in groups]
    ends = [*times[1:], float("inf")][: len(times)]
    words = []
    for (_, ids), start, following in zip(groups, times, ends, strict=True):
        end = min(following, start + max(LONGEST_WORD, len(ids) * FRAME_SECONDS))
        text = vocabulary.decode(ids).strip()
        if text:
            words.append(TimedWord(text, round(start, 4), round(end, 4), speaker))
    return words


def converse(
    bundle: TalkingModel,
    users: Sequence[User],
    *,
    prompts: Sequence[Prompt | None] | None = None,
    seeds: Sequence[int] | None = None,
    sampling: Sampling | None = None,
    rows: int = ROWS,
    progress: Callable[[int], None] = lambda _: None,
) -> list[OfflineTalk]:
    """Let every user talk to the agent.

    Args:
        bundle: model, codec and vocabulary that fit each other.
        users: one per conversation; they are used up.
        prompts: what each agent says first, on the users' clock; None for nothing.
        seeds: of the sampling noise; 0, 1, ... if None.
        sampling: of all; Moshi's if None.
        rows: most conversations in one batch.
        progress: called with the number of frames that all batches together have computed.

    Raises:
        ValueError: the model has no voice, or the codec is not its own.
    """
    check_voice(bundle)
    prompts = list(prompts) if prompts is not None else [None] * len(users)
    seeds = list(seeds) if seeds is not None else list(range(len(users)))
    talks: list[OfflineTalk] = []
    done = 0
    size = -(-len(users) // max(-(-len(users) // rows), 1))  # batches alike in size
    for first in range(0, len(users), max(size, 1)):
        part = slice(first, first + size)
        batch = _Batch(bundle, users[part], prompts[part], seeds[part], sampling or Sampling())
        while batch.step():
            done += batch.size
            progress(done)
        talks += batch.talks()
    return talks


class _Row:
    """One conversation as it grows."""

    def __init__(self, user: User, prompt: Prompt | None, hearing: Hearing | None) -> None:
        self.user, self.prompt = user, prompt
        self.ear = fresh(hearing)
        self.said: list[Samples] = []
        self.answers: list[Samples] = [np.zeros(FRAME_SAMPLES, np.float32)]
        self.text: list[int] = []
        self.heard: list[int] = []
        self.silent = SILENT

    def talk(self, config: ModelConfig) -> OfflineTalk:
        """What was said until the user left."""
        frames = len(self.said)
        empty = np.zeros(0, np.float32)
        heard = None
        if config.ours.user_text_delay is not None:
            shifted = self.heard[max(config.ours.user_text_delay - 1, 0) :]
            heard = np.array((shifted + [config.pad] * frames)[:frames], dtype=np.int64)
        return OfflineTalk(
            np.concatenate([empty, *self.said]),
            np.concatenate([empty, *self.answers[:frames]]),
            np.array(([config.pad, *self.text])[:frames], dtype=np.int64),
            heard,
            config,
        )


class _Batch:
    """Conversations that start together; one that is over leaves the batch."""

    def __init__(
        self,
        bundle: TalkingModel,
        users: Sequence[User],
        prompts: Sequence[Prompt | None],
        seeds: Sequence[int],
        sampling: Sampling,
    ) -> None:
        self.bundle, self.model, self.codec, self.sampling = bundle, bundle.model, bundle.codec, sampling
        self.rows = [_Row(user, prompt, bundle.hearing) for user, prompt in zip(users, prompts, strict=True)]
        self.live = list(range(len(self.rows)))
        self.states = (self.model.init_state(len(users), seeds), self.codec.init_state(len(users)))
        self.frame = 0

    @property
    def size(self) -> int:
        """Conversations that go on."""
        return len(self.live)

    def talks(self) -> list[OfflineTalk]:
        """All conversations."""
        return [row.talk(self.model.config) for row in self.rows]

    @torch.inference_mode()
    def step(self) -> bool:
        """Move all on by a frame; False when none is left."""
        wave = self._hear()
        if wave is None:
            return False
        config, device, (state, codec) = self.model.config, self.model.device, self.states
        user, codec = user_codes(self.codec, config, wave, codec)
        forced = torch.stack([prompted(self.rows[i].prompt, self.frame, config) for i in self.live])
        heard = self._listen()
        bias = None if heard is None else self._waiting(heard)
        frame, state = self.model.step(
            user.to(device), state, self.sampling, forced=forced.to(device), text_bias=bias, heard=heard
        )
        if bool(frame.ready.all()):
            sound, codec = self.codec.decode_frame(frame.tokens[:, 1:, None].to(wave.device), codec)
        else:
            sound = torch.zeros_like(wave)
        self._say(frame, sound)
        self.states, self.frame = (state, codec), self.frame + 1
        return True

    def _hear(self) -> Tensor | None:
        """The users' next frames `[B, 1, 1920]`; who has none left leaves."""
        replies = {i: self.rows[i].user.reply(self.rows[i].answers[-1]) for i in self.live}
        staying = [place for place, i in enumerate(self.live) if replies[i] is not None]
        if not staying:
            self.live = []
            return None
        if len(staying) < len(self.live):
            self.live = [self.live[place] for place in staying]
            model, codec = self.states
            kept = torch.tensor(staying)
            self.states = (streaming.select(model, kept), streaming.select(codec, kept))
        frames = []
        for i in self.live:
            frame = replies[i]
            assert frame is not None
            self.rows[i].said.append(frame)
            frames.append(frame)
        return to_codec(self.bundle, np.stack(frames))

    def _listen(self) -> Tensor | None:
        """What a hearing makes of the users' frames, tokens int64 `[B]`; None where the model listens for itself."""
        hearing, tokens = self.bundle.hearing, []
        if hearing is None:
            return None
        for row in (self.rows[i] for i in self.live):
            token, row.ear = hearing.step(row.said[-1], row.ear)
            tokens.append(token)
        return torch.tensor(tokens, device=self.model.device)

    def _waiting(self, heard: Tensor) -> Tensor:
        """What is added to the text logits `[B, ids]` where a voice is heard."""
        config = self.model.config
        bias = torch.zeros(len(heard), config.text_out, device=heard.device)
        for place, (i, token) in enumerate(zip(self.live, heard.tolist(), strict=True)):
            if voice_heard(token, config):
                bias[place, config.pad] = waiting(self.rows[i].silent, config)
        return bias

    def _say(self, frame: Frame, sound: Tensor) -> None:
        text, answers = frame.tokens[:, 0].tolist(), sound[:, 0].cpu().numpy()
        heard = None if frame.user_text is None else frame.user_text.tolist()
        for place, i in enumerate(self.live):
            row = self.rows[i]
            row.answers.append(answers[place])
            row.silent = silent_after(row.silent, int(frame.text[place]), self.model.config)
            row.text.append(text[place] if text[place] >= 0 else self.model.config.pad)
            if heard is not None:
                row.heard.append(heard[place])


def prompted(prompt: Prompt | None, call: int, config: ModelConfig) -> Tensor:
    """The tokens int64 `[1 + agent codebooks]` that a prompt forces at a step, -2 where it forces none.

    The frame heard at call s is, to the model, the one before the frame it speaks at call s: so the prompt's frame
    s + 1 - delay is spoken then, and its first one never.
    """
    forced = torch.full((1 + config.agent_codebooks,), UNGENERATED)
    if prompt is None:
        return forced
    frames = len(prompt.text)
    for stream in range(1 + config.agent_codebooks):
        at = call + 1 - config.delays[stream]
        if 0 < at < frames:
            forced[stream] = prompt.text[at] if stream == 0 else prompt.codes[stream - 1, at]
    return forced
