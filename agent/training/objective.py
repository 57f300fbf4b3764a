"""The training objective: weighted cross-entropies of every stream, over the positions of the delayed sequence.

Position s of the sequence predicts its column s + 1 (see `agent.model.streams`). A stream of delay d says something
about a frame from position d on; before, and where a token is -1, there is nothing to learn. That is the mask of
`Predictor.forward`, read at the positions: no output needs to be moved, and the depth transformer, whose frames know
nothing of each other, can be trained on a share of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..model import streams
from ..model.config import ModelConfig
from ..model.predictor import Predictor
from ..tokens.frame_labels import Label
from .recipe import AgentRecipe
from .regularise import coarsen_user, hide_own_voice, hide_tokens

NOTHING = -1  # a target without loss
BEFORE, AFTER = 1, 2  # positions around the agent's words that count as its speech: an edge, the acoustic delay


@dataclass
class AgentLosses:
    """The sum to go down and the parts to report, all scalars with or without gradient."""

    total: Tensor
    parts: dict[str, Tensor] = field(default_factory=dict)  # detached, nats


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


def cross_entropies(logits: Tensor, targets: Tensor) -> Tensor:
    """Logits `[N, C]` and targets int64 `[N]` -> nats float32 `[N]`, 0 without a target."""
    return functional.cross_entropy(logits.float(), targets, reduction="none", ignore_index=NOTHING)


def weighted_mean(losses: Tensor, weights: Tensor) -> Tensor:
    """Mean `[]` of losses `[N]` with weights `[N]`; 0 if all weights are 0."""
    weights = weights.to(losses.dtype)
    return (losses * weights).sum() / weights.sum().clamp(min=1e-9)


def text_loss(logits: Tensor, targets: Tensor, pad: int, pad_weight: float) -> tuple[Tensor, Tensor]:
    """Loss of a text stream and, detached, the part of it that is words and their announcement (EPAD).

    Args:
        logits: `[N, text_card]`.
        targets: int64 `[N]`, -1 for none.
        pad: the id that says nothing starts here; such targets count `pad_weight`.
    """
    losses, there = cross_entropies(logits, targets), targets != NOTHING
    weights = torch.where(targets == pad, pad_weight, 1.0) * there
    return weighted_mean(losses, weights), weighted_mean(losses.detach(), there & (targets != pad))


def wording_loss(logits: Tensor, targets: Tensor, silent: tuple[int, ...]) -> Tensor:
    """Loss of a text stream for which word it is where there is one, when being no question; 0 without words.

    Args:
        logits: `[N, text_card]`.
        targets: int64 `[N]`, -1 for none.
        silent: ids that are no word: PAD and EPAD.
    """
    none = torch.tensor(silent, device=logits.device)
    words = (targets != NOTHING) & ~torch.isin(targets, none)
    losses = cross_entropies(logits.float().index_fill(1, none, -torch.inf), targets.where(words, NOTHING))
    return weighted_mean(losses, words)


def codebook_loss(means: Tensor, present: Tensor, weights: Tensor) -> Tensor:
    """Moshi's audio loss: sum of a_k CE_k over sum of a_k, over the codebooks that have targets.

    Args:
        means: mean cross-entropy of each codebook `[K]`.
        present: bool `[K]`, whether it had a target.
        weights: a_k `[K]`.
    """
    return weighted_mean(means, weights * present)


def codebook_weights(config: ModelConfig, recipe: AgentRecipe) -> list[float]:
    """a_k of every predicted codebook: semantic or acoustic, times the user's factor on the user's side."""
    agent = config.agent_codebooks
    return [
        (recipe.semantic_weight if k in (0, agent) else recipe.acoustic_weight)
        * (recipe.user_weight if k >= agent else 1.0)
        for k in range(config.dep_q)
    ]


class Objective(nn.Module):
    """A model and what it is trained for."""

    def __init__(self, model: Predictor, recipe: AgentRecipe) -> None:
        super().__init__()
        if model.config.demux_text:
            raise ValueError("a model with two text tokens in one number cannot be trained")
        self.model, self.recipe = model, recipe

    def forward(self, codes: Tensor, generator: torch.Generator, labels: Tensor | None = None) -> AgentLosses:
        """Losses of a batch.

        Args:
            codes: int64 `[B, K, T]`, as `Predictor.forward` takes them.
            generator: draws the frames that train the depth transformer and the hidden tokens; of the CPU.
            labels: uint8 `[B, T]`, see `frame_labels.Label`; the agent is taken to speak all the time if None.
        """
        model, config, recipe = self.model, self.model.config, self.recipe
        columns = Columns.of(codes, config)
        inputs = columns.inputs
        if self.training and recipe.masking:
            inputs = hide_tokens(inputs, recipe.masking, generator)
        if self.training and recipe.coarse_hearing:
            inputs = coarsen_user(inputs, config, recipe.coarse_hearing, generator)
        if self.training and recipe.own_voice_hidden:
            inputs = hide_own_voice(inputs, config, recipe.own_voice_hidden, generator)
        conditions = model.conditions(len(codes)) if model.condition_provider is not None else None
        z, targets = model.hidden(inputs, conditions).flatten(0, 1), columns.targets.flatten(0, 1)
        found = self._text_losses(z, targets, soundless(codes, config).repeat_interleave(codes.shape[2]))
        if model.depth is not None:
            before = columns.following.flatten(0, 1)[:, : config.dep_q]
            spoken = None if labels is None else speech_positions(labels).flatten()
            self._add_codebooks(found, z, before, targets[:, 1 : 1 + config.dep_q], spoken, generator)
        return found

    def _text_losses(self, z: Tensor, targets: Tensor, read: Tensor) -> AgentLosses:
        """Of both text streams; where nothing is heard but `read` (bool `[N]`), only of what the agent's words are."""
        model, config, recipe = self.model, self.model.config, self.recipe
        heard = ~read
        text, words = text_loss(model.text_linear(z[heard]), targets[heard, 0], config.pad, recipe.pad_weight)
        found = AgentLosses(recipe.text_weight * text, {"text": text.detach(), "words": words})
        if bool(read.any()):
            wording = wording_loss(model.text_linear(z[read]), targets[read, 0], (config.pad, config.end_pad))
            found.total = found.total + recipe.text_weight * wording
            found.parts["wording"] = wording.detach()
        if model.user_text_out is not None:
            logits = model.text_linear(model.user_text_out(z[heard]))
            text, words = text_loss(logits, targets[heard, 1 + config.n_q], config.pad, recipe.pad_weight)
            found.total = found.total + recipe.user_text_weight * text
            found.parts |= {"user_text": text.detach(), "user_words": words}
        return found

    def _add_codebooks(
        self,
        found: AgentLosses,
        z: Tensor,
        before: Tensor,
        targets: Tensor,
        spoken: Tensor | None,
        generator: torch.Generator,
    ) -> None:
        config, recipe = self.model.config, self.recipe
        shares = torch.full(targets.shape[:1], recipe.depth_frames)
        if spoken is not None:
            shares[~spoken.cpu()] *= recipe.silent_frames
        chosen, rest = choose_frames(targets, shares, generator)
        sums, counts = self._depth_sums(z[chosen], before[chosen], targets[chosen])
        if len(rest):
            first, count = self._depth_sums(z[rest], before[rest, :1], targets[rest, :1])
            sums = torch.cat([sums[:1] + first, sums[1:]])
            counts = torch.cat([counts[:1] + count, counts[1:]])
        means = sums / counts.clamp(min=1)
        weights = means.new_tensor(codebook_weights(config, self.recipe))
        found.total = found.total + codebook_loss(means, counts > 0, weights)
        agent = config.agent_codebooks
        for side, start, end in (("", 0, agent), ("user_", agent, config.dep_q)):
            if end > start:
                found.parts[f"{side}semantic"] = means[start].detach()
            if end > start + 1:
                found.parts[f"{side}acoustic"] = means[start + 1 : end].mean().detach()

    def _depth_sums(self, z: Tensor, before: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Summed cross-entropy and number of targets `[S]` of the first S codebooks of N frames.

        Args:
            z: temporal output `[N, D]`.
            before: int64 `[N, S]`, the token before each codebook.
            targets: int64 `[N, S]`.
        """
        depth = self.model.depth
        assert depth is not None
        outputs = depth(z, before)
        sums = [cross_entropies(depth.logits(step, x), targets[:, step]).sum() for step, x in enumerate(outputs)]
        return torch.stack(sums), (targets != NOTHING).sum(0)


def soundless(codes: Tensor, config: ModelConfig) -> Tensor:
    """Codes int64 `[B, K, T]` -> bool `[B]`: rows that are text alone, for reading. Nothing in them can be heard."""
    return (codes[:, 1 : 1 + config.n_q] == streams.ZERO).all(dim=(1, 2))


def speech_positions(labels: Tensor) -> Tensor:
    """Labels uint8 `[B, T]` -> bool `[B, T]`: positions whose codebooks are of the agent's speech or its edges."""
    spoken = (labels & Label.AGENT_SPEAKS) > 0
    padded = functional.pad(spoken, (AFTER, BEFORE))
    return padded.unfold(1, BEFORE + AFTER + 1, 1).any(-1)


def choose_frames(targets: Tensor, shares: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Rows of targets `[N, K]` to train all codebooks on, and those for the first only; both int64, in order.

    `shares` `[N]`, on the CPU: the chance of each row to be in the first. Rows without any target are in neither.
    """
    there = (targets != NOTHING).any(1)
    drawn = (torch.rand(len(shares), generator=generator) < shares).to(targets.device)
    return (there & drawn).nonzero()[:, 0], (there & ~drawn).nonzero()[:, 0]
