"""One training step of the codec: losses of the three stages and the codebooks' own moves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from ..config import PatchConfig
from ..layers.quantize import LevelStatistics, QuantizerAux
from ..model import Codec
from . import losses, parallel
from .discriminators import Discriminators
from .draws import Draw
from .loudness import LoudnessLoss
from .recipe import CodecRecipe, Stage
from .recognizer import RecognizerLoss
from .teacher import TeacherHead

SEMANTIC_NOISE = 2.0  # noise of the semantic branch in the continuous stage, relative to the acoustic branch's
HISS_DB = (-60.0, -35.0)  # against the crop's RMS


@dataclass
class CodecLosses:
    """The weighted sum to minimise and its parts, as plain numbers, for the log."""

    total: Tensor
    parts: dict[str, float] = field(default_factory=dict)
    share: PassShare = field(default_factory=lambda: PassShare())

    def add(self, name: str, value: Tensor, weight: float) -> None:
        """Add a term, as far as it is the pass's; its unweighted value is logged."""
        part = self.share.of(name)
        self.parts[name] = float(value.detach()) * part
        if weight:
            self.total = self.total + weight * part * value


@dataclass(frozen=True)
class PassShare:
    """How much of a step's means one pass is: by rows, and by what there is of each kind in them."""

    rows: float = 1.0
    voiced: float = 1.0  # of the pitch's frames
    taught: float = 1.0  # of the frames for which the teacher knows something

    def of(self, name: str) -> float:
        """For a term of the loss."""
        return {"pitch": self.voiced, "teacher": self.taught}.get(name, self.rows)


class StepLosses(nn.Module):
    """Computes what the codec minimises on a batch; holds the teacher's head, which is trained along."""

    def __init__(
        self,
        recipe: CodecRecipe,
        codec: Codec,
        head: TeacherHead | None = None,
        recognizer: RecognizerLoss | None = None,
    ) -> None:
        super().__init__()
        self.recipe, self.head, self.recognizer = recipe, head, recognizer
        self.spectral = losses.SpectralLoss(floor=recipe.spectral_floor)
        self.loudness = LoudnessLoss() if recipe.loudness_weight else None
        # A source-filter body chooses its own phase: comparing complex spectra would only mute it.
        self.complex_weight = 0.0 if isinstance(codec.config.body, PatchConfig) else recipe.complex_weight

    def forward(
        self,
        codec: Codec,
        wav: Tensor,
        stage: Stage,
        draw: Draw,
        targets: tuple[Tensor, Tensor] | None = None,
        share: PassShare | None = None,
    ) -> tuple[CodecLosses, Tensor, QuantizerAux]:
        """Losses, decoded audio `[B, 1, T]` and the quantizer's traces for a batch `[B, 1, T]`.

        Args:
            draw: of what is skipped, dropped and blurred.
            targets: the teacher's `[B, F, D]` and bool `[B, F]`, True where it holds.
            share: of the step that this batch is; all of it if None.
        """
        entries, aux = self._entries(codec, wav, stage, draw)
        with torch.autocast(wav.device.type, torch.bfloat16, enabled=self.recipe.shortened(wav.device.type)):
            output, pitch = codec.decode_supervised(entries, wav)
        terms = CodecLosses(wav.new_zeros(()), share=share or PassShare())
        error = self.spectral(output[:, 0], wav[:, 0], self.complex_weight > 0)
        terms.add("mel", error.mel, self.recipe.mel_weight)
        terms.add("fine", error.fine, self.recipe.fine_weight)
        if self.loudness is not None:
            terms.add("loudness", self.loudness(output[:, 0], wav[:, 0]), self.recipe.loudness_weight)
        if self.recognizer is not None:
            with torch.autocast(wav.device.type, torch.bfloat16, enabled=self.recipe.shortened(wav.device.type)):
                heard = self.recognizer.loss(output[:, 0], wav[:, 0])
            terms.add("recognizer", heard, self.recipe.recognizer_weight)
        if self.complex_weight:
            terms.add("complex", error.complex, self.complex_weight)
        terms.add("pitch", pitch, self.recipe.pitch_weight)
        if stage == "quantized":
            terms.add("commit", aux.commit, self.recipe.commit_weight)
        if self.head is not None and targets is not None and stage != "adversarial":
            terms.add("teacher", self.head.loss(aux, *targets), self.recipe.teacher_weight)
        return terms, output, aux

    def _entries(self, codec: Codec, wav: Tensor, stage: Stage, draw: Draw) -> tuple[Tensor, QuantizerAux]:
        recipe, device = self.recipe, wav.device
        frozen = stage == "adversarial"
        with (
            torch.set_grad_enabled(torch.is_grad_enabled() and not frozen),
            torch.autocast(device.type, torch.bfloat16, enabled=recipe.shortened(device.type)),
        ):
            z = codec.encoder_latent(hissing(wav, recipe.hiss, draw) if recipe.hiss else wav)
        z = z.float()
        if stage == "continuous":
            entries, _, aux = codec.quantize(z, unquantized=True)
            return _noisy(entries, recipe.latent_noise, draw), aux
        rows, levels = len(wav), codec.config.quantizer.n_q
        fewer = draw.whole(1, levels + 1, rows)
        keep = torch.where(draw.rand(rows) < recipe.dropout, fewer, levels)
        skip = draw.rand(rows) < (0.0 if frozen else recipe.unquantized)
        entries, _, aux = codec.quantize(z, keep.to(device), skip.to(device))
        return entries, aux


