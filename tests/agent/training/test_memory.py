"""What a step holds on a card: counted where nothing is held at all."""

from __future__ import annotations

import torch
from torch import nn

from agent import LanguageModel
from agent.model.lora import LoraLinear, add_adapters
from agent.model.presets import moshi_7b
from agent.training import memory


def test_moshi_with_adapters_and_both_streams_fits_a_card_of_80_gb() -> None:
    with torch.device("meta"):
        model = LanguageModel(moshi_7b(both_sides=True)).bfloat16()
        add_adapters(model, 128)
    pairs = [each for each in model.modules() if isinstance(each, LoraLinear)]
    adapters = 128 * sum(each.frozen_W.in_features + each.frozen_W.out_features for each in pairs)
    held = memory.training_memory(model, 16, 1250)
    assert held.trained == 16 * adapters
    assert held.inputs == 20_000 * 2 * (32 * 4096 + 6 * 16 * 1024)
    assert held.logits == 20_000 * 10 * (32_000 + 16 * 2048)
    told = [line.split()[-1] for line in (memory.__doc__ or "").splitlines() if line.startswith("    ")]
    found = [held.frozen, held.trained, held.inputs, held.layer, held.logits]
    assert told == [f"{each / 1e9:.1f}" for each in found], "the docstring says what is counted"
    assert held.total < 64e9
    assert memory.training_memory(model, 8, 1250).total < 45e9


def test_what_a_layer_keeps_by_hand() -> None:
    layer = nn.Sequential(nn.Linear(4, 8, bias=False), nn.SiLU(), nn.Linear(8, 2, bias=False))
    x = torch.zeros(3, 4, requires_grad=True)
    assert memory.kept(lambda: layer(x), layer) == 4 * 3 * (4 + 8 + 8)  # what each of the three reads
