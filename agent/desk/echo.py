"""Taking the loudspeaker's sound out of the microphone's: WebRTC's audio processing from the wheel `livekit`."""

from __future__ import annotations

from typing import Any

import numpy as np

from corpus.audio import SAMPLE_RATE, Samples

BLOCK = SAMPLE_RATE // 100  # samples that WebRTC takes at a time: 10 ms
FULL_SCALE = 32_767


class EchoCanceller:
    """One direction pair of a line; keeps less than 10 ms back."""

    def __init__(self, delay_ms: int = 0, suppress_noise: bool = False) -> None:
        """Open the canceller.

        Args:
            delay_ms: expected time from playing to hearing; it is also searched for.
            suppress_noise: take steady noise out as well.

        Raises:
            ValueError: the wheel is not installed.
        """
        try:
            from livekit import rtc  # type: ignore[import-not-found, unused-ignore]
        except ImportError:
            raise ValueError("echo cancellation needs livekit: pip install 'duologue[echo]'") from None
        self._frame = rtc.AudioFrame
        self._module: Any = rtc.AudioProcessingModule(
            echo_cancellation=True, noise_suppression=suppress_noise, high_pass_filter=True, auto_gain_control=False
        )
        self._module.set_stream_delay_ms(delay_ms)
        self._near = self._far = np.zeros(0, np.float32)

    def clean(self, near: Samples, far: Samples) -> Samples:
        """What is left of the microphone's sound.

        Args:
            near: heard, float32 `[n]` at 24 kHz.
            far: played in the same time, float32 `[n]`.

        Returns:
            float32 `[m]`, the whole blocks of 240 samples there are.
        """
        assert len(near) == len(far)
        self._near, self._far = np.concatenate([self._near, near]), np.concatenate([self._far, far])
        whole = len(self._near) // BLOCK * BLOCK
        cleaned = [
            self._block(self._near[start : start + BLOCK], self._far[start : start + BLOCK])
            for start in range(0, whole, BLOCK)
        ]
        self._near, self._far = self._near[whole:], self._far[whole:]
        return np.concatenate(cleaned) if cleaned else np.zeros(0, np.float32)

    def _block(self, near: Samples, far: Samples) -> Samples:
        self._module.process_reverse_stream(self._packed(far))
        frame = self._packed(near)
        self._module.process_stream(frame)
        return np.frombuffer(bytes(frame.data), np.int16).astype(np.float32) / np.float32(FULL_SCALE)

    def _packed(self, samples: Samples) -> Any:
        whole = (np.clip(samples, -1, 1) * FULL_SCALE).round().astype(np.int16)
        return self._frame(whole.tobytes(), SAMPLE_RATE, 1, BLOCK)
