"""The loudness loss behaves like what it is modelled on: ITU-T P.862's perceptual model."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from codec.training.loudness import LoudnessLoss, bark, threshold_db
from tests.support.speechlike import speech_like

LOSS = LoudnessLoss()


def wave(seed: int, seconds: float = 3.0) -> torch.Tensor:
    return torch.tensor(speech_like(seconds, seed))[None]


def test_scales_of_hearing_have_their_published_values() -> None:
    assert bark(np.array([100.0, 1000.0, 4000.0])) == pytest.approx([1.0, 8.5, 17.3], abs=0.2)  # Zwicker's table
    quietest = np.arange(100.0, 16_000.0, 50.0)
    assert 3000 <= quietest[threshold_db(quietest).argmin()] <= 3500
    assert threshold_db(np.array([1000.0])) == pytest.approx([3.4], abs=0.1)


def test_the_same_costs_nothing_and_more_noise_more_at_any_level() -> None:
    clean, noise = wave(1), torch.randn(1, 72_000, generator=torch.Generator().manual_seed(0))
    assert LOSS(clean, clean).item() < 0.01
    noise = noise * clean.square().mean().sqrt()
    costs = [LOSS(clean + 10 ** (-snr / 20) * noise, clean).item() for snr in (70, 40, 30, 20, 10)]
    assert costs == sorted(costs)
    assert costs[0] < 0.1 * costs[-1]
    quiet = LOSS(0.1 * (clean + 0.1 * noise), 0.1 * clean).item()
    assert quiet == pytest.approx(costs[3], rel=1e-3)


def test_what_is_added_costs_more_than_what_is_left_out() -> None:
    one, two = wave(1), wave(2)
    both = one + two
    assert LOSS(both, one).item() > 1.2 * LOSS(one, both).item()


def test_its_gradient_leads_to_the_original() -> None:
    clean = wave(3, 1.0)
    silent = torch.zeros_like(clean, requires_grad=True)
    LOSS(silent, clean).backward()
    assert silent.grad is not None
    assert torch.isfinite(silent.grad).all()
    guess = (clean + 0.05 * torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))).requires_grad_()
    optimizer = torch.optim.Adam([guess], lr=2e-3)
    first = LOSS(guess, clean).item()
    for _ in range(60):
        optimizer.zero_grad()
        LOSS(guess, clean).backward()
        optimizer.step()
    assert LOSS(guess, clean).item() < 0.6 * first
