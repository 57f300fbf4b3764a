"""What one pass over the model can learn, known before it: inputs, targets, and how much of each there is.

Position s of the sequence predicts its column s + 1 (see `agent.model.streams`). A stream of delay d says something
about a frame from position d on; before, and where a token is -1, there is nothing to learn. That is the mask of
`Predictor.forward`, read at the positions: no output needs to be moved, and the depth transformer, whose frames know
nothing of each other, can be trained on a share of them.

The counts need no model. So all passes of a step, here and in other processes, can be counted first, and each pass's
loss is divided by what there is in all of them: the gradient is the same however a step is cut into passes.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from codec.training.draws import Draw

from ..model import streams
from ..model.config import ModelConfig
from ..tokens.frame_labels import Label
from .recipe import AgentRecipe
from .regularise import coarsen_user, hide_own_voice, hide_tokens

NOTHING = -1  # a target without loss
BEFORE, AFTER = 1, 2  # positions around the agent's words that count as its speech: an edge, the acoustic delay
TEXT, WORDS, WORDING, USER_TEXT, USER_WORDS, CODEBOOKS = range(6)  # places in counts and sums; codebooks to the end


@dataclass(frozen=True)
class Columns:
    """What a batch of codes gives to learn from."""

    inputs: Tensor  # int64 [B, K, T]
    following: Tensor  # int64 [B, T, K], the column after each, initial tokens included: what the depth side reads
    targets: Tensor  # int64 [B, T, K], the same with NOTHING where there is no loss

    @classmethod
    def of(cls, codes: Tensor, config: ModelConfig) -> Columns:
        """The columns of codes int64 `[B, K, T]`, as `Predictor.forward` takes them."""
        sequence = streams.delay(streams.complete(codes, config), config)
        delays = torch.tensor(streams.stream_delays(config), device=codes.device)
        early = torch.arange(codes.shape[2], device=codes.device)[:, None] < delays
        following = sequence[:, :, 1:].transpose(1, 2)
        return cls(sequence[:, :, :-1], following, following.masked_fill(early, NOTHING))


@dataclass(frozen=True)
class Lesson:
    """One pass: N = B x T positions, row after row."""

    inputs: Tensor  # int64 [B, K, T], with what is hidden hidden
    before: Tensor  # int64 [N, dep_q], what the depth side reads
    targets: Tensor  # int64 [N, K], NOTHING where there is no loss
    read: Tensor  # bool [N], positions of rows that lack the sound from which the model would know when to speak
    chosen: Tensor  # int64, positions whose codebooks are all learnt
    rest: Tensor  # int64, those of which the first is
    emphasis: Tensor  # float32, of each of `chosen`: how much its codebooks behind the first count
    counts: Tensor  # float32 [5 + dep_q], the weight of all targets, see TEXT ... CODEBOOKS

    @classmethod
    def of(
        cls, codes: Tensor, labels: Tensor | None, config: ModelConfig, recipe: AgentRecipe, draw: Draw | None
    ) -> Lesson:
        """The lesson in a batch.

        Args:
            codes: int64 `[B, K, T]`, as `Predictor.forward` takes them.
            labels: uint8 `[B, T]`, see `frame_labels.Label`; the agent is taken to speak all the time if None.
            config: of the model.
            recipe: what counts how much, what is hidden and left out.
            draw: of what is hidden and left out; None hides nothing and counts every frame by its chance to be learnt,
                which is what the losses of many draws come to: for validation.
        """
        columns = Columns.of(codes, config)
        inputs = columns.inputs if draw is None else _hidden(columns.inputs, config, recipe, draw)
        targets = columns.targets.flatten(0, 1)
        shares = torch.full((len(codes), codes.shape[2]), recipe.depth_frames)
        if labels is not None:
            shares[~speech_positions(labels).cpu()] *= recipe.silent_frames
        wanted = shares if draw is None else (draw.rand(*shares.shape) < shares).float()
        chosen, rest = choose_frames(targets[:, 1 : 1 + config.dep_q], wanted.flatten() > 0)
        emphasis = wanted.flatten().to(codes.device)[chosen]
        read = untimed(codes, config).repeat_interleave(codes.shape[2])
        counts = _counts(targets, read, chosen, rest, emphasis, config, recipe)
        return cls(
            inputs, columns.following.flatten(0, 1)[:, : config.dep_q], targets, read, chosen, rest, emphasis, counts
        )


def _hidden(inputs: Tensor, config: ModelConfig, recipe: AgentRecipe, draw: Draw) -> Tensor:
    if recipe.masking:
        inputs = hide_tokens(inputs, recipe.masking, draw)
    if recipe.coarse_hearing:
        inputs = coarsen_user(inputs, config, recipe.coarse_hearing, draw)
    if recipe.own_voice_hidden:
        inputs = hide_own_voice(inputs, config, recipe.own_voice_hidden, draw)
    return inputs


def _counts(
    targets: Tensor,
    read: Tensor,
    chosen: Tensor,
    rest: Tensor,
    emphasis: Tensor,
    config: ModelConfig,
    recipe: AgentRecipe,
) -> Tensor:
    heard = ~read
    silent = torch.tensor((config.pad, config.end_pad), device=targets.device)
    zero = targets.new_zeros((), dtype=torch.float32)
    text = text_weights(targets[heard, 0], config.pad, recipe.pad_weight)
    user = (zero, zero)
    if config.user_text:
        user = text_weights(targets[heard, 1 + config.n_q], config.pad, recipe.pad_weight)
    spelt = targets[read, 0]
    counts = [text[0].sum(), text[1].sum(), ((spelt != NOTHING) & ~torch.isin(spelt, silent)).sum()]
    counts += [user[0].sum(), user[1].sum()]
    books = targets[:, 1 : 1 + config.dep_q] != NOTHING
    learnt = (books[chosen] * emphasis[:, None]).sum(0)
    if config.dep_q:
        learnt[0] = books[chosen, 0].sum() + books[rest, 0].sum()
    return torch.cat([torch.stack([count.float() for count in counts]), learnt.float()])


def text_weights(targets: Tensor, pad: int, pad_weight: float) -> tuple[Tensor, Tensor]:
    """How much text targets int64 `[N]` count: in the loss, and among the words and their announcement (EPAD)."""
    there = targets != NOTHING
    return torch.where(targets == pad, pad_weight, 1.0) * there, (there & (targets != pad)).float()


def untimed(codes: Tensor, config: ModelConfig) -> Tensor:
    """Codes int64 `[B, K, T]` -> bool `[B]`: rows without the user's sound or words, which say when to speak."""
    if config.ours.hears_user:
        return soundless(codes, config)
    return soundless(codes, config) & (codes[:, 1 + config.n_q] == streams.ZERO).all(dim=1)


def soundless(codes: Tensor, config: ModelConfig) -> Tensor:
    """Codes int64 `[B, K, T]` -> bool `[B]`: rows that are text alone, for reading. Nothing in them can be heard."""
    return (codes[:, 1 : 1 + config.n_q] == streams.ZERO).all(dim=(1, 2))


def speech_positions(labels: Tensor) -> Tensor:
    """Labels uint8 `[B, T]` -> bool `[B, T]`: positions whose codebooks are of the agent's speech or its edges."""
    spoken = (labels & Label.AGENT_SPEAKS) > 0
    padded = functional.pad(spoken, (AFTER, BEFORE))
    return padded.unfold(1, BEFORE + AFTER + 1, 1).any(-1)


def choose_frames(targets: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
    """Rows of targets `[N, K]` to train all codebooks on, and those for the first only; both int64, in order.

    `wanted` bool `[N]`, on any device: those for the first. Rows without any target are in neither.
    """
    there, drawn = (targets != NOTHING).any(1), wanted.to(targets.device)
    return (there & drawn).nonzero()[:, 0], (there & ~drawn).nonzero()[:, 0]
