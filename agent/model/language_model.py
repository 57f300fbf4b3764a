"""The full-duplex model: text, agent and user streams in, the next frame of them out.

    model = agent.load_model("folder")
    out = model(codes)                                   # [B, K, T]: out.logits, .text_logits, .mask, .text_mask
    state = model.init_state(batch=2, seeds=[1, 2])
    frame, state = model.step(user, state)               # user [B, 8] codes -> frame.tokens [B, 1 + 8]

State is a value with one economy: states that follow each other share the memory of their keys and values. An older
state stays good for the last 64 frames, to take steps back; for two futures of one state, or to keep it for longer,
take `codec.layers.streaming.copy(state)` first. `codec.layers.streaming` also stacks, selects, saves and loads states.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from . import streams
from .columns import column_in, column_out, user_words
from .conditioning import Conditions
from .config import ModelConfig
from .predictor import Predictor
from .sampling import AUDIO_DRAW, TEXT_DRAW, USER_TEXT_DRAW, Sampling, choose, gumbel
from .streams import UNGENERATED, Layout, TokenState
from .temporal import TemporalState


@dataclass(frozen=True)
class ModelState:
    """One batch of running conversations."""

    tokens: TokenState
    temporal: TemporalState
    seed: Tensor  # int64 [B], of the sampling noise
    total: Tensor  # [B, 1, D], sum of conditions, zeros if none


@dataclass(frozen=True)
class TemporalStep:
    """The temporal half of a step."""

    hidden: Tensor  # [B, D]
    text_logits: Tensor  # [B, text_card]
    user_text_logits: Tensor | None  # [B, text_card]
    executing: Tensor  # bool [B]


@dataclass(frozen=True)
class Frame:
    """The result of a step. Sampled rows are about this call's frame, less their delay."""

    tokens: Tensor  # int64 [B, 1 + agent codebooks], delays undone: the frame `max delay` calls ago; -2 if none yet
    ready: Tensor  # bool [B], where `tokens` is a frame
    text: Tensor  # int64 [B], sampled now
    audio: Tensor  # int64 [B, codebooks], sampled now
    user_text: Tensor | None  # int64 [B], written now: sampled, or what was `heard`
    thought: TemporalStep
    audio_logits: Tensor | None  # [B, codebooks, card]


