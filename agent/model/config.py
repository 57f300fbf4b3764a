"""The model's architecture as frozen dataclasses, read from and written to Moshi's own `config.json` keys.

Official configurations (Moshi, Hibiki, Kyutai STT and TTS, PersonaPlex) need nothing else. What is ours is the field
`ours`, in the file one extra key, "duologue": a configuration without it is one that Kyutai's software reads as well.
"""

from __future__ import annotations

import dataclasses
from typing import Literal

from .experts import ExpertsConfig

Norm = Literal["layer_norm", "layer_norm_f32", "rms_norm", "rms_norm_f32"]
Positions = Literal["rope", "sin", "sin_rope", "none"]
Fuse = Literal["sum", "cross", "unused"]

NORMS = ("layer_norm", "layer_norm_f32", "rms_norm", "rms_norm_f32")
POSITIONS = ("rope", "sin", "sin_rope", "none")
ACTIVATIONS = (
    "sigmoid",
    "tanh",
    "relu",
    "leaky_relu",
    "elu",
    "gelu",
    "gelu_tanh",
    "silu",
    "mish",
    "softsign",
    "identity",
)


@dataclasses.dataclass(frozen=True)
class Variation:
    """Where an open decoder LM departs from Moshi's transformer; the defaults are Moshi's."""

    head_dim: int | None = None  # width of a head, dim / heads if None
    qkv_bias: bool = False
    out_bias: bool = False
    feedforward_bias: bool = False
    qk_norm: bool = False  # RMSNorm on every head's queries and keys
    post_norm: bool = False  # a second norm after attention and feed-forward, before the sum
    norm_eps: float | None = None
    frequencies: tuple[tuple[float, ...], ...] = ()  # rotary tables, radians per step for each pair; () = max_period's
    layer_rotary: tuple[int, ...] = ()  # table of each layer, -1 = no rotation; () = table 0 everywhere
    layer_window: tuple[int, ...] = ()  # attention window of each layer, at most the context; () = the context
    layer_heads: tuple[int, ...] = ()  # query heads of each layer; () = the stack's
    layer_key_heads: tuple[int, ...] = ()  # heads of keys and values of each layer; () = the stack's
    layer_feedforward: tuple[int, ...] = ()  # dim_feedforward of each layer; () = the stack's
    sinks: bool = False  # a learned share of every head's attention that goes nowhere
    experts: ExpertsConfig | None = None  # in place of the feed-forward


@dataclasses.dataclass(frozen=True)
class TransformerConfig:
    """One transformer stack, in Moshi's terms."""

    dim: int
    heads: int
    layers: int
    feedforward: tuple[int, ...]  # Moshi's dim_feedforward: one for all, or one per set of weights
    gating: str = "none"  # activation of the gated feed-forward; "none" is a plain GELU one
    norm: Norm = "layer_norm"
    positions: Positions = "sin"
    context: int | None = None  # steps a query sees, itself included; None is all
    max_period: float = 10_000.0
    layer_scale: float | None = None
    kv_repeat: int = 1  # query heads per key head
    cross_attention: bool = False
    variation: Variation = Variation()

    def __post_init__(self) -> None:
        if min(self.dim, self.heads, self.layers, self.kv_repeat, *self.feedforward) < 1:
            raise ValueError(f"a transformer's sizes must be at least 1, got {self}")
        if self.variation.head_dim is None and self.dim % self.heads:
            raise ValueError(f"dim {self.dim} must be a multiple of num_heads {self.heads}")
        if self.heads % self.kv_repeat:
            raise ValueError(f"num_heads {self.heads} must be a multiple of kv_repeat {self.kv_repeat}")
        if self.norm not in NORMS:
            raise ValueError(f'unknown norm "{self.norm}"; valid: {", ".join(NORMS)}')
        if self.positions not in POSITIONS:
            raise ValueError(f'positional embedding "{self.positions}" is not supported; valid: {", ".join(POSITIONS)}')
        if "rope" in self.positions and self.head_dim % 2:
            raise ValueError(f"rotary positions need heads of even width, got {self.head_dim}")
        if self.gating not in ("none", *ACTIVATIONS):
            raise ValueError(f'unknown gating "{self.gating}"; valid: none, {", ".join(ACTIVATIONS)}')
        if self.context is not None and self.context < 1:
            raise ValueError(f"context must be at least 1, got {self.context}")
        self._check_layers()

    def _check_layers(self) -> None:
        for name in ("layer_rotary", "layer_window", "layer_heads", "layer_key_heads", "layer_feedforward"):
            values = getattr(self.variation, name)
            if values and len(values) != self.layers:
                raise ValueError(f"{name} has {len(values)} numbers for {self.layers} layers")
        if (self.variation.layer_heads or self.variation.layer_key_heads) and self.variation.head_dim is None:
            raise ValueError("heads that differ from layer to layer need head_dim")
        if self.layered:
            for index in range(self.layers):
                self.layer(index)

    @property
    def layered(self) -> bool:
        """Whether the layers differ in size."""
        variation = self.variation
        return bool(variation.layer_heads or variation.layer_key_heads or variation.layer_feedforward)

    def layer(self, index: int) -> TransformerConfig:
        """The stack of one layer's sizes: itself where all are alike."""
        if not self.layered:
            return self
        own = self.variation
        heads = own.layer_heads[index] if own.layer_heads else self.heads
        groups = own.layer_key_heads[index] if own.layer_key_heads else self.key_heads
        if groups < 1 or heads % groups:
            raise ValueError(f"layer {index}: {heads} query heads must be a multiple of {groups} key heads")
        wide = (own.layer_feedforward[index],) if own.layer_feedforward else self.feedforward
        alike = dataclasses.replace(
            own, layer_heads=(), layer_key_heads=(), layer_feedforward=(), layer_rotary=(), layer_window=()
        )
        return dataclasses.replace(
            self, heads=heads, layers=1, feedforward=wide, kv_repeat=heads // groups, variation=alike
        )

    @property
    def head_dim(self) -> int:
        """Width of a head."""
        return self.variation.head_dim or self.dim // self.heads

    @property
    def key_heads(self) -> int:
        """Heads of keys and values."""
        return self.heads // self.kv_repeat

    def hidden(self, index: int = 0) -> int:
        """Width inside the feed-forward of a set of weights (Kyutai's `modules/gating.py`)."""
        width = self.feedforward[index if len(self.feedforward) > 1 else 0]
        if self.gating == "none":
            return width
        return 21 * self.dim // 8 if width == 4 * self.dim else 2 * width // 3


