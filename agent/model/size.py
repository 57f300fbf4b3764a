"""The size of a model to train: a preset and what departs from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, cast

from pydantic import Field, model_validator

from corpus.strict import Strict

from .config import DepthConfig, ModelConfig, Ours, TransformerConfig
from .presets import PRESETS, acoustic_delays

Size = Annotated[int, Field(ge=1)]
Rank = Annotated[int, Field(ge=0)]


class ModelSize(Strict):
    """Settings of a recipe's `[model]` table; None keeps the preset's."""

    preset: str = "laptop"
    dim: Size | None = None  # of the temporal transformer, as all without "depth"
    layers: Size | None = None
    heads: Size | None = None
    feedforward: Size | None = None  # Moshi's dim_feedforward; 4 dim if dim is given
    context: Size | None = None  # frames
    depth_dim: Size | None = None
    depth_layers: Size | None = None
    depth_heads: Size | None = None
    depth_feedforward: Size | None = None  # 4 depth_dim if that is given
    depth_sets: Size | None = None  # sets of weights per side; the last serves all further codebooks
    depth_rank: Rank | None = None  # of the depth transformer's embeddings, 0 for full ones
    embedding_rank: Rank | None = None  # of the temporal transformer's audio embeddings, 0 for full ones
    acoustic_delay: Rank | None = None  # frames
    both_sides: bool | None = None  # whether the user's codebooks are predicted too
    # frames by which the user's words are transcribed; -1 for no such stream
    user_text_delay: Annotated[int, Field(ge=-1)] | None = None
    hint: bool | None = None
    hears_itself: bool | None = None  # whether the agent's own codes are read, or its words alone
    hears_user: bool | None = None  # the same of the user's
    lets_finish: Annotated[float, Field(ge=0)] | None = None  # see `agent.model.floor`

    @model_validator(mode="after")
    def _known(self) -> ModelSize:
        if self.preset not in PRESETS:
            raise ValueError(f"there is no preset {self.preset!r}; choose one of {', '.join(PRESETS)}")
        return self

    def config(
        self, text_card: int, codebooks: int = 8, card: int = 2048, pad: int = 3, end_pad: int = 0
    ) -> ModelConfig:
        """The configuration for a vocabulary of `text_card` ids and a codec.

        Args:
            text_card: size of the text vocabulary.
            codebooks: of the codec, per side.
            card: entries of a codebook.
            pad: text id where nothing starts.
            end_pad: text id of the frame before a word.

        Raises:
            ValueError: the sizes do not fit each other.
        """
        base = cast(Callable[[], ModelConfig], PRESETS[self.preset])()
        assert base.depth is not None
        both = base.dep_q == base.n_q if self.both_sides is None else self.both_sides
        delay = max(base.delays) if self.acoustic_delay is None else self.acoustic_delay
        context = self.context or base.temporal.context
        return replace(
            base,
            temporal=_resized(base.temporal, self.dim, self.layers, self.heads, self.feedforward, context),
            depth=self._depth(base.depth, base.dep_q // base.agent_codebooks, codebooks, both),
            delays=acoustic_delays(codebooks, delay),
            n_q=2 * codebooks,
            dep_q=2 * codebooks if both else codebooks,
            card=card,
            text_card=text_card,
            pad=pad,
            end_pad=end_pad,
            ours=self._ours(base.ours, codebooks),
        )

    def _ours(self, base: Ours, codebooks: int) -> Ours:
        late = base.user_text_delay if self.user_text_delay is None else self.user_text_delay
        return Ours(
            agent_q=codebooks,
            user_text_delay=None if late is None or late < 0 else late,
            hint=base.hint if self.hint is None else self.hint,
            embedding_rank=_rank(self.embedding_rank, base.embedding_rank),
            hears_itself=base.hears_itself if self.hears_itself is None else self.hears_itself,
            hears_user=base.hears_user if self.hears_user is None else self.hears_user,
            lets_finish=base.lets_finish if self.lets_finish is None else self.lets_finish,
        )

    def _depth(self, base: DepthConfig, base_sides: int, codebooks: int, both: bool) -> DepthConfig:
        stack = _resized(
            base.transformer, self.depth_dim, self.depth_layers, self.depth_heads, self.depth_feedforward, None
        )
        sets = base.sets // base_sides if self.depth_sets is None else self.depth_sets
        if sets < 1:
            raise ValueError(f"depth_sets must be at least 1, got {sets}")
        side = tuple(min(step, sets - 1) for step in range(codebooks))
        schedule = (*side, *(each + max(side) + 1 for each in side)) if both else side
        return replace(base, transformer=stack, schedule=schedule, low_rank=_rank(self.depth_rank, base.low_rank))


def _rank(wanted: int | None, base: int | None) -> int | None:
    return base if wanted is None else wanted or None


def _resized(
    base: TransformerConfig,
    dim: int | None,
    layers: int | None,
    heads: int | None,
    feedforward: int | None,
    context: int | None,
) -> TransformerConfig:
    if feedforward is None:
        feedforward = base.feedforward[0] if dim is None else 4 * dim
    return replace(
        base,
        dim=dim or base.dim,
        layers=layers or base.layers,
        heads=heads or base.heads,
        feedforward=(feedforward,),
        context=context,
    )
