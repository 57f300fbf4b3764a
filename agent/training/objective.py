"""The training objective: weighted cross-entropies of every stream, over the positions of a `Lesson`.

Everything is a sum divided by a count (`lesson.counts`). Sums and counts add up over passes and processes; `total` of
them is the loss, so that it, and its gradient, are the same however a step is cut.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional

from codec.training.draws import Draw

from ..model.config import ModelConfig
from ..model.predictor import Predictor
from .lesson import CODEBOOKS, NOTHING, TEXT, USER_TEXT, USER_WORDS, WORDING, WORDS, Lesson, text_weights
from .recipe import AgentRecipe


@dataclass
class AgentLosses:
    """The sum to go down and the parts to report, all scalars with or without gradient."""

    total: Tensor
    parts: dict[str, Tensor] = field(default_factory=dict)  # detached, nats


def cross_entropies(logits: Tensor, targets: Tensor) -> Tensor:
    """Logits `[N, C]` and targets int64 `[N]` -> nats float32 `[N]`, 0 without a target."""
    return functional.cross_entropy(logits.float(), targets, reduction="none", ignore_index=NOTHING)


def text_sums(logits: Tensor, targets: Tensor, pad: int, pad_weight: float) -> tuple[Tensor, Tensor]:
    """Summed loss of a text stream and, detached, of the part of it that is words and their announcement (EPAD).

    Args:
        logits: `[N, text_card]`.
        targets: int64 `[N]`, -1 for none.
        pad: the id that says nothing starts here; such targets count `pad_weight`.
    """
    losses, (weights, words) = cross_entropies(logits, targets), text_weights(targets, pad, pad_weight)
    return (losses * weights).sum(), (losses.detach() * words).sum()


def wording_sum(logits: Tensor, targets: Tensor, silent: tuple[int, ...]) -> Tensor:
    """Summed loss of a text stream for which word it is where there is one, when being no question.

    Args:
        logits: `[N, text_card]`.
        targets: int64 `[N]`, -1 for none.
        silent: ids that are no word: PAD and EPAD.
    """
    none = torch.tensor(silent, device=logits.device)
    words = (targets != NOTHING) & ~torch.isin(targets, none)
    return cross_entropies(logits.float().index_fill(1, none, -torch.inf), targets.where(words, NOTHING)).sum()


def codebook_loss(means: Tensor, present: Tensor, weights: Tensor) -> Tensor:
    """Moshi's audio loss: sum of a_k CE_k over sum of a_k, over the codebooks that have targets.

    Args:
        means: mean cross-entropy of each codebook `[K]`.
        present: bool `[K]`, whether it had a target.
        weights: a_k `[K]`.
    """
    counted = weights * present
    return (means * counted).sum() / counted.sum().clamp(min=1e-9)


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

    def lesson(self, codes: Tensor, labels: Tensor | None = None, draw: Draw | None = None) -> Lesson:
        """What a batch gives to learn; see `Lesson.of`."""
        return Lesson.of(codes, labels, self.model.config, self.recipe, draw)

    def forward(self, lesson: Lesson) -> Tensor:
        """Summed losses float32 `[5 + dep_q]`, in the order of `lesson.counts`."""
        model, config, recipe = self.model, self.model.config, self.recipe
        conditions = model.conditions(len(lesson.inputs)) if model.condition_provider is not None else None
        z, targets, heard = model.hidden(lesson.inputs, conditions).flatten(0, 1), lesson.targets, ~lesson.read
        zero = z.new_zeros((), dtype=torch.float32)
        text, words = text_sums(model.text_linear(z[heard]), targets[heard, 0], config.pad, recipe.pad_weight)
        wording = user_text = user_words = zero
        if bool(lesson.read.any()):
            logits = model.text_linear(z[lesson.read])
            wording = wording_sum(logits, targets[lesson.read, 0], (config.pad, config.end_pad))
        if model.user_text_out is not None:
            logits = model.text_linear(model.user_text_out(z[heard]))
            user_text, user_words = text_sums(logits, targets[heard, 1 + config.n_q], config.pad, recipe.pad_weight)
        sums = torch.stack([text, words, wording, user_text, user_words])
        return sums if model.depth is None else torch.cat([sums, self._codebook_sums(z, lesson)])

    def _codebook_sums(self, z: Tensor, lesson: Lesson) -> Tensor:
        """Summed cross-entropies `[dep_q]` of the codebooks, those behind the first by the frames' emphasis."""
        targets = lesson.targets[:, 1 : 1 + self.model.config.dep_q]
        chosen, rest = lesson.chosen, lesson.rest
        sums = self._depth_sums(z[chosen], lesson.before[chosen], targets[chosen], lesson.emphasis)
        if not len(rest):
            return sums
        first = self._depth_sums(z[rest], lesson.before[rest, :1], targets[rest, :1], lesson.emphasis)
        return torch.cat([sums[:1] + first, sums[1:]])

    def _depth_sums(self, z: Tensor, before: Tensor, targets: Tensor, emphasis: Tensor) -> Tensor:
        """Summed cross-entropies `[S]` of the first S codebooks of N frames.

        Args:
            z: temporal output `[N, D]`.
            before: int64 `[N, S]`, the token before each codebook.
            targets: int64 `[N, S]`.
            emphasis: `[N]`, of the codebooks behind the first.
        """
        depth = self.model.depth
        assert depth is not None
        losses = [cross_entropies(depth.logits(k, x), targets[:, k]) for k, x in enumerate(depth(z, before))]
        return torch.stack([losses[0].sum(), *((each * emphasis).sum() for each in losses[1:])])

    def total(self, sums: Tensor, counts: Tensor) -> Tensor:
        """The loss `[]` of sums and counts, those of one pass or added up over many."""
        recipe, means = self.recipe, sums / counts.clamp(min=1e-9)
        total = recipe.text_weight * (means[TEXT] + means[WORDING]) + recipe.user_text_weight * means[USER_TEXT]
        if self.model.depth is None:
            return total
        weights = means.new_tensor(codebook_weights(self.model.config, recipe))
        return total + codebook_loss(means[CODEBOOKS:], counts[CODEBOOKS:] > 0, weights)

    def parts(self, sums: Tensor, counts: Tensor) -> dict[str, Tensor]:
        """What the loss is made of, for people: means `[]`, detached."""
        means = sums.detach() / counts.clamp(min=1e-9)
        parts = {"text": means[TEXT], "words": means[WORDS]}
        if bool(counts[WORDING] > 0):
            parts["wording"] = means[WORDING]
        if self.model.user_text_out is not None:
            parts |= {"user_text": means[USER_TEXT], "user_words": means[USER_WORDS]}
        books, config = means[CODEBOOKS:], self.model.config
        for side, start, end in (("", 0, config.agent_codebooks), ("user_", config.agent_codebooks, config.dep_q)):
            if min(end, len(books)) > start:
                parts[f"{side}semantic"] = books[start]
            if min(end, len(books)) > start + 1:
                parts[f"{side}acoustic"] = books[start + 1 : end].mean()
        return parts

    def losses(self, codes: Tensor, draw: Draw | None = None, labels: Tensor | None = None) -> AgentLosses:
        """The loss of a batch by itself, and its parts."""
        lesson = self.lesson(codes, labels, draw)
        sums = self(lesson)
        return AgentLosses(self.total(sums, lesson.counts), self.parts(sums, lesson.counts))