@dataclasses.dataclass(frozen=True)
class DepthConfig:
    """The transformer over the codebooks of one frame."""

    transformer: TransformerConfig
    schedule: tuple[int, ...]  # set of weights of every step
    per_step: bool = True  # False: one set for all steps, the schedule is all zeros
    multi_linear: bool = False  # one projection of the temporal output per set instead of one in all
    low_rank: int | None = None  # of its token embeddings
    norm: Norm | None = None  # before the output of every step

    def __post_init__(self) -> None:
        sets = max(self.schedule) + 1
        if sorted(set(self.schedule)) != list(range(sets)):
            raise ValueError(f"depformer_weights_per_step_schedule must use all sets 0..{sets - 1}: {self.schedule}")
        if len(self.transformer.feedforward) not in (1, sets):
            raise ValueError(f"depformer_dim_feedforward must be one number or {sets}, one per set of weights")
        if self.per_step and self.transformer.gating == "none":
            raise ValueError("depformer_weights_per_step needs a gated feed-forward: set depformer_gating")
        if self.transformer.variation != Variation():
            raise ValueError("the depth transformer has no variations")

    @property
    def sets(self) -> int:
        """Sets of weights."""
        return max(self.schedule) + 1


@dataclasses.dataclass(frozen=True)
class ConditionerConfig:
    """A condition given for a whole stream: a word out of a table, or a tensor such as a voice."""

    name: str
    kind: Literal["lut", "tensor"]
    dim: int
    fuse: Fuse
    bins: int = 0  # of a table
    values: tuple[str, ...] = ()  # words of a table in order; empty: words are hashed
    learn_padding: bool = True


@dataclasses.dataclass(frozen=True)
class Ours:
    """What Moshi does not have; the defaults are Moshi. The names are the keys of config.json, under "duologue"."""

    agent_q: int | None = None  # codebooks of the agent; dep_q if None
    user_text_delay: int | None = None  # frames by which the user's words are transcribed; None: no such stream
    hint: bool = False  # an input text stream through which a program suggests the agent's words
    embedding_rank: int | None = None  # of the temporal transformer's audio embeddings
    hears_itself: bool = True  # whether the temporal transformer reads the agent's own codes, and not its words alone
    hears_user: bool = True  # whether it reads the user's codes, and not the user's words alone
    lets_finish: float = 0.0  # added to PAD's logit of a silent agent while a voice is heard, see `agent.model.floor`
    hearing: str | None = None  # the recognizer whose words the model reads in place of its own guess; None: its own

    def __post_init__(self) -> None:
        if self.user_text_delay is not None and self.user_text_delay < 0:
            raise ValueError(f"user_text_delay must not be negative, got {self.user_text_delay}")
        if self.hearing is not None and self.user_text_delay is None:
            raise ValueError("hearing needs a stream of the user's words to write to: set user_text_delay")
        if not self.hears_user and (self.hears_itself or self.user_text_delay is None):
            raise ValueError(
                "hears_user = false is for a model that reads both sides' words: hears_itself = false, too"
            )