class LanguageModel(Predictor):
    """Moshi's model, offline and live; `LanguageModel(config)` has fresh weights."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        self.layout: Layout | None = None  # of the device last used

    @torch.inference_mode()
    def init_state(
        self, batch: int = 1, seeds: Sequence[int] | None = None, conditions: Conditions | None = None
    ) -> ModelState:
        """The state of `batch` conversations before their first frame.

        Args:
            batch: conversations.
            seeds: of the sampling noise, one per conversation; their numbers 0, 1, ... if None.
            conditions: from `conditions`.
        """
        if seeds is not None and len(seeds) != batch:
            raise ValueError(f"{batch} conversations need {batch} seeds, got {len(seeds)}")
        conditions = conditions or self.conditions(batch)
        like = self.embed(streams.initial_tokens(self.config, self.device))
        crossed = None if conditions.crossed is None else conditions.crossed.to(like.dtype)
        total = like.new_zeros(batch, 1, like.shape[-1])
        return ModelState(
            streams.init_tokens(self.config, batch, self.device),
            self.temporal.init_state(batch, like, crossed),
            torch.tensor(list(range(batch) if seeds is None else seeds), device=self.device),
            total if conditions.total is None else conditions.total.to(like.dtype),
        )

    @torch.inference_mode()
    def reset(self, state: ModelState, rows: Tensor, seeds: Sequence[int] | None = None) -> ModelState:
        """Start the conversations marked in `rows` (bool `[B]`) anew, conditions kept; the others go on.

        `seeds` replaces the noise seeds of the marked conversations, in order.
        """
        batch = len(state.seed)
        if rows.dtype != torch.bool or rows.shape != (batch,):
            raise ValueError(f"rows must be bool [{batch}], got {rows.dtype} {list(rows.shape)}")
        keep, seed = ~rows.to(self.device), state.seed.clone()
        if seeds is not None:
            seed[~keep] = torch.tensor(list(seeds), device=self.device)
        ring = torch.where(keep[:, None, None], state.tokens.ring, UNGENERATED)
        return replace(
            state,
            tokens=TokenState(state.tokens.frame * keep, ring),
            temporal=replace(state.temporal, position=state.temporal.position * keep),
            seed=seed,
        )

    @torch.inference_mode()
    def step(
        self,
        user: Tensor | None,
        state: ModelState,
        sampling: Sampling | None = None,
        *,
        forced: Tensor | None = None,
        hint: Tensor | None = None,
        executing: Tensor | None = None,
        text_bias: Tensor | None = None,
        word: Callable[[Tensor], Tensor] | None = None,
        heard: Tensor | None = None,
    ) -> tuple[Frame, ModelState]:
        """Hear the user's frame, say the agent's.

        Args:
            user: codes int64 `[B, user codebooks]` just heard; None lets a model of both sides speak for the user too.
            state: of this model; see the module's docstring on what stays good.
            sampling: Moshi's defaults if None; `sampling.GREEDY` takes the likeliest.
            forced: int64 `[B, 1 + codebooks]`, text then audio to take instead of sampling, -2 where to sample.
            hint: int64 `[B]`, a text token suggested for this frame, -1 for none.
            executing: bool `[B]`, conversations that move on; the others are left as they are. None is all.
            text_bias: added to the text logits, `[text_card]` or `[B, text_card]`: e.g. to wait longer, or to speak.
            word: gives the text tokens int64 `[B]` to say, of those that the model chose freely.
            heard: int64 `[B]`, tokens of the user's text to write in place of those sampled, -2 where the model
                listens for itself.

        Raises:
            ValueError: user codes of another shape, or a hint or words heard for a model that has no stream for them.
        """
        sampling = sampling or Sampling()
        thought, state = self.think(user, state, hint=hint, executing=executing)
        if text_bias is not None:
            thought = replace(thought, text_logits=thought.text_logits + text_bias)
        text = self._choose_text(thought.text_logits, sampling.text_temperature, sampling, state, TEXT_DRAW)
        if forced is not None or word is not None:
            text = _said(text, forced, word)
        return self.speak(thought, text, state, sampling, forced=forced, both=user is None, heard=heard)

    @torch.inference_mode()
    def think(
        self,
        user: Tensor | None,
        state: ModelState,
        *,
        hint: Tensor | None = None,
        executing: Tensor | None = None,
        fixed: bool = False,
    ) -> tuple[TemporalStep, ModelState]:
        """The first half of `step`, up to the text logits: choose a text token, then call `speak`.

        `fixed` reads nothing of the state on the host, so that a graph of it can be kept.
        """
        if executing is None:
            executing = torch.ones(len(state.seed), dtype=torch.bool, device=self.device)
        column, tokens = column_in(self.config, self.layout_here(), state.tokens, executing, user, hint)
        x, temporal = self.temporal.step(self.embed(column[:, :, None], state.total), state.temporal, executing, fixed)
        z = self.out_norm(x)[:, 0]
        user_logits = None
        if self.user_text_out is not None:
            text_logits, user_logits = self.text_linear(torch.stack([z, self.user_text_out(z)])).unbind()
        else:
            text_logits = self.text_linear(z)
        return TemporalStep(z, text_logits, user_logits, executing), replace(state, tokens=tokens, temporal=temporal)

    @torch.inference_mode()
    def speak(
        self,
        thought: TemporalStep,
        text: Tensor,
        state: ModelState,
        sampling: Sampling,
        *,
        forced: Tensor | None = None,
        both: bool = False,
        heard: Tensor | None = None,
    ) -> tuple[Frame, ModelState]:
        """The second half of `step`: the text token int64 `[B]` is said; `both` predicts the user's codebooks too."""
        config = self.config
        count = config.dep_q if both else config.agent_codebooks
        audio, logits = self._codebooks(thought.hidden, text, count, state, sampling, forced)
        user_text = None
        if thought.user_text_logits is not None:
            temperature = sampling.user_text_temperature
            user_text = self._choose_text(thought.user_text_logits, temperature, sampling, state, USER_TEXT_DRAW)
        user_text = user_words(user_text, heard)
        said = torch.cat([text[:, None], audio], dim=1)
        column, tokens = column_out(config, self.layout_here(), state.tokens, thought.executing, said, user_text)
        frame = Frame(column.tokens, column.ready, text, audio, user_text, thought, logits)
        return frame, replace(state, tokens=tokens)

    def _choose_text(
        self, logits: Tensor, temperature: float | Tensor, sampling: Sampling, state: ModelState, draw: int
    ) -> Tensor:
        draws, top_k = range(draw, draw + 1), sampling.text_top_k
        noise = gumbel(state.seed, state.tokens.frame, draws, temperature, top_k, logits.shape[-1])
        return choose(logits, temperature, top_k, noise[0])

    def _codebooks(
        self, z: Tensor, text: Tensor, count: int, state: ModelState, sampling: Sampling, forced: Tensor | None
    ) -> tuple[Tensor, Tensor | None]:
        """Codes int64 `[B, count]` one after another, and their logits."""
        if self.depth is None:
            return text.new_empty(len(text), 0), None
        temperature, top_k = sampling.audio_temperature, sampling.audio_top_k
        draws = range(AUDIO_DRAW, AUDIO_DRAW + count)
        noise = gumbel(state.seed, state.tokens.frame, draws, temperature, top_k, self.config.card)
        token, codes, logits = text, [], []
        memory = self.depth.memory(z)
        for step in range(count):
            logit = self.depth.step(step, z, token, memory)
            token = choose(logit, temperature, top_k, noise[step])
            if forced is not None and forced.shape[1] > 1 + step:
                token = torch.where(forced[:, 1 + step] == UNGENERATED, token, forced[:, 1 + step])
            codes.append(token)
            logits.append(logit)
        return torch.stack(codes, dim=1), torch.stack(logits, dim=1)

    def layout_here(self) -> Layout:
        """The rows of the codes as tensors on the model's device."""
        if self.layout is None or self.layout.delays.device != self.device:
            self.layout = Layout.of(self.config, self.device)
        return self.layout


def _said(text: Tensor, forced: Tensor | None, word: Callable[[Tensor], Tensor] | None) -> Tensor:
    """The text tokens `[B]` to say where the model would say `text`."""
    free = torch.ones_like(text, dtype=torch.bool) if forced is None else forced[:, 0] == UNGENERATED
    if word is not None and bool(free.any()):
        text = torch.where(free, word(text), text)
    return text if forced is None else torch.where(free, text, forced[:, 0])
