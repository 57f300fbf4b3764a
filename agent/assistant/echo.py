"""The agent's own voice, come back through the microphone: what the mouth just said is known, so it can be told apart.

This is no canceller (`agent.desk.echo` is one): it finds the one delay and loudness at which what was said explains
most of a frame. A frame that is mostly echo is heard without it, and with nothing else in it that is silence; a user
who speaks is louder than that and is heard as he is.
"""

from __future__ import annotations

import numpy as np

from corpus.audio import FRAME_SAMPLES, Samples

REACH = 6 * FRAME_SAMPLES  # samples that an echo may be late: 0.48 s
MOSTLY = 0.5  # share of a frame's energy that the echo explains, from which the frame is one
FAINT = 1e-10  # mean power of what was said, below which there is nothing to come back
SIZE = 1 << (REACH + 2 * FRAME_SAMPLES - 1).bit_length()  # of the Fourier transform


class EchoGuard:
    """One talk's memory of what it said."""

    def __init__(self) -> None:
        self._said = np.zeros(REACH + FRAME_SAMPLES, np.float32)

    def say(self, frame: Samples) -> None:
        """Remember float32 `[1920]` that is played next."""
        self._said = np.concatenate([self._said[FRAME_SAMPLES:], frame])

    def hear(self, frame: Samples) -> Samples:
        """A frame float32 `[1920]` of the microphone, without what is only an echo."""
        said = self._said
        if float(np.mean(np.square(said))) < FAINT:
            return frame
        # products[k]: the frame against what was said from k samples after the memory's beginning
        spectrum = np.fft.rfft(said, SIZE) * np.conj(np.fft.rfft(frame, SIZE))
        products = np.fft.irfft(spectrum, SIZE)[: REACH + 1]
        total = np.concatenate([[0.0], np.cumsum(np.square(said, dtype=np.float64))])
        powers = total[FRAME_SAMPLES:] - total[: REACH + 1]
        explained = np.where(powers > FAINT, products**2 / np.maximum(powers, FAINT), 0.0)
        best = int(np.argmax(explained))
        if explained[best] <= MOSTLY * float(np.sum(np.square(frame, dtype=np.float64))):
            return frame
        gain = np.float32(products[best] / powers[best])
        return np.asarray(frame - gain * said[best : best + FRAME_SAMPLES], np.float32)
