"""Training on random codes, for tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file

from agent import LanguageModel, tiny
from agent.files.codec_identity import CodecIdentity
from agent.files.vocabulary import Vocabulary
from agent.model.config import ModelConfig
from agent.tokens.frame_labels import Label
from agent.tokens.shard_writer import ShardWriter
from agent.tokens.shards import TokenDialogue, TokenManifest, VocabularyIdentity
from agent.tokens.text_stream import Placement
from agent.training.progress import AgentProgress
from agent.training.recipe import AgentRecipe
from agent.training.trainer import AgentTrainer

CPU = torch.device("cpu")
QUICK = AgentRecipe(
    steps=12, batch=2, frames=10, warmup=2, learning_rate=3e-3, depth_learning_rate=2e-3, depth_frames=0.4, dropout=0.1,
    masking=0.1, text_only=0.2, checkpoint_every=5, validate_every=6, log_every=4,
)  # fmt: skip

LONG = QUICK.changed(steps=60, validate_every=1000, log_every=1)
PLAIN = QUICK.changed(text_only=0.0, dropout=0.0, masking=0.0, precision="float32")
SHARED = PLAIN.changed(batch=1, depth_frames=1.0, pad_weight=1.0)


@dataclass
class Crop:
    codes: torch.Tensor

    @property
    def labels(self) -> torch.Tensor:
        """The agent speaks all the time."""
        return torch.full(self.codes[:, 0].shape, int(Label.AGENT_SPEAKS), dtype=torch.uint8)


class RandomCodes:
    """Batches of random codes; two parts with one row each hold what one part with two rows holds."""

    def __init__(self, config: ModelConfig, lengths: Sequence[int] = ()) -> None:
        """`lengths`: frames of the first rows of every step; the others are full."""
        self.config, self.lengths = config, lengths

    def batch(self, step: int, rows: int, frames: int, part: int = 0, parts: int = 1) -> Crop:
        config = self.config
        sizes = [config.text_card, *[config.card] * config.n_q, *[config.text_card] * config.user_text]
        draw = torch.Generator().manual_seed(step)
        codes = torch.stack([torch.randint(size, (rows * parts, frames), generator=draw) for size in sizes], dim=1)
        codes = torch.cat([codes, torch.full((len(codes), config.ours.hint, frames), -1)], dim=1)
        for row, length in enumerate(self.lengths[: len(codes)]):
            codes[row, :, length:] = -1
        return Crop(codes[part * rows : (part + 1) * rows])

    def crop_count(self, frames: int) -> int:
        return 5

    def fixed(self, numbers: Sequence[int], frames: int) -> Crop:
        return Crop(torch.cat([self.batch(1_000_000 + number, 1, frames).codes for number in numbers]))

    def text_batch(self, step: int, rows: int, frames: int, part: int = 0) -> Crop:
        crop = self.batch(step, rows, frames, part, 2)
        crop.codes[:, 1:] = -1
        return crop


def make_trainer(folder: Path, recipe: AgentRecipe = QUICK, seed: int = 0, sharded: bool = False) -> AgentTrainer:
    config = tiny()
    torch.manual_seed(seed)
    data = RandomCodes(config)
    return AgentTrainer(LanguageModel(config), recipe, data, folder, CPU, held_out=data, sharded=sharded)


def quiet(folder: Path, recipe: AgentRecipe = QUICK) -> AgentProgress:
    folder.mkdir(parents=True, exist_ok=True)
    return AgentProgress(folder, recipe, lambda line: None)


def everything(trainer: AgentTrainer) -> dict[str, torch.Tensor]:
    trainer.save()
    return load_file(trainer.folder / "checkpoint.safetensors")


def write_tokens(folder: Path, vocabulary: Vocabulary) -> Path:
    """Six dialogues of random codes of a codec that is no more than a name."""
    draw = np.random.default_rng(0)
    codec = CodecIdentity(name="tiny", sha256="0" * 64, codebooks=2, codebook_size=32)
    dialogues = []
    for number in range(6):
        text = np.full((2, 30), vocabulary.pad, np.int32)
        text[:, 4:6] = [vocabulary.end_pad, vocabulary.encode("hello")[0]]
        codes = draw.integers(0, 32, (3, 2, 30)).astype(np.uint16)
        labels = np.zeros(30, np.uint8)
        dialogues.append(TokenDialogue(f"d{number}", codes[0], codes[1:], text, labels, Placement()))
    with ShardWriter(folder) as writer:
        about = VocabularyIdentity.of(vocabulary)
        writer.begin(TokenManifest(codec=codec, vocabulary=about, variants=2, seed=0), vocabulary)
        writer.append(dialogues)
        writer.finish()
    return folder