def hissing(wav: Tensor, share: float, draw: Draw) -> Tensor:
    """Audio `[B, 1, T]` with white noise under a share of its rows: codes should not depend on what nobody hears."""
    low, high = HISS_DB
    level = low + (high - low) * draw.rand(len(wav))
    gain = torch.where(draw.rand(len(wav)) < share, 10.0 ** (level / 20.0), 0.0)
    noise = draw.normal(*wav.shape).to(wav.device)
    loudness = wav.square().mean(dim=(1, 2), keepdim=True).sqrt()
    return wav + gain.to(wav.device)[:, None, None] * loudness * noise


def _noisy(entries: Tensor, level: float, draw: Draw) -> Tensor:
    """Entries `[B, F, 2 E]` as blurred as quantization will leave them; one codebook blurs more than a chain.

    The noise follows the entries' spread with gradient: growing them would gain nothing.
    """
    noise = draw.normal(*entries.shape).to(entries.device)
    halves = zip(entries.chunk(2, -1), noise.chunk(2, -1), (SEMANTIC_NOISE * level, level), strict=True)
    return torch.cat([x + amount * x.var(dim=(0, 1)).mean().sqrt() * n for x, n, amount in halves], dim=-1)


def adversarial_terms(
    terms: CodecLosses, judges: Discriminators, wav: Tensor, output: Tensor, recipe: CodecRecipe
) -> tuple[CodecLosses, Tensor]:
    """Add the generator's adversarial and feature terms; also the discriminators' own loss, for audio `[B, T]`."""
    judges.requires_grad_(False)
    _, real_features = judges(wav)
    fake_scores, fake_features = judges(output)
    judges.requires_grad_(True)
    terms.add("adversarial", losses.hinge_generator(fake_scores), recipe.adversarial_weight)
    terms.add("feature", losses.feature_matching(real_features, fake_features), recipe.feature_weight)
    real, _ = judges(wav)
    fake, _ = judges(output.detach())
    return terms, losses.hinge_discriminator(real, fake)


@torch.no_grad()
def move_codebooks(
    codec: Codec, passes: Sequence[QuantizerAux], recipe: CodecRecipe, step: int, generator: torch.Generator
) -> Tensor:
    """Exponential averages and, every few steps, new entries for dead ones. Returns counts `[Q, K]` of this step."""
    quantizer = codec.quantizer
    levels = [quantizer.statistics(aux.traces) for aux in passes]
    statistics = [
        LevelStatistics(torch.stack([e.counts for e in level]).sum(0), torch.stack([e.sums for e in level]).sum(0))
        for level in zip(*levels, strict=True)
    ]
    parallel.sum_over_processes(tensor for level in statistics for tensor in (level.counts, level.sums))
    quantizer.update(statistics, recipe.codebook_decay)
    if step % recipe.dead_every == 0:
        quantizer.replace_dead(passes[-1].traces, generator=generator)
        books = quantizer.books()
        parallel.copy_from_first(tensor for book in books for tensor in (book.embedding_sum, book.cluster_usage))
        if parallel.world_size() > 1:
            for book in books:
                book.refresh()
    return torch.stack([level.counts for level in statistics])
