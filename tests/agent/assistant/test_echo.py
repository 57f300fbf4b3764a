"""The agent's own voice in the microphone is not the user's."""

from __future__ import annotations

import numpy as np
import pytest

from agent.assistant.echo import EchoGuard
from corpus.audio import FRAME_SAMPLES, Samples


def speech(seed: int, frames: int) -> Samples:
    """Something like a voice: noise with a slow envelope."""
    noise = np.random.default_rng(seed).standard_normal(frames * FRAME_SAMPLES)
    return (0.1 * noise * (1.2 + np.sin(np.arange(len(noise)) / 3000))).astype(np.float32)


@pytest.mark.parametrize("late", [FRAME_SAMPLES, 3000, 6 * FRAME_SAMPLES])
def test_an_echo_is_taken_out_and_a_user_is_not(late: int) -> None:
    said, user = speech(1, 20), speech(2, 20)
    echo = np.concatenate([np.zeros(late, np.float32), 0.1 * said])[: len(said)]
    for spoken, least, most in ((np.zeros_like(user), 0.0, 0.01), (user, 0.99, 1.01)):
        guard, kept = EchoGuard(), []
        for start in range(0, len(said), FRAME_SAMPLES):
            kept.append(guard.hear((echo + spoken)[start : start + FRAME_SAMPLES]))
            guard.say(said[start : start + FRAME_SAMPLES])
        heard = np.concatenate(kept)[10 * FRAME_SAMPLES :]
        part = spoken if spoken.any() else echo
        share = float(np.mean(heard**2) / np.mean(part[10 * FRAME_SAMPLES :] ** 2))
        assert least <= share <= most + 0.02


def test_without_anything_said_the_frame_is_as_it_was() -> None:
    frame = speech(3, 1)
    assert EchoGuard().hear(frame) is frame
