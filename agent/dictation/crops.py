"""Crops to train the recognizer on: utterances one after another in whatever surrounds them, as features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import soxr  # type: ignore[import-untyped]
import torch
from numpy.typing import NDArray
from torch import Tensor

from corpus.audio import FRAME_SAMPLES, SAMPLE_RATE, Samples

from ..hearing.config import OUT
from ..hearing.features import BANDS, SILENCE, blank_history, hops
from ..listener.scenes import LEVEL, SceneMaker
from .material import Saying, symbols
from .recipe import DictationRecipe

STEP = FRAME_SAMPLES // OUT  # samples
Spread = NDArray[np.int64]
SPACE = symbols(" ")


@dataclass(frozen=True)
class DictationBatch:
    """Some crops as tensors."""

    hops: Tensor  # [B, 8 T, 80]
    targets: Tensor  # int64 [sum], the letters of all crops one after another
    lengths: Tensor  # int64 [B], of each
    spread: Tensor  # int64 [B, 2 T], the letter that is about to be over in a step, 0 where nobody speaks


class CropMaker:
    """Draws crops; what a crop is hangs on the recipe's seed and its number alone."""

    def __init__(self, recipe: DictationRecipe, material: Sequence[Saying], scenes: SceneMaker) -> None:
        self.recipe, self.material, self.scenes = recipe, material, scenes
        hours: dict[str, float] = {}
        for each in material:
            hours[each.source] = hours.get(each.source, 0.0) + each.seconds / 3600
        self._sources = {name: [i for i, each in enumerate(material) if each.source == name] for name in hours}
        weights = np.array([recipe.shares.get(name, hours[name]) for name in hours])
        self._names, self._weights = list(hours), weights / weights.sum()

    def batch(self, step: int) -> DictationBatch:
        """The crops of a step."""
        made = [self.crop(step, row) for row in range(self.recipe.batch)]
        features, spread = (torch.from_numpy(np.stack([each[part] for each in made])) for part in (0, 2))
        letters = [torch.tensor(ids, dtype=torch.int64) for _, ids, _ in made]
        return DictationBatch(features, torch.cat(letters), torch.tensor([len(each) for each in letters]), spread)

    def crop(self, step: int, row: int) -> tuple[Samples, list[int], Spread]:
        """Features `[8 T, 80]`, letters, and the letters where they are said `[2 T]` of one crop."""
        recipe, generator = self.recipe, np.random.default_rng([self.recipe.seed, step, row])
        length = round(recipe.seconds * SAMPLE_RATE) // FRAME_SAMPLES * FRAME_SAMPLES
        sound, letters = np.zeros(length, np.float32), list[int]()
        spread = np.zeros(length // STEP, np.int64)
        if generator.random() >= recipe.nobody:
            self._talk(sound, letters, spread, generator)
        if generator.random() >= recipe.clean:
            sound = self.scenes.around(sound, bool(letters), generator)
        features, _ = hops(sound, blank_history())
        self._mask(features, generator)
        return features, letters, spread

    def _talk(self, sound: Samples, letters: list[int], spread: Spread, generator: np.random.Generator) -> None:
        """Lay utterances until the crop is full."""
        recipe, at = self.recipe, int(generator.uniform(0.05, 1.2) * SAMPLE_RATE)
        speed = generator.uniform(*recipe.speed) if generator.random() < recipe.faster else 1.0
        source = self._sources[self._names[generator.choice(len(self._names), p=self._weights)]]
        while True:
            each = self.material[source[int(generator.integers(len(source)))]]
            said = each.samples()
            if speed != 1.0:
                said = soxr.resample(said, SAMPLE_RATE, SAMPLE_RATE / speed)
            if at + len(said) + SAMPLE_RATE // 2 > len(sound):  # letters may come late
                if letters or len(said) + SAMPLE_RATE > len(sound):
                    return
                at = int(generator.integers(max(1, len(sound) - len(said) - SAMPLE_RATE // 2)))
            loud = np.sqrt((said**2).mean() + 1e-12)
            sound[at : at + len(said)] += said * np.float32(LEVEL / loud * 0.8)
            letters += [*(SPACE if letters else []), *symbols(each.text)]
            for text, start, end in each.words:
                ids = symbols(text)
                first, last = (int((at / SAMPLE_RATE + time / speed) * SAMPLE_RATE / STEP) for time in (start, end))
                steps = np.arange(first, min(max(last, first + 1), len(spread)))
                spread[steps] = [ids[(step - first) * len(ids) // max(1, last - first)] for step in steps]
            at += len(said) + int(generator.uniform(0.1, 1.5) * SAMPLE_RATE)

    def _mask(self, features: Samples, generator: np.random.Generator) -> None:
        """SpecAugment (Park et al. 2019): some bands and some moments are blank."""
        recipe = self.recipe
        for _ in range(2 if recipe.masked_bands else 0):
            width = int(generator.integers(recipe.masked_bands + 1))
            first = int(generator.integers(BANDS - width))
            features[:, first : first + width] = SILENCE
        for _ in range(3 if recipe.masked_hops else 0):
            width = int(generator.integers(recipe.masked_hops + 1))
            first = int(generator.integers(len(features) - width))
            features[first : first + width] = SILENCE