@dataclasses.dataclass(frozen=True)
class ModelConfig:
    """The whole model. Rows of its codes: text, agent codebooks, user codebooks, then user text and hint if there."""

    temporal: TransformerConfig
    depth: DepthConfig | None  # None for a model that only listens
    delays: tuple[int, ...]  # frames, of text and every codebook
    n_q: int
    dep_q: int  # codebooks predicted
    card: int = 2048
    text_card: int = 32_000
    text_card_out: int | None = None
    pad: int = 3  # text id: nothing starts here
    end_pad: int = 0  # text id: a word starts next
    norm_emb: bool = False
    bias_proj: bool = False
    demux_text: bool = False  # two text tokens in one number
    extra_heads: int = 0
    extra_heads_dim: int = 6
    conditioners: tuple[ConditionerConfig, ...] = ()
    cross_positions: float | None = None  # scale of sinusoidal positions on crossed conditions
    ours: Ours = Ours()

    def __post_init__(self) -> None:
        if len(self.delays) != self.n_q + 1:
            raise ValueError(f"delays must list {self.n_q + 1} streams (text and n_q), got {len(self.delays)}")
        if min(self.delays) < 0:
            raise ValueError(f"delays must not be negative, got {list(self.delays)}")
        if not 0 <= self.dep_q <= self.n_q:
            raise ValueError(f"dep_q must lie in 0..n_q={self.n_q}, got {self.dep_q}")
        if (self.depth is None) != (self.dep_q == 0):
            raise ValueError(f"dep_q={self.dep_q} does not fit {'no' if self.depth is None else 'a'} depth transformer")
        if self.ours.agent_q == self.dep_q:  # as without: one form for one model
            object.__setattr__(self, "ours", dataclasses.replace(self.ours, agent_q=None))
        if self.depth is not None and len(self.depth.schedule) != self.dep_q:
            raise ValueError(f"the schedule has {len(self.depth.schedule)} steps, dep_q is {self.dep_q}")
        if not 0 <= self.agent_codebooks <= self.dep_q:
            raise ValueError(f"agent_q must lie in 0..dep_q={self.dep_q}, got {self.ours.agent_q}")
        for key, value in (("existing_text_padding_id", self.pad), ("existing_text_end_padding_id", self.end_pad)):
            if not 0 <= value < self.text_card:
                raise ValueError(f"{key} must lie in 0..{self.text_card - 1}, got {value}")
        crossed = any(each.fuse == "cross" for each in self.conditioners)
        if crossed != self.temporal.cross_attention:
            raise ValueError("cross_attention needs a condition in fuser.cross, and the other way round")
        if self.demux_text and (self.user_text or self.ours.hint or self.norm_emb):
            raise ValueError("a demuxed text stream excludes user_text_delay, hint and norm_emb")
        if self.text_out != self.text_card and self.user_text:
            raise ValueError("user_text_delay needs text_card_out to equal text_card")

    @property
    def agent_codebooks(self) -> int:
        """Codebooks of the agent's voice."""
        return self.dep_q if self.ours.agent_q is None else self.ours.agent_q

    @property
    def user_codebooks(self) -> int:
        """Codebooks of the user's voice."""
        return self.n_q - self.agent_codebooks

    @property
    def first_heard(self) -> int:
        """Row of the codes from which on the temporal transformer hears: its codebooks end with the user's.

        None is heard where that lies behind them."""
        if not self.ours.hears_user:
            return 1 + self.n_q
        return 1 if self.ours.hears_itself else 1 + self.agent_codebooks

    @property
    def text_out(self) -> int:
        """Text ids predicted."""
        return self.text_card if self.text_card_out is None else self.text_card_out

    @property
    def user_text(self) -> bool:
        """Whether the user's words are a stream."""
        return self.ours.user_text_delay is not None

    @property
    def streams(self) -> int:
        """Rows of the codes: 1 + n_q, plus one for each of user text and hint."""
        return 1 + self.n_q + self.user_text + self.ours.hint
